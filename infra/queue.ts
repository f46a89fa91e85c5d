import { Duration } from 'aws-cdk-lib';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { maxReceives } from '../shared/model/limits.ts';

/** SQS keeps a message no longer than this; a shorter time would lose jobs over a holiday. */
const retention = Duration.days(14);

/** The queue of jobs and S3 events, and the dead-letter queue behind it. */
export class JobQueues extends Construct {
  readonly jobs: Queue;
  readonly deadLetters: Queue;

  /** @param consumerTimeout the timeout of the function that consumes the jobs */
  constructor(scope: Construct, id: string, consumerTimeout: Duration) {
    super(scope, id);
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: retention };
    this.deadLetters = new Queue(this, 'DeadLetters', common);
    this.jobs = new Queue(this, 'Jobs', {
      ...common,
      // Lambda asks for six times the function's timeout: throttled polls must not hand a message out twice.
      visibilityTimeout: Duration.seconds(6 * consumerTimeout.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: maxReceives },
    });
  }
}

/** Lets `grantee` send to the queue and nothing else (CDK's own grant adds two calls that nobody makes). */
export function grantSend(queue: Queue, grantee: IGrantable): void {
  const statement = new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] });
  grantee.grantPrincipal.addToPrincipalPolicy(statement);
}
