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

/**
 * The queue of jobs, the queue of S3 events, which never wait behind the jobs of a run
 * (docs/decisions/0041-a-queue-for-events.md), and the dead-letter queue behind both. Whatever is in one of them may be
 * in the other: their consumers are the same.
 */
export class JobQueues extends Construct {
  readonly jobs: Queue;
  readonly events: Queue;
  readonly deadLetters: Queue;

  /** @param consumerTimeout timeout of the function that consumes the jobs */
  constructor(scope: Construct, id: string, consumerTimeout: Duration) {
    super(scope, id);
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetters = new Queue(this, 'DeadLetters', { ...common, retentionPeriod: deadLetterRetention });
    const consumed = {
      ...common,
      retentionPeriod: jobRetention,
      // Lambda recommends six times the function's timeout: throttled polls must not deliver a message twice.
      visibilityTimeout: Duration.seconds(6 * consumerTimeout.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: maxReceives },
    };
    this.jobs = new Queue(this, 'Jobs', consumed);
    this.events = new Queue(this, 'Events', consumed);
  }
}

/**
 * Adds the statements that `make` makes for the queue of events, and the same for the queue of jobs: during an update,
 * and for minutes after it, S3 and rules deliver by their former configuration, which named that one.
 */
export function allowEvents({ events, jobs }: JobQueues, make: (queue: Queue) => readonly PolicyStatement[]): void {
  for (const queue of [events, jobs]) for (const statement of make(queue)) queue.addToResourcePolicy(statement);
}

/** Lets `grantee` send to the queue and nothing else (the CDK's own grant adds two calls that are never made). */
export function grantSend(queue: Queue, grantee: IGrantable): void {
  const statement = new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] });
  grantee.grantPrincipal.addToPrincipalPolicy(statement);
}

/** Lets `grantee` count the messages of the queue. */
export function grantDepth(queue: Queue, grantee: IGrantable): void {
  const statement = new PolicyStatement({ actions: ['sqs:GetQueueAttributes'], resources: [queue.queueArn] });
  grantee.grantPrincipal.addToPrincipalPolicy(statement);
}
