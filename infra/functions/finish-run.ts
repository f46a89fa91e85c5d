import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/finish-run/environment.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';

/** Records a run's counts, or why it failed. */
export class FinishRun extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'finish-run',
      description: 'S3 Ferry: records a run',
      memory: 512,
      timeout: Duration.minutes(1),
      environment: environmentOf(environmentKeys, { LEDGER_TABLE: pipeline.ledger.table.tableName }),
    });
    pipeline.ledger.grantRunRecords(this.role);
    // Was the run cancelled?
    pipeline.ledger.grantRead(this.role);
  }
}
