import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/find-objects/environment.ts';
import type { Task } from '../../shared/model/config/task.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { grantDepth, grantSend } from '../queue.ts';
import { prefixListOf, type SideUse } from '../sides.ts';

/** Lists one segment on both sides and sends a job for each difference. */
export class FindObjects extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    const side: SideUse = {
      listing: (task) => (looksAtObjects(task) ? 'whole' : 'within'),
      objects: (task) => (looksAtObjects(task) ? ['s3:GetObject'] : []),
    };
    super(scope, id, pipeline, {
      name: 'find-objects',
      description: 'S3 Ferry: finds the objects of a segment that differ',
      // Listings stream, so memory use is small; parsing two of them at once keeps half a processor busy.
      memory: 1024,
      // Lambda's longest: it stops before the end and is called again to continue where it stopped.
      timeout: Duration.minutes(15),
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        QUEUE_URL: pipeline.queues.jobs.queueUrl,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
      }),
      sides: { source: { ...side, keys: prefixListOf }, destination: side },
    });
    pipeline.tasks.grantRead(this.role);
    pipeline.ledger.grantLookup(this.role);
    // What operators have ordered about the run.
    pipeline.ledger.grantRead(this.role);
    grantSend(pipeline.queues.jobs, this.role);
    grantDepth(pipeline.queues.jobs, this.role);
  }
}

/**
 * Listings suffice except for a comparison by checksum, and for stores that may list in another order: then each key is
 * looked up on the other side.
 */
function looksAtObjects({ compare, source, destination }: Task): boolean {
  return compare === 'checksum' || source.endpoint !== undefined || destination.endpoint !== undefined;
}
