import type { Deadline } from '../../shared/ports/clock.ts';
import type { Timeline } from '../engine/timeline.ts';
import type { Meter } from './prices.ts';
import { lambdaQuotas } from './quotas.ts';
import { TokenBucket } from './token-bucket.ts';

/** Lambda refuses a call because no environment is free. Its name is the error's in Step Functions. */
export class TooManyRequests extends Error {
  override readonly name = 'Lambda.TooManyRequestsException';
}

/** How many calls one call of the simulation stands for. */
export interface Strands {
  /** calls at the same time */
  readonly width: number;
  /** calls one after another, in each of those */
  readonly turns: number;
}

interface FunctionState {
  readonly memoryGigabytes: number;
  readonly reserved: number | undefined;
  /** new environments */
  readonly scaling: TokenBucket;
  running: number;
  /** environments that exist */
  warm: number;
}

export interface FunctionSettings {
  readonly memoryMegabytes: number;
  /** reserved concurrency */
  readonly reserved?: number | undefined;
}

/** Lambda in one account and region. */
export class Lambda {
  readonly #timeline: Timeline;
  readonly #meter: Meter;
  readonly #concurrency: number;
  readonly #functions = new Map<string, FunctionState>();
  #running = 0;
  throttled = 0;

  constructor(timeline: Timeline, meter: Meter, concurrency: number) {
    this.#timeline = timeline;
    this.#meter = meter;
    this.#concurrency = concurrency;
  }

  deploy(name: string, { memoryMegabytes, reserved }: FunctionSettings): void {
    this.#functions.set(name, {
      memoryGigabytes: memoryMegabytes / 1024,
      reserved,
      scaling: new TokenBucket(this.#timeline, lambdaQuotas.newEnvironments),
      running: 0,
      warm: 0,
    });
  }

  get running(): number {
    return this.#running;
  }

  runningOf(name: string): number {
    return this.#of(name).running;
  }

  /**
   * Calls a function `width` x `turns` times; the work is done once.
   * @throws TooManyRequests if there are not `width` environments, before anything is done
   */
  async invoke<Result>(
    name: string,
    { width, turns }: Strands,
    work: (deadline: Deadline) => Promise<Result>,
  ): Promise<Result> {
    const state = this.#of(name);
    const coldMillis = this.#start(name, state, width);
    const begin = this.#timeline.now();
    try {
      if (coldMillis > 0) await this.#timeline.sleep(coldMillis);
      const end = begin + lambdaQuotas.timeoutSeconds * 1000;
      const result = await work({ remaining: () => end - this.#timeline.now() });
      const once = this.#timeline.now() - begin - coldMillis;
      if (turns > 1) await this.#timeline.sleep(once * (turns - 1));
      return result;
    } finally {
      const seconds = (this.#timeline.now() - begin) / 1000;
      this.#meter.bill('lambdaGigabyteSeconds', seconds * width * state.memoryGigabytes);
      this.#meter.bill('lambdaCalls', width * turns);
      state.running -= width;
      this.#running -= width;
    }
  }

  /** @returns milliseconds that new environments take to start */
  #start(name: string, state: FunctionState, width: number): number {
    const fresh = Math.max(0, state.running + width - state.warm);
    const isFull = state.running + width > this.#roomOf(state);
    if (isFull || (fresh > 0 && !state.scaling.take(fresh))) {
      this.throttled += width;
      throw new TooManyRequests(`${name}: Rate Exceeded.`);
    }
    state.running += width;
    state.warm = Math.max(state.warm, state.running);
    this.#running += width;
    this.#meter.peak('Lambda concurrent calls', this.#running);
    this.#meter.peak(`Lambda concurrent calls, ${name}`, state.running);
    return fresh > 0 ? lambdaQuotas.coldStartMillis : 0;
  }

  /** Environments that the function may have: its own if some are reserved, else all that no other has reserved. */
  #roomOf(state: FunctionState): number {
    if (state.reserved !== undefined) return state.reserved;
    let others = 0;
    let reserved = 0;
    for (const other of this.#functions.values()) {
      if (other.reserved !== undefined) reserved += other.reserved;
      else if (other !== state) others += other.running;
    }
    return this.#concurrency - reserved - others;
  }

  #of(name: string): FunctionState {
    const state = this.#functions.get(name);
    if (!state) throw new Error(`no function ${name} was deployed`);
    return state;
  }
}
