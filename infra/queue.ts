import { Duration } from 'aws-cdk-lib';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { maxReceives } from '../shared/model/limits.ts';

/** The longest that SQS keeps a message; a shorter time would lose jobs over a holiday. */
const retention = Duration.days(14);

/** The queue of jobs and S3 events, and the dead-letter queue behind it. */
export class JobQueues extends Construct {
  readonly jobs: Queue;
  readonly deadLetters: Queue;

  /** @param consumerTimeout timeout of the function that consumes the jobs */
  constructor(scope: Construct, id: string, consumerTimeout: Duration) {
    super(scope, id);
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: retention };
    this.deadLetters = new Queue(this, 'DeadLetters', common);
    this.jobs = new Queue(this, 'Jobs', {
      ...common,
      // Lambda recommends six times the function's timeout: throttled polls must not deliver a message twice.
      visibilityTimeout: Duration.seconds(6 * consumerTimeout.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: maxReceives },
    });
  }
}

/** Lets `grantee` send to the queue and nothing else (the CDK's own grant adds two calls that are never made). */
export function grantSend(queue: Queue, grantee: IGrantable): void {
  const statement = new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] });
  grantee.grantPrincipal.addToPrincipalPolicy(statement);
}
