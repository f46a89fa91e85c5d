import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/plan-upload/environment.ts';
import { reservedStepCalls, sharesOf } from '../../shared/model/config/concurrency.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { copySides } from '../sides.ts';

/** Looks at a large object on both sides, creates or resumes its multipart upload and returns the parts to send. */
export class PlanUpload extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'plan-upload',
      description: 'S3 Ferry: plans the multipart upload of an object',
      // Usually a few HEADs and ten pages of parts. But an object that is small by now is copied in this call, so the
      // function has the resources of copy-objects.
      memory: 1769,
      timeout: Duration.minutes(15),
      reservedCalls: reservedStepCalls(pipeline.settings),
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
        PARTS_AT_ONCE: String(sharesOf(pipeline.settings).parts),
      }),
      sides: copySides,
    });
    pipeline.tasks.grantRead(this.role);
    pipeline.ledger.grantEntries(this.role);
  }
}
