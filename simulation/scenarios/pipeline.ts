import { encodeJob, type Job } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { EventSource } from '../aws/event-source.ts';
import type { LineSettings } from '../aws/line.ts';
import { lambdaQuotas } from '../aws/quotas.ts';
import { seeded } from '../engine/random.ts';
import { objectOf } from '../code/bucket.ts';
import { copyObjects, type CopySettings } from '../code/copy-objects.ts';
import { SimulatedUploads } from '../code/uploads.ts';
import { World, type WorldOptions } from '../code/world.ts';
import type { Finding, Report } from './scenario.ts';

export interface PipelineOptions extends WorldOptions {
  /** Lambda calls that one call of the simulation makes at the same time, at most */
  readonly maxWidth: number;
  readonly line?: LineSettings;
  readonly copying?: Omit<CopySettings, 'admissions'>;
}

/** The copying half of the pipeline in a world: the queue, its mapping to copy-objects, and executions. */
export class Pipeline {
  readonly world: World;
  readonly uploads: SimulatedUploads;
  readonly begin: number;

  constructor(options: PipelineOptions) {
    const { maxWidth, line = { perCall: lambdaQuotas.networkBytesPerSecond }, copying } = options;
    const world = new World(options);
    this.world = world;
    this.begin = world.timeline.now();
    this.uploads = new SimulatedUploads(world, line);
    const { timeline, lambda, stack } = world;
    for (const [name, mapping] of Object.entries(stack.mappings)) {
      const queue = name === 'events' ? world.events : world.queue;
      const handler = copyObjects(world, queue, { ...copying, admissions: this.uploads.admissions });
      new EventSource({ timeline, queue, lambda, functionName: 'copy-objects', ...mapping, maxWidth, handler });
    }
  }

  /** Seconds since the beginning. */
  get seconds(): number {
    return (this.world.timeline.now() - this.begin) / 1000;
  }

  /** The job of an object, as a run found it missing at the destination. */
  jobAt(task: string, index: number, run: string): Job {
    const { held } = this.world.taskOf(task).source;
    const key = objectKey(held.landscape.keyAt(index));
    const { size, etag } = objectOf(held.landscape.settings.size);
    return { task, key, action: 'copy', size, etag, run, missingAt: this.world.timeline.now() };
  }

  /** Sends the jobs of all objects of a task, as a finder does. */
  sendAll(task: string, run = `${task}-run-1`): void {
    const { landscape } = this.world.taskOf(task).source.held;
    for (let index = 0; index < landscape.length; index++) {
      const message = { body: encodeJob(this.jobAt(task, index, run)), group: run, count: landscape.settings.weight };
      this.world.queue.send(message, { batched: true });
    }
  }

  /** Is a message in the queue, or an execution open? */
  get isBusy(): boolean {
    const { queue, events } = this.world;
    const left = [queue, events].map(({ totals: { visible, delayed, inFlight } }) => visible + delayed + inFlight);
    return left.some((count) => count > 0) || this.uploads.service.open > 0;
  }

  /**
   * Runs until nothing is left to do.
   * @param isOver is nothing else going on, such as a run?
   * @returns seconds
   */
  async untilDone(maxSeconds = 90 * 86_400, isOver: () => boolean = () => true): Promise<number> {
    const isEnough = (): boolean => (isOver() && !this.isBusy) || this.seconds > maxSeconds;
    await this.until(isEnough);
    return this.seconds;
  }

  /** Runs until `isEnough` says so, or nothing happens any more. */
  async until(isEnough: () => boolean): Promise<void> {
    await seeded(this.world.random, () => this.world.timeline.run(isEnough));
  }

  async untilSeconds(seconds: number): Promise<void> {
    await this.until(() => this.seconds >= seconds);
  }

  report(what: ReportInput): Report {
    const { world } = this;
    const held = [...world.tasks.values()].map(({ destination }) => destination.held);
    const missing = held.reduce((sum, bucket) => sum + bucket.missing, 0);
    const objects = held.reduce((sum, bucket) => sum + bucket.landscape.objects, 0);
    return {
      objects,
      done: objects - missing,
      lost: world.lost,
      deadLetters: Object.fromEntries(world.deadLetters),
      units: world.meter.unitsByLine(),
      dollars: world.meter.dollars(),
      peaks: Object.fromEntries(world.meter.peaks),
      ...what,
      notes: [...what.notes, `faults of jobs: ${listed(world.faults)}`, `executions: ${listed(this.uploads.ended)}`],
    };
  }
}

type ReportInput = Pick<Report, 'scenario' | 'variant' | 'seconds' | 'boundSeconds' | 'bound' | 'notes'> & {
  readonly findings: readonly Finding[];
};

/** Counts with their names; `none` if there are none. */
function listed(counts: ReadonlyMap<string, number>): string {
  const texts = [...counts].map(([name, count]) => `${Math.round(count).toLocaleString('en-US')} x ${name}`);
  return texts.join('; ') || 'none';
}
