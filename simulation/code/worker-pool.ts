import {
  growthRule,
  growthSteps,
  shrinkPercent,
  shrinkRule,
  type Consumers,
  type ScalingRule,
} from '../../infra/worker/scaling-rules.ts';
import type { Job } from '../../shared/model/job.ts';
import { noDeadline } from '../../shared/ports/clock.ts';
import type { Outcome } from '../../shared/ports/progress.ts';
import { checkUpload } from '../../shared/transfer/steps/check-upload.ts';
import { planUpload } from '../../shared/transfer/steps/plan-upload.ts';
import { evaluate } from '../../test/support/metric-math.ts';
import { Line } from '../aws/line.ts';
import { ec2Quotas, sqsQuotas } from '../aws/quotas.ts';
import type { Received } from '../aws/queue.ts';
import { uploadParts } from './upload-parts.ts';
import type { World } from './world.ts';

/** Messages that one worker has in hand: two processes of 16 (worker/environment.ts, OBJECTS_AT_ONCE). */
const inHandEach = 32;
/** [A] CloudWatch shows the data of a minute a minute later. */
const metricDelayMinutes = 1;
const lookBackMinutes = 15;

/** What a consumer does with a message. @returns whether it may leave the queue */
export type Consume = (message: Received, transfer: (job: Job) => Promise<Outcome>) => Promise<boolean>;

/** The pool of workers: its size by the rules that are deployed, its network, and what it has in hand. */
export class WorkerPool {
  readonly #world: World;
  readonly #maxInstances: number;
  readonly #consumers: Consumers = { functionsInHand: 0 };
  readonly #consume: Consume;
  readonly #line = new Line({ perCall: ec2Quotas.networkBytesPerSecond, total: 0 });
  readonly #history: { visible: number; inFlight: number; workers: number }[] = [];
  #wanted = 0;
  #working = 0;
  #inHand = 0;
  peak = 0;

  constructor(world: World, maxInstances: number, consume: Consume) {
    this.#world = world;
    this.#maxInstances = maxInstances;
    this.#consume = consume;
    world.queue.onAvailable = () => this.#receive();
    this.#minute();
  }

  /** Once a minute the group is resized, as its alarms and policies say. */
  #minute(): void {
    const { timeline, queue, meter } = this.#world;
    const { visible, inFlight } = queue.totals;
    this.#history.push({ visible, inFlight, workers: this.#wanted });
    const seen = this.#history.slice(0, -metricDelayMinutes).slice(-lookBackMinutes);
    const load = this.#breaching(growthRule(this.#consumers), seen);
    if (load !== undefined) {
      const step = growthSteps(this.#maxInstances).findLast(({ from }) => load >= from);
      this.#resize(Math.min(this.#maxInstances, this.#wanted + (step?.add ?? 0)));
    } else if (this.#breaching(shrinkRule(this.#consumers), seen) !== undefined) {
      this.#resize(this.#wanted - Math.max(1, Math.floor((this.#wanted * shrinkPercent) / 100)));
    }
    meter.bill('instanceHours', this.#wanted / 60);
    timeline.in(60_000, () => this.#minute());
  }

  /** The last value of a rule that is in alarm; undefined if it is not. */
  #breaching(
    rule: ScalingRule,
    seen: readonly { visible: number; inFlight: number; workers: number }[],
  ): number | undefined {
    const series: Record<string, readonly (number | undefined)[]> = {
      visible: seen.map(({ visible }) => visible),
      inFlight: seen.map(({ inFlight }) => inFlight),
      workers: seen.map(({ workers }) => workers),
    };
    let last: readonly (number | undefined)[] = [];
    for (const [name, expression] of Object.entries(rule.expressions)) {
      series[name] = last = evaluate(expression, series);
    }
    const values = last.slice(-rule.minutes).filter((value) => value !== undefined);
    const counting = values.filter((value) => value >= rule.threshold);
    return counting.length >= rule.counting ? counting.at(-1) : undefined;
  }

  #resize(wanted: number): void {
    const added = wanted - this.#wanted;
    this.#wanted = wanted;
    this.peak = Math.max(this.peak, wanted);
    this.#world.meter.peak('workers', wanted);
    const change = (by: number): void => {
      this.#working += by;
      this.#line.total = this.#working * ec2Quotas.networkBytesPerSecond;
      this.#receive();
    };
    if (added < 0) change(added);
    else if (added > 0) this.#world.timeline.in(ec2Quotas.bootSeconds * 1000, () => change(added));
  }

  #receive(): void {
    for (;;) {
      const room = this.#working * inHandEach - this.#inHand;
      if (room <= 0) return;
      const [message] = this.#world.queue.receive(1, (count) => count);
      if (!message) return;
      this.#inHand += message.count;
      void this.#process(message);
    }
  }

  async #process(message: Received): Promise<void> {
    const { timeline, random, queue } = this.#world;
    await timeline.sleep(random.tailed(sqsQuotas.latency));
    const isDone = await this.#consume(message, (job) => this.#transfer(job));
    if (isDone) queue.delete([message.receipt]);
    this.#inHand -= message.count;
    this.#receive();
  }

  /** A large object in one process: the steps that executions make, on the instance's network. */
  async #transfer(job: Job): Promise<Outcome> {
    const { timeline, ledger, buffers } = this.#world;
    const { task, source, destination } = this.#world.taskOf(job.task);
    const common = {
      task,
      source,
      destination,
      buffers,
      clock: timeline,
      deadline: noDeadline,
      partsAtOnce: 8,
      ledger,
    };
    const context = { ...common, progress: () => undefined };
    let state = await planUpload(context, { job, attempt: 0 });
    while (state.state === 'uploading' || state.state === 'waiting') {
      for (const batch of state.batches) {
        await uploadParts(this.#world, this.#line, { job, target: state.target, batch }, noDeadline);
      }
      state = await checkUpload(context, { ...state, state: 'uploading' });
    }
    return { task: job.task, key: job.key, route: 'multipart', bytes: job.size ?? 0, reason: 'all parts are there' };
  }
}
