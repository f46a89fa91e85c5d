import { CfnOutput, Stack, Tags, type StackProps } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { defaultStackSettings, type StackSettings } from '../shared/model/config/settings.ts';
import { metricsNamespaceOf } from '../shared/model/metrics.ts';
import { publishedParameterPath } from '../shared/model/parameter-paths.ts';
import type { Task } from '../shared/model/config/task.ts';
import type { Pipeline } from './function.ts';
import { AbandonUpload } from './functions/abandon-upload.ts';
import { CheckDeletes } from './functions/check-deletes.ts';
import { CheckRun } from './functions/check-run.ts';
import { CheckUpload } from './functions/check-upload.ts';
import { CopyObjects, copyTimeout } from './functions/copy-objects.ts';
import { CutRanges } from './functions/cut-ranges.ts';
import { FindObjects } from './functions/find-objects.ts';
import { FinishRun } from './functions/finish-run.ts';
import { PlanSync } from './functions/plan-sync.ts';
import { PlanUpload } from './functions/plan-upload.ts';
import { SweepUploads } from './functions/sweep-uploads.ts';
import { UploadParts } from './functions/upload-parts.ts';
import { SyncMachine } from './machines/sync.ts';
import { UploadMachine } from './machines/upload.ts';
import { eventPlaces } from './events/places.ts';
import { EventReceiver } from './events/receiver.ts';
import { retentionOf } from './logs.ts';
import { Alarms } from './monitoring/alarms.ts';
import { FerryDashboard } from './monitoring/dashboard.ts';
import { TracingCondition } from './monitoring/partition.ts';
import { AlarmTopic } from './monitoring/topic.ts';
import type { Watched } from './monitoring/watched.ts';
import { MissedStarts } from './missed.ts';
import { notificationsOf, SourceNotifications } from './notifications.ts';
import { JobQueues } from './queue.ts';
import { TaskSchedules } from './schedules.ts';
import { LedgerTable } from './table.ts';
import { TaskParameters } from './tasks.ts';
import { acknowledgeWildcards } from './wildcards.ts';
import { WorkerPool } from './worker/pool.ts';

export interface FerryStackProps extends StackProps {
  readonly tasks: readonly Task[];
  /** by default those of a configuration without any */
  readonly settings?: StackSettings;
  /** the directory with one bundle per function: `<bundles>/<name>/index.mjs` */
  readonly bundles: string;
}

/** The pipeline: finder, queue, copies, uploads, ledger. For any account, region and partition. */
export class FerryStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { tasks, bundles, settings = defaultStackSettings, ...props }: FerryStackProps,
  ) {
    super(scope, id, { description: 'S3 Ferry: moves objects between S3 buckets', ...props });
    const pipeline: Pipeline = {
      tasks: new TaskParameters(this, 'Tasks', tasks),
      queues: new JobQueues(this, 'Queues', copyTimeout),
      ledger: new LedgerTable(this, 'Ledger'),
      bundles,
      settings,
      tracing: new TracingCondition(this, 'HasTracing'),
      metricsNamespace: metricsNamespaceOf(this.stackName),
    };

    const planSync = new PlanSync(this, 'PlanSync', pipeline);
    const cutRanges = new CutRanges(this, 'CutRanges', pipeline);
    const findObjects = new FindObjects(this, 'FindObjects', pipeline);
    const finishRun = new FinishRun(this, 'FinishRun', pipeline);
    const checkDeletes = new CheckDeletes(this, 'CheckDeletes', pipeline);

    const planUpload = new PlanUpload(this, 'PlanUpload', pipeline);
    const uploadParts = new UploadParts(this, 'UploadParts', pipeline);
    const checkUpload = new CheckUpload(this, 'CheckUpload', pipeline);
    const abandonUpload = new AbandonUpload(this, 'AbandonUpload', pipeline);
    const uploadFunctions = { planUpload, uploadParts, checkUpload, abandonUpload };
    const { machine: upload } = new UploadMachine(this, 'Upload', uploadFunctions, pipeline);

    const copyObjects = new CopyObjects(this, 'CopyObjects', pipeline, upload);
    const { topic } = new AlarmTopic(this, 'AlarmTopic', settings.alarmEmail);
    const { noticeEmail } = settings;
    const notices = noticeEmail === undefined ? undefined : new AlarmTopic(this, 'NoticeTopic', noticeEmail).topic;
    const checkRun = new CheckRun(this, 'CheckRun', pipeline, upload);
    const syncFunctions = { planSync, cutRanges, findObjects, checkDeletes, checkRun, finishRun };
    const { machine: sync } = new SyncMachine(this, 'Sync', syncFunctions, { ...pipeline, notices });
    const { workerMode, worker } = settings;
    if (workerMode !== 'lambda') {
      new WorkerPool(this, 'Workers', {
        pipeline,
        functionsInHand: workerMode === 'both' ? copyObjects.inHand : 0,
        ...worker,
        logRetention: retentionOf(settings),
        topic,
        metricsNamespace: pipeline.metricsNamespace,
      });
    }
    const missed = new MissedStarts(this, 'Missed');
    const sweepUploads = new SweepUploads(this, 'SweepUploads', pipeline, missed.ofRules);
    new SourceNotifications(this, 'Notifications', pipeline, tasks);
    new EventReceiver(this, 'Events', pipeline.queues, eventPlaces(notificationsOf(tasks)));
    new TaskSchedules(this, 'Schedules', { tasks, sync, missed: missed.ofRules });

    const watched: Watched = {
      queues: pipeline.queues,
      missed: missed.queue,
      ledger: pipeline.ledger,
      sync,
      upload,
      functions: { ...syncFunctions, copyObjects, ...uploadFunctions, sweepUploads },
      namespace: pipeline.metricsNamespace,
    };
    const { alarms } = new Alarms(this, 'Alarms', watched, { alarms: topic, notices });
    new FerryDashboard(this, 'Overview', watched, alarms);
    new CfnOutput(this, 'AlarmTopicArn', { value: topic.topicArn });
    new CfnOutput(this, 'MissedStartsQueueUrl', { value: missed.queue.queueUrl });
    this.describe(pipeline, sync, upload);
    // Not on event source mappings, where the China regions refuse them; nor on the stack, which would tag all it has.
    const excludeResourceTypes = ['AWS::Lambda::EventSourceMapping', 'aws:cdk:stack'];
    for (const [key, value] of Object.entries(settings.tags ?? {}))
      Tags.of(this).add(key, value, { excludeResourceTypes });
    // Last, when every policy exists.
    acknowledgeWildcards(this);
  }

  /** What an operator needs to find: outputs for a person, parameters for the commands of operations/. */
  private describe(pipeline: Pipeline, sync: StateMachine, upload: StateMachine): void {
    new CfnOutput(this, 'SyncMachineArn', { value: sync.stateMachineArn });
    new CfnOutput(this, 'UploadMachineArn', { value: upload.stateMachineArn });
    new CfnOutput(this, 'JobsQueueUrl', { value: pipeline.queues.jobs.queueUrl });
    new CfnOutput(this, 'EventsQueueUrl', { value: pipeline.queues.events.queueUrl });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: pipeline.queues.deadLetters.queueUrl });
    new CfnOutput(this, 'LedgerTable', { value: pipeline.ledger.table.tableName });
    for (const [id, name, what, stringValue] of [
      ['QueueUrl-jobs', 'jobsQueueUrl', 'URL of the queue jobs', pipeline.queues.jobs.queueUrl],
      ['QueueUrl-events', 'eventsQueueUrl', 'URL of the queue events', pipeline.queues.events.queueUrl],
      [
        'QueueUrl-dead-letters',
        'deadLetterQueueUrl',
        'URL of the queue dead-letters',
        pipeline.queues.deadLetters.queueUrl,
      ],
      ['LedgerTableName', 'ledgerTableName', "name of the ledger's table", pipeline.ledger.table.tableName],
      ['SyncMachine', 'syncMachineArn', 'ARN of the SYNC machine', sync.stateMachineArn],
      ['UploadMachine', 'uploadMachineArn', 'ARN of the UPLOAD machine', upload.stateMachineArn],
    ] as const) {
      const parameterName = publishedParameterPath(this.stackName, name);
      new StringParameter(this, id, { parameterName, description: `S3 Ferry: ${what}`, stringValue });
    }
  }
}
