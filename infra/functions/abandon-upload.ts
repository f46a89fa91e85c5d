import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/abandon-upload/environment.ts';
import { reservedStepCalls } from '../../shared/model/config/concurrency.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { grantSend } from '../queue.ts';
import { abortActions } from '../sides.ts';

/** Records why an upload failed and puts its job into the dead-letter queue; aborts it if it cannot be resumed. */
export class AbandonUpload extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'abandon-upload',
      description: 'S3 Ferry: gives up the upload of an object',
      memory: 512,
      timeout: Duration.minutes(5),
      reservedCalls: reservedStepCalls(pipeline.settings),
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
        DEAD_LETTER_QUEUE_URL: pipeline.queues.deadLetters.queueUrl,
      }),
      sides: { destination: { objects: () => abortActions } },
    });
    pipeline.tasks.grantRead(this.role);
    pipeline.ledger.grantEntries(this.role);
    grantSend(pipeline.queues.deadLetters, this.role);
  }
}
