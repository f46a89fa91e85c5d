import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/check-upload/environment.ts';
import { reservedStepCalls, sharesOf } from '../../shared/model/config/concurrency.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { readActions, uploadActions, wholeBucket } from '../sides.ts';

/** Lists the parts at the destination: completes the upload, or returns what to send again. */
export class CheckUpload extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'check-upload',
      description: 'S3 Ferry: checks and completes a multipart upload',
      memory: 512,
      // S3 may take minutes to complete an upload of 10,000 parts, and answers at the end.
      timeout: Duration.minutes(15),
      reservedCalls: reservedStepCalls(pipeline.settings),
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
        PARTS_AT_ONCE: String(sharesOf(pipeline.settings).parts),
        GIVE_UP_AFTER_SECONDS: String(pipeline.settings.giveUpAfterHours * 3600),
      }),
      sides: {
        source: { listing: wholeBucket, objects: () => readActions },
        destination: {
          listing: wholeBucket,
          objects: () => ['s3:GetObject', 's3:PutObject', ...uploadActions],
        },
      },
    });
    pipeline.tasks.grantRead(this.role);
    pipeline.ledger.grantEntries(this.role);
  }
}
