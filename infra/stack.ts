import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { defaultStackSettings, type StackSettings } from '../shared/model/settings.ts';
import type { Task } from '../shared/model/task.ts';
import type { Pipeline } from './function.ts';
import { AbandonUpload } from './functions/abandon-upload.ts';
import { CheckUpload } from './functions/check-upload.ts';
import { CopyObjects, copyTimeout } from './functions/copy-objects.ts';
import { FindObjects } from './functions/find-objects.ts';
import { FinishRun } from './functions/finish-run.ts';
import { PlanSync } from './functions/plan-sync.ts';
import { PlanUpload } from './functions/plan-upload.ts';
import { UploadParts } from './functions/upload-parts.ts';
import { SyncMachine } from './machines/sync.ts';
import { UploadMachine } from './machines/upload.ts';
import { SourceNotifications } from './notifications.ts';
import { JobQueues } from './queue.ts';
import { TaskSchedules } from './schedules.ts';
import { LedgerTable } from './table.ts';
import { TaskParameters } from './tasks.ts';
import { WorkerPool } from './worker/pool.ts';

export interface FerryStackProps extends StackProps {
  readonly tasks: readonly Task[];
  /** by default those of a configuration that has none */
  readonly settings?: StackSettings;
  /** the directory with a bundle a function: `<bundles>/<name>/index.mjs` */
  readonly bundles: string;
}

/** The pipeline: finder, queue, copies, uploads, ledger. For any account, region and partition. */
export class FerryStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { tasks, settings = defaultStackSettings, bundles, ...props }: FerryStackProps,
  ) {
    super(scope, id, { description: 'S3 Ferry: moves objects between S3 buckets', ...props });
    const pipeline: Pipeline = {
      tasks: new TaskParameters(this, 'Tasks', tasks),
      queues: new JobQueues(this, 'Queues', copyTimeout),
      ledger: new LedgerTable(this, 'Ledger'),
      bundles,
    };

    const sync = new SyncMachine(this, 'Sync', {
      planSync: new PlanSync(this, 'PlanSync', pipeline),
      findObjects: new FindObjects(this, 'FindObjects', pipeline),
      finishRun: new FinishRun(this, 'FinishRun', pipeline),
    });
    const upload = new UploadMachine(this, 'Upload', {
      planUpload: new PlanUpload(this, 'PlanUpload', pipeline),
      uploadParts: new UploadParts(this, 'UploadParts', pipeline),
      checkUpload: new CheckUpload(this, 'CheckUpload', pipeline),
      abandonUpload: new AbandonUpload(this, 'AbandonUpload', pipeline),
    });
    const { workerMode, worker } = settings;
    new CopyObjects(this, 'CopyObjects', pipeline, { uploads: upload.machine, consumes: workerMode !== 'ec2' });
    if (workerMode !== 'lambda') new WorkerPool(this, 'Workers', { pipeline, ...worker });
    new SourceNotifications(this, 'Notifications', tasks, pipeline.queues.jobs);
    new TaskSchedules(this, 'Schedules', tasks, sync.machine);

    new CfnOutput(this, 'SyncMachineArn', { value: sync.machine.stateMachineArn });
    new CfnOutput(this, 'UploadMachineArn', { value: upload.machine.stateMachineArn });
    new CfnOutput(this, 'JobsQueueUrl', { value: pipeline.queues.jobs.queueUrl });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: pipeline.queues.deadLetters.queueUrl });
    new CfnOutput(this, 'LedgerTable', { value: pipeline.ledger.table.tableName });
  }
}
