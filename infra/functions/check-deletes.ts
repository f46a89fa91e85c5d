import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/check-deletes/environment.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';

/** Decides whether a run may delete what it found, by its task's limits and its last run. */
export class CheckDeletes extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'check-deletes',
      description: 'S3 Ferry: checks the deletes of a run',
      memory: 512,
      timeout: Duration.minutes(1),
      environment: environmentOf(environmentKeys, { LEDGER_TABLE: pipeline.ledger.table.tableName }),
    });
    pipeline.ledger.grantRead(this.role);
  }
}
