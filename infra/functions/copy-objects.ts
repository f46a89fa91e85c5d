import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/copy-objects/environment.ts';
import { sharesOf } from '../../shared/model/config/concurrency.ts';
import { copyShares } from '../../shared/model/config/concurrency.ts';
import { maxReceives } from '../../shared/model/limits.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { grantSend } from '../queue.ts';
import { copySides } from '../sides.ts';
import { explainWildcard } from '../wildcards.ts';

/** SQS's largest batch without a batching window. */
const batchSize = 10;

/** Lambda's longest. The queue's visibility timeout is a multiple of it. */
export const copyTimeout = Duration.minutes(15);

/** Takes jobs and S3 events from their queues: copies small objects, starts an execution for large ones. */
export class CopyObjects extends FerryFunction {
  /** messages that all calls together have in hand at most */
  readonly inHand: number;

  constructor(scope: Construct, id: string, pipeline: Pipeline, uploads: StateMachine) {
    super(scope, id, pipeline, {
      name: 'copy-objects',
      description: 'S3 Ferry: does the jobs of the queue',
      // A whole processor: a copy's cost is checksums and TLS. Several bodies of 64 MiB fit at a time.
      memory: 1769,
      timeout: copyTimeout,
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
        QUEUE_URL: pipeline.queues.jobs.queueUrl,
        EVENTS_QUEUE_URL: pipeline.queues.events.queueUrl,
        DEAD_LETTER_QUEUE_URL: pipeline.queues.deadLetters.queueUrl,
        UPLOAD_MACHINE_ARN: uploads.stateMachineArn,
        UPLOADS_AT_ONCE: String(sharesOf(pipeline.settings).uploads),
        MAX_RECEIVES: String(maxReceives),
        GIVE_UP_AFTER_SECONDS: String(pipeline.settings.giveUpAfterHours * 3600),
      }),
      // A small object is copied in parts too, if its source was uploaded in parts.
      sides: copySides,
    });
    pipeline.tasks.grantRead(this.role);
    // An S3 event names a bucket, not a task.
    pipeline.tasks.grantReadAll(this.role);
    pipeline.ledger.grantEntries(this.role);
    grantSend(pipeline.queues.deadLetters, this.role);
    // To postpone a job, and to send a failed one again whose message was deleted by a second delivery of it.
    grantSend(pipeline.queues.jobs, this.role);
    grantSend(pipeline.queues.events, this.role);
    uploads.grantStartExecution(this.role);
    const list = { actions: ['states:ListExecutions'], resources: [uploads.stateMachineArn] };
    this.role.addToPolicy(new PolicyStatement(list));
    uploads.grantExecution(this.role, 'states:DescribeExecution');
    const reason = "executions of the stack's own machine, whose names are not known before they start";
    explainWildcard(this.role, /:states:.*:execution:.*\*$/, reason);
    const { workerMode, copyConcurrency } = pipeline.settings;
    const { tasks } = pipeline.tasks;
    const calls = copyShares(copyConcurrency, {
      events: tasks.some(({ events }) => events !== 'none'),
      schedules: tasks.some(({ schedule }) => schedule !== undefined),
    });
    this.inHand = (calls.jobs + calls.events) * batchSize;
    // Workers take all jobs; the function stays for manual invocations.
    if (workerMode === 'ec2') return;
    this.receive(pipeline.queues.jobs, calls.jobs);
    this.receive(pipeline.queues.events, calls.events);
  }

  private receive(queue: Queue, maxConcurrency: number): void {
    // Without tags: the China regions refuse them on event source mappings.
    this.function.addEventSource(
      new SqsEventSource(queue, { batchSize, maxConcurrency, reportBatchItemFailures: true }),
    );
  }
}
