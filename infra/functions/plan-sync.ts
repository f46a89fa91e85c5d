import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/plan-sync/environment.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { checkSides } from '../sides.ts';

/** Admits a run, checks both buckets of its task and cuts the source's keys into segments. */
export class PlanSync extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'plan-sync',
      description: 'S3 Ferry: plans a run',
      memory: 512,
      // A few hundred small listings, one after another, each under a second.
      timeout: Duration.minutes(5),
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
      }),
      sides: checkSides,
    });
    pipeline.tasks.grantRead(this.role);
    pipeline.ledger.grantAdmission(this.role);
  }
}
