import {
  LegacyStackSynthesizer,
  CfnOutput,
  CfnParameter,
  Duration,
  Stack,
  Validations,
  type IStackSynthesizer,
} from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { allowRules } from '../missed.ts';
import { bucketPattern } from './pattern.ts';
import { placeName, type EventPlace } from './places.ts';

/**
 * What sends the S3 events of one place to a stack of S3 Ferry elsewhere: a rule for each bucket on the default bus of
 * the buckets' region, whose target is the event bus of that stack. It needs no bootstrap, no assets and no CDK: its
 * template is a file that the owner of the place deploys with the AWS command line.
 */
export class EventSender extends Stack {
  constructor(scope: Construct, place: EventPlace) {
    super(scope, placeName(place), {
      description: 'S3 Ferry: sends S3 events to a stack in another region or account',
      // The CDK's class declares "string | undefined" for a property that its interface declares as optional.
      synthesizer: new LegacyStackSynthesizer() as IStackSynthesizer,
    });
    const bus = new CfnParameter(this, 'EventBusArn', {
      description: 'event bus of the stack of S3 Ferry',
      allowedPattern: String.raw`arn:[a-z-]+:events:[a-z0-9-]+:\d{12}:event-bus/.+`,
    }).valueAsString;
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
      inlinePolicies: {
        Send: new PolicyDocument({
          statements: [new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus] })],
        }),
      },
    });
    const undelivered = new Queue(this, 'Undelivered', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    allowRules(undelivered);
    Validations.of(undelivered).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is the dead-letter queue of rules',
    });
    place.buckets.forEach((bucket, index) => {
      new CfnRule(this, `Bucket${index + 1}`, {
        description: `S3 Ferry: events of bucket ${bucket.bucket}`,
        eventPattern: bucketPattern(bucket),
        targets: [{ id: 'Ferry', arn: bus, roleArn: role.roleArn, deadLetterConfig: { arn: undelivered.queueArn } }],
      });
    });
    new CfnOutput(this, 'UndeliveredQueueUrl', { value: undelivered.queueUrl });
  }
}
