import { Aws, Validations } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption, type IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { deadLetterRetention } from './queue.ts';

/**
 * The queue of what rules could not start, neither a run nor the sweep: after a day of attempts, or at once where no
 * attempt can help, EventBridge would drop it (Amazon EventBridge User Guide: Using dead-letter queues to process
 * undelivered events). Its messages are read by people: they are no jobs, so they are not in the queue of dead letters.
 */
export class MissedStarts extends Construct {
  readonly queue: Queue;
  /**
   * The queue, for the targets of rules. The CDK would add a statement to its policy for each of them, and a policy has
   * room for 20: this reference has a policy that it leaves alone.
   */
  readonly ofRules: IQueue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: deadLetterRetention,
    });
    allowRules(this.queue);
    this.ofRules = Queue.fromQueueArn(this, 'OfRules', this.queue.queueArn);
    Validations.of(this.queue).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'It is the dead-letter queue of rules' });
  }
}

/** Lets the rules of the account and region send to the queue what they could not deliver. */
export function allowRules(queue: Queue): void {
  const statement = new PolicyStatement({
    principals: [new ServicePrincipal('events.amazonaws.com')],
    actions: ['sqs:SendMessage'],
    resources: [queue.queueArn],
    conditions: {
      ArnLike: { 'aws:SourceArn': `arn:${Aws.PARTITION}:events:${Aws.REGION}:${Aws.ACCOUNT_ID}:rule/*` },
      StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
    },
  });
  queue.addToResourcePolicy(statement);
}
