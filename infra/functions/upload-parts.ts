import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/upload-parts/environment.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { readActions, wholeBucket } from '../sides.ts';

/** Sends one batch of parts of an upload. */
export class UploadParts extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'upload-parts',
      description: 'S3 Ferry: sends a batch of parts',
      // A whole processor, as for copy-objects: bytes pass through it.
      memory: 1769,
      // Lambda's longest, for a slow border; it stops before the end and leaves the rest to the next round.
      timeout: Duration.minutes(15),
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
      }),
      sides: {
        source: { listing: wholeBucket, objects: () => readActions },
        destination: { objects: () => ['s3:PutObject', 's3:ListMultipartUploadParts'] },
      },
    });
    pipeline.tasks.grantRead(this.role);
    // What holds back the task, and what a call has seen of its sides.
    pipeline.ledger.grantControl(this.role);
  }
}
