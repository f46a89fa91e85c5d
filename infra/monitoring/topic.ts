import { Aws, Validations } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

/** A topic for alarms, or for notices that need no action. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;

  /** @param email receives them, after the address has confirmed the subscription */
  constructor(scope: Construct, id: string, email: string | undefined) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', { displayName: 'S3 Ferry', enforceSSL: true });
    // This policy replaces the default one, which lets all of the account's services publish.
    const statement = new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [this.topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    });
    this.topic.addToResourcePolicy(statement);
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email));
    Validations.of(this.topic).acknowledge({
      id: 'AwsSolutions-SNS2',
      reason:
        'CloudWatch cannot publish to a topic encrypted with the key that AWS manages, and a customer managed key ' +
        'costs more than an idle stack; a message holds the name and the description of an alarm, which are in the ' +
        'template',
    });
  }
}
