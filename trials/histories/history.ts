import { asFault } from '../../shared/model/faults.ts';
import { decodeJob, type Job } from '../../shared/model/job.ts';
import { maxReceives, sweptAfterDays } from '../../shared/model/limits.ts';
import type { FindObjectsState } from '../../shared/model/messages/payloads.ts';
import { noDeadline, type Deadline } from '../../shared/ports/clock.ts';
import type { ReceivedMessage } from '../../shared/ports/memory/job-queue.ts';
import { findSegment } from '../../shared/find/find-segment.ts';
import { consumeMessage } from '../../shared/transfer/consume-message.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { sweepUploads } from '../../shared/transfer/upload/sweep-uploads.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { isS3Notification } from '../../shared/model/messages/s3-event.ts';
import { runExecution } from './execution.ts';
import type { LateWrites } from './late-writes.ts';
import { MortalProcess } from './process.ts';
import { Random } from '../../test/support/random.ts';
import { HistoryWorld, type WorldTraits } from './world.ts';

/** What happened in a history, and how it ended. */
export interface History {
  readonly seed: number;
  readonly traits: WorldTraits;
  /** calls of ports that took effect */
  readonly calls: number;
  /** processes that were killed */
  readonly killed: number;
  /** messages that ended in the dead-letter queue while calls failed */
  readonly buried: number;
  /** calls that outages and quotas refused */
  readonly refused: number;
  /** uploads whose process died after creating them and before the ledger knew */
  readonly orphans: number;
  /** writes that took effect after their callers had given them up, that the store refused, and that were left out */
  readonly late: LateWrites['counts'];
  readonly violations: readonly string[];
}

const keys = ['a', 'b/c', 'ü 1'];
/** Most messages that a consumer receives at once. */
const maxBatch = 3;
/** Steps after which calls no longer fail: a history without an outage comes to rest in a tenth of them. */
const maxOutageSteps = 20_000;
/** A history that has not come to rest after so many steps never will. */
const maxSteps = 200_000;

/**
 * Runs one random history: writes, overwrites and deletes at the source; their events late, twice and in any order;
 * runs; consumers of both kinds at the same time; faults, damaged bodies and killed processes. Then the faults end.
 * Whatever happened, the destination must have shown only whole versions, and must end as the source is.
 * @param report receives a line for each event
 */
export async function runHistory(seed: number, report?: (line: string) => void): Promise<History> {
  const original = Math.random;
  const random = new Random(seed);
  // The delays of retries are random too.
  Math.random = () => random.next();
  try {
    return await new Actors(seed, random, report).run();
  } finally {
    Math.random = original;
  }
}

/** Everything that acts on the world: writers, message delivery, consumers, executions, and what kills them. */
class Actors {
  readonly #seed: number;
  readonly #random: Random;
  readonly #world: HistoryWorld;
  readonly #living = new Set<MortalProcess>();
  readonly #actors = new Set<Promise<void>>();
  /** events that S3 has not delivered yet */
  readonly #undelivered: string[] = [];
  #mutations: number;
  #kills: number;
  #outages: number;
  #pauses: number;
  /** does nothing fail but by outages? Then nothing may be buried */
  readonly #onlyOutages: boolean;
  #killed = 0;
  /** deliveries that failed */
  #faults = 0;
  #executions = 0;
  #runs = 2;

  constructor(seed: number, random: Random, report: ((line: string) => void) | undefined) {
    this.#seed = seed;
    this.#random = random;
    this.#world = new HistoryWorld(random, report);
    this.#mutations = 4 + random.below(12);
    this.#onlyOutages = this.#world.traits.patient && random.chance(0.5);
    this.#kills = this.#onlyOutages ? 0 : random.below(4);
    this.#outages = random.below(4);
    this.#pauses = random.below(3);
    this.#world.faultRate = this.#onlyOutages ? 0 : random.pick([0, 0.01, 0.05, 0.15]);
  }

  async run(): Promise<History> {
    const world = this.#world;
    await this.#untilRest();
    // The faults end: dead letters are redriven, now that nothing fails, and one run looks at everything.
    world.faultRate = 0;
    world.outage = world.pause = undefined;
    this.#outages = this.#pauses = 0;
    const { letters } = world.deadLetters;
    const buried = letters.length;
    if (this.#onlyOutages && buried > 0) {
      const reasons = letters.map(({ body, reason }) => `${body} (${reason})`).join('; ');
      world.violations.push(`dead letters although nothing but outages failed: ${reasons}`);
    }
    for (const letter of letters) this.#checkExplained(letter);
    for (const { body } of letters.splice(0)) world.queue.sendBody(body);
    await this.#untilRest();
    // One violation is enough: what follows from it would only repeat it.
    if (world.violations.length === 0) world.checkSame();
    if (world.violations.length === 0) this.#checkEmpty();
    const orphans = world.openUploads().length;
    if (world.violations.length === 0 && world.listsUploads) await this.#checkSwept();
    return {
      seed: this.#seed,
      traits: world.traits,
      calls: world.gate.count(),
      killed: this.#killed,
      buried,
      refused: world.refused,
      orphans,
      late: world.lateWrites.counts,
      violations: world.violations,
    };
  }

  async #untilRest(): Promise<void> {
    const world = this.#world;
    for (let step = 0; step < maxSteps && world.violations.length === 0; step++) {
      // Jobs that the surroundings fail are postponed without end: an outage has to end.
      if (step === maxOutageSteps) world.faultRate = 0;
      const calm = world.faultRate === 0 && this.#mutations === 0;
      if (!this.#random.chance(calm ? 0.05 : 0.12)) {
        const moved = await world.scheduler.step(() => this.#actors.size > 0);
        world.checkWhole();
        if (moved) continue;
        if (this.#actors.size > 0) {
          world.violations.push(`${this.#actors.size} actors wait forever`);
          return;
        }
      }
      if (!this.#act()) return;
    }
    if (world.violations.length === 0) world.violations.push(`no rest after ${maxSteps} steps`);
  }

  /** Takes one random action. @returns false if nothing is left to do */
  #act(): boolean {
    const { queue, clock, uploads } = this.#world;
    const actions: (() => void)[] = [];
    if (this.#mutations > 0) actions.push(() => this.#mutate());
    if (this.#undelivered.length > 0)
      actions.push(
        () => this.#deliver(),
        () => this.#deliver(),
      );
    if (queue.length > 0 && this.#actors.size < 6)
      actions.push(
        () => this.#consume(),
        () => this.#consume(),
      );
    if (this.#executions < uploads.started.length) actions.push(() => this.#execute());
    if (this.#world.lateWrites.waiting > 0 && this.#random.chance(0.3)) actions.push(() => this.#land());
    if (this.#kills > 0 && this.#living.size > 0 && this.#random.chance(0.2)) actions.push(() => this.#kill());
    if (this.#outages > 0 && this.#random.chance(0.1)) actions.push(() => this.#breakDown());
    if (this.#pauses > 0 && this.#random.chance(0.1)) actions.push(() => this.#pause());
    if (this.#runs > 0 && this.#random.chance(0.2)) actions.push(() => this.#find());
    if (actions.length === 0) return this.#actors.size > 0 || this.#world.lateWrites.waiting > 0;
    // Without faults no consumer works longer than a message stays hidden, so time passes only between their work.
    const calm = this.#world.faultRate === 0 && this.#mutations === 0;
    if ((!calm || this.#actors.size === 0) && this.#random.chance(0.3))
      clock.pass(this.#random.pick([100, 1000, 10_000, 31_000, 400_000]));
    this.#random.pick(actions)();
    return true;
  }

  #mutate(): void {
    this.#mutations--;
    const key = this.#random.pick(keys);
    const event = this.#random.chance(0.25) ? this.#world.remove(key) : this.#world.write(key);
    this.#undelivered.push(event);
    if (this.#random.chance(0.2)) this.#undelivered.push(event);
  }

  #deliver(): void {
    const [event] = this.#undelivered.splice(this.#random.below(this.#undelivered.length), 1);
    if (event !== undefined) this.#world.queue.sendBody(event);
  }

  /** A write that its caller gave up takes effect. */
  #land(): void {
    const { lateWrites } = this.#world;
    const actor = lateWrites
      .land(this.#random.below(lateWrites.waiting))
      .then((what) => this.#world.report?.(what))
      .finally(() => this.#actors.delete(actor));
    this.#actors.add(actor);
  }

  #kill(): void {
    this.#kills--;
    this.#killed++;
    const process = this.#random.pick([...this.#living]);
    this.#living.delete(process);
    process.kill();
    this.#world.report?.('a process is killed');
  }

  /** An outage of hours, or a quota that throttles for seconds or minutes. */
  #breakDown(): void {
    this.#outages--;
    const of = this.#random.pick(['source', 'destination', 'ledger'] as const);
    const fault = this.#random.pick(['Unavailable', 'Throttled'] as const);
    const millis = this.#random.pick(fault === 'Throttled' ? [2000, 30_000, 600_000] : [60_000, 3_600_000, 20_000_000]);
    this.#world.outage = { of, fault, until: this.#world.clock.now() + millis };
    this.#world.report?.(`${of} answers ${fault} for ${millis / 1000} s`);
  }

  /** An operator pauses the task, and resumes it after seconds, minutes or hours. */
  #pause(): void {
    this.#pauses--;
    const since = this.#world.clock.now();
    this.#world.pause = { since, until: since + this.#random.pick([5000, 600_000, 10_000_000]) };
    this.#world.report?.(`the task is paused for ${(this.#world.pause.until - since) / 1000} s`);
  }

  /** Starts work in a process that may be killed. */
  #start(work: (process: MortalProcess) => Promise<void>): void {
    const process = new MortalProcess();
    this.#living.add(process);
    const actor = process
      .run(work(process))
      .then(() => undefined)
      .catch((error: unknown) => void this.#world.violations.push(`a consumer threw ${asFault(error).message}`))
      .finally(() => {
        this.#living.delete(process);
        this.#actors.delete(actor);
      });
    this.#actors.add(actor);
  }

  #consume(): void {
    const batch = this.#world.queue.receive(1 + this.#random.below(maxBatch));
    const kind = this.#random.pick(['executions', 'in process'] as const);
    const deadline = this.#deadline();
    for (const { id, body, receives } of batch) this.#world.report?.(`${kind}: ${id} (${receives}) ${body}`);
    if (batch.length > 0) this.#start((process) => this.#work(process, kind, deadline, batch));
  }

  async #work(
    process: MortalProcess,
    kind: 'executions' | 'in process',
    deadline: Deadline,
    batch: readonly ReceivedMessage[],
  ): Promise<void> {
    const { queue, ledger, deadLetters, clock, task } = this.#world;
    const context = this.#world.contextIn(process, { uploads: kind === 'executions', deadline });
    const consumer = {
      tasks: () => Promise.resolve([task]),
      standing: () => Promise.resolve(this.#world.standing()),
      transfer: (job: Job) => transferObject(context, job),
      ledger: process.port(ledger),
      deadLetters: process.port(deadLetters),
      redelivery: process.port(queue),
      clock,
      maxReceives,
      giveUpAfterSeconds: Infinity,
      onFault: () => {
        this.#faults++;
      },
    };
    const one = async (message: ReceivedMessage): Promise<void> => {
      // SQS moves a message that was received too often to the dead-letter queue.
      if (message.receives > maxReceives) {
        deadLetters.letters.push({ body: message.body, reason: '' });
        queue.remove(message.receipt);
      } else if (await consumeMessage(consumer, message))
        process.port({ remove: () => queue.remove(message.receipt) }).remove();
    };
    await Promise.all(batch.map(one));
  }

  /** A deadline that sometimes passes, after a few looks at the clock. */
  #deadline(): Deadline {
    if (this.#onlyOutages || !this.#random.chance(0.15)) return noDeadline;
    let looks = this.#random.below(6);
    return { remaining: () => (looks-- > 0 ? Infinity : -1) };
  }

  #find(): void {
    this.#runs--;
    const { queue, clock, ledger } = this.#world;
    this.#start(async (process) => {
      const { task, source, destination } = this.#world.contextIn(process, { uploads: false });
      const [jobs, lookup] = [process.port(queue), process.port(ledger)];
      const ports = { task, source, destination, queue: jobs, lookup, clock, margin: 0 };
      let state: FindObjectsState = {
        task: task.name,
        run: 'run',
        dryRun: false,
        prefix: '',
        prefixList: {},
        segment: {},
      };
      try {
        while (state.done !== true) state = await findSegment({ ...ports, deadline: this.#deadline() }, state);
      } catch (error) {
        // The caller restarts a run that fails; nothing here depends on it.
        if (asFault(error).retry === 'never') throw error;
      }
    });
  }

  /** Runs an execution of the UPLOAD machine; each of its steps may be killed. */
  #execute(): void {
    const started = this.#world.uploads.started[this.#executions++];
    if (!started) return;
    this.#world.report?.(`${started.execution} begins: ${started.job.key}`);
    const actor = runExecution(this.#world, (work) => this.#call(work), started).finally(() => {
      this.#world.uploads.end(started.execution);
      this.#actors.delete(actor);
    });
    this.#actors.add(actor);
  }

  async #call<Result>(work: (context: TransferContext) => Promise<Result>): Promise<Result> {
    const process = new MortalProcess();
    this.#living.add(process);
    try {
      const result = await process.run(
        work(this.#world.contextIn(process, { uploads: false, deadline: this.#deadline() })),
      );
      if (result === 'killed') throw new Error('Lambda.Unknown');
      return result;
    } finally {
      this.#living.delete(process);
    }
  }

  /** The ledger must know the object of a dead letter. */
  #checkExplained({ body, reason }: { readonly body: string; readonly reason: string }): void {
    const { ledger, violations, task } = this.#world;
    const key = isS3Notification(body) ? /"key":"([^"]*)"/.exec(body)?.[1] : decodeJob(body).key;
    const entry = ledger.entries().find((one) => one.task === task.name && one.key === key);
    if (!entry) violations.push(`${key ?? body}: a dead letter (${reason}), and the ledger does not know its object`);
  }

  /** A week later the sweeper must abort every upload that killed processes left, and change nothing else. */
  async #checkSwept(): Promise<void> {
    const world = this.#world;
    const olderThanMillis = sweptAfterDays * 24 * 3600 * 1000;
    world.clock.pass(olderThanMillis + 1);
    this.#kills = 0;
    this.#start(async (process) => {
      const { task, destination, ledger, clock } = world.contextIn(process, { uploads: false });
      const counts = await sweepUploads({ task, destination, ledger, clock, olderThanMillis, deadline: noDeadline });
      world.report?.(`swept: ${JSON.stringify(counts)}`);
    });
    await this.#untilRest();
    const left = world.openUploads();
    if (left.length > 0) world.violations.push(`uploads that the sweeper does not abort: ${left.join(', ')}`);
    if (world.violations.length === 0) world.checkSame();
  }

  #checkEmpty(): void {
    const { queue, deadLetters, ledger, violations, uploads, lostUploads } = this.#world;
    if (queue.length > 0) violations.push(`${queue.length} messages are left in the queue`);
    if (deadLetters.letters.length > 0)
      violations.push(`dead letters without a fault: ${deadLetters.letters.map(({ reason }) => reason).join('; ')}`);
    if (this.#executions < uploads.started.length) violations.push('an execution was not run');
    // A process that died, or failed after another had handled the same message, may leave an upload to the sweeper.
    const excused = maxBatch * this.#killed + this.#faults + lostUploads;
    const open = this.#world.openUploads();
    if (open.length > excused) violations.push(`uploads remain open: ${open.join(', ')}`);
    const known = ledger.entries().flatMap(({ key, status, upload }) => (upload ? [`${key} (${status})`] : []));
    if (known.length > excused) violations.push(`the ledger still has uploads: ${known.join(', ')}`);
  }
}
