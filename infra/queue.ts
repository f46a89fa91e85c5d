import { Duration } from 'aws-cdk-lib';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { maxReceives } from '../shared/model/limits.ts';

/** The longest that SQS keeps a message; a shorter time would lose dead letters over a holiday. */
export const deadLetterRetention = Duration.days(14);
/**
 * Of jobs. A message that SQS itself moves to the dead-letter queue keeps the time at which it was first sent (Amazon
 * SQS Developer Guide: Using dead-letter queues), so this leaves an operator four days at least.
 */
const jobRetention = Duration.days(10);

/** The queue of jobs and S3 events, and the dead-letter queue behind it. */
export class JobQueues extends Construct {
  readonly jobs: Queue;
  readonly deadLetters: Queue;

  /** @param consumerTimeout timeout of the function that consumes the jobs */
  constructor(scope: Construct, id: string, consumerTimeout: Duration) {
    super(scope, id);
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetters = new Queue(this, 'DeadLetters', { ...common, retentionPeriod: deadLetterRetention });
    this.jobs = new Queue(this, 'Jobs', {
      ...common,
      retentionPeriod: jobRetention,
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
