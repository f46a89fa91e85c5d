import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/cut-ranges/environment.ts';
import { sharesOf } from '../../shared/model/config/concurrency.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { grantDepth } from '../queue.ts';
import { prefixListOf } from '../sides.ts';

/** Cuts the keys that a run has yet to search into ranges, by looking at a few of them. */
export class CutRanges extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'cut-ranges',
      description: 'S3 Ferry: cuts the keys of a run into ranges',
      memory: 512,
      // Up to some hundred listings of a few keys, many at once, each under a second.
      timeout: Duration.minutes(5),
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
        QUEUE_URL: pipeline.queues.jobs.queueUrl,
        FINDERS: String(sharesOf(pipeline.settings).finders),
      }),
      sides: { source: { listing: () => 'within', keys: prefixListOf }, destination: { listing: () => 'within' } },
    });
    pipeline.tasks.grantRead(this.role);
    grantDepth(pipeline.queues.jobs, this.role);
    // What operators have ordered about the run.
    pipeline.ledger.grantRead(this.role);
  }
}
