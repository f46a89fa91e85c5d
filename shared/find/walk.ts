import { isFault } from '../model/faults.ts';
import type { FindCursor, FindObjectsState } from '../model/messages/payloads.ts';
import { addCounts, noCounts, type RunCounts } from '../model/run-counts.ts';
import type { Deadline } from '../ports/clock.ts';
import type { JobQueue } from '../ports/job-queue.ts';
import { inOrder } from './in-order.ts';
import { JobSender } from './job-sender.ts';
import { countsOf, holdsBack, isForDeletesOnly, type Judge, type Judgement } from './judge.ts';
import type { Pair } from './merge.ts';
import { headWindow } from './pairs.ts';
import { Paused, Trail, type Places } from './trail.ts';

export interface WalkContext {
  readonly queue: JobQueue;
  readonly deadline: Deadline;
  /** milliseconds before the deadline at which the walk stops */
  readonly margin: number;
  readonly judge: Judge;
}

/** The last keys that a call has processed: of either side, and of each. */
export interface Position {
  any?: string;
  source?: string;
  destination?: string;
}

/** What is walked, and how a place in it is written down. */
export interface Way {
  readonly pairs: (trail: Trail) => AsyncIterable<Pair>;
  readonly cursorAt: (position: Position) => Omit<FindCursor, 'places'>;
}

/** Deletes that a state shows, and how much of each key. */
const maxExamples = 3;
const maxExampleLength = 100;

/**
 * Walks pairs from the state's cursor on, and sends a job for each that needs one, until the pairs end or time runs
 * short. A listing or a look at an object that fails after some progress ends the walk early, not the call: what was
 * done before it stays done, and the next call begins where it failed. A call without progress fails, and is retried.
 * @returns the state for the next call. Every job that it counts is in the queue
 * @throws Fault
 */
export async function walk(context: WalkContext, state: FindObjectsState, way: Way): Promise<FindObjectsState> {
  const call = new Call(context, state, way);
  const trail = new Trail(state.cursor?.places ?? {}, () => call.isShort());
  const steps = inOrder(way.pairs(trail), (pair) => placed(context.judge(pair), trail.places), headWindow)[
    Symbol.asyncIterator
  ]();
  try {
    for (;;) {
      let step;
      try {
        step = await steps.next();
      } catch (error) {
        const passes = error instanceof Paused || (isFault(error) && error.retry === 'later');
        if (!passes || !call.hasProgress(trail.places)) throw error;
        return await call.stop(trail.places);
      }
      if (step.done === true) return await call.end();
      const [pair, { judgement, places }] = step.value;
      // At least one key per call: a call without progress would be repeated forever.
      if (call.position.any !== undefined && call.isShort()) return await call.stop();
      await call.process(pair, judgement, places);
      if (call.isEnough()) return await call.end();
    }
  } finally {
    await steps.return(undefined);
  }
}

interface Placed {
  readonly judgement: Judgement;
  /** where the listings stood when the pair was read */
  readonly places: Places;
}

function placed(judgement: Judgement | Promise<Judgement>, places: Places): Placed | Promise<Placed> {
  if (!(judgement instanceof Promise)) return { judgement, places };
  return judgement.then((settled) => ({ judgement: settled, places }));
}

/** What one call has done so far. */
class Call {
  readonly position: Position = {};
  readonly #context: WalkContext;
  readonly #state: FindObjectsState;
  readonly #way: Way;
  readonly #sender: JobSender;
  readonly #examples: string[];
  readonly #begin: FindCursor;
  #places: Places;
  #counts: RunCounts;

  constructor(context: WalkContext, state: FindObjectsState, way: Way) {
    this.#context = context;
    this.#state = state;
    this.#way = way;
    this.#sender = new JobSender(context.queue, state.dryRun);
    this.#counts = state.counts ?? noCounts;
    this.#examples = [...(state.examples ?? [])];
    this.#places = state.cursor?.places ?? {};
    this.#begin = this.#cursor(this.#places);
  }

  isShort(): boolean {
    return this.#context.deadline.remaining() < this.#context.margin;
  }

  /** Is the call at another place than where it began? A store that repeats itself leads back there. */
  hasProgress(places: Places): boolean {
    return JSON.stringify(this.#cursor(places)) !== JSON.stringify(this.#begin);
  }

  /** Have as many deletes been sent as were counted? What has vanished since is found by the next run, and checked. */
  isEnough(): boolean {
    const { deletes } = this.#state;
    return typeof deletes === 'object' && this.#counts.deletes >= deletes.atMost;
  }

  async process(pair: Pair, judgement: Judgement, places: Places): Promise<void> {
    const { job } = judgement;
    this.#counts = addCounts(this.#counts, countsOf(this.#state, pair, judgement));
    if (job?.action === 'delete' && this.#state.deletes === 'hold' && this.#examples.length < maxExamples) {
      this.#examples.push(job.key.slice(0, maxExampleLength));
    }
    if (job && !holdsBack(this.#state, job)) await this.#sender.add(job);
    this.position.any = pair.key;
    if (pair.source) this.position.source = pair.key;
    if (pair.destination) this.position.destination = pair.key;
    this.#places = places;
  }

  /** Ends the call where it stands. @param places where the listings stand; by default at the last pair */
  async stop(places = this.#places): Promise<FindObjectsState> {
    return { ...(await this.#sent()), cursor: this.#cursor(places), done: false };
  }

  async end(): Promise<FindObjectsState> {
    return { ...(await this.#sent()), done: true };
  }

  #cursor({ source, destination }: Places): FindCursor {
    const places = { ...(source && { source }), ...(destination && { destination }) };
    return { ...this.#way.cursorAt(this.position), ...((source ?? destination) && { places }) };
  }

  async #sent(): Promise<FindObjectsState> {
    await this.#sender.finish();
    const examples = isForDeletesOnly(this.#state) ? {} : { examples: this.#examples };
    return { ...this.#state, counts: this.#counts, ...examples };
  }
}
