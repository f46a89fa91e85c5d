import type { Random } from '../engine/random.ts';
import type { Timeline } from '../engine/timeline.ts';
import { Flow } from './flow.ts';
import type { Meter } from './prices.ts';
import { s3Latencies, s3Quotas } from './quotas.ts';
import { SdkClients, type Answer } from './sdk.ts';

export type StoreCall = keyof typeof s3Latencies;

/** A time in which a store answers nothing but errors, in milliseconds since the epoch. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

export interface SideOptions {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly meter: Meter;
  readonly name: 'source' | 'destination';
  /** partitions that the prefixes of the bucket have at the beginning */
  readonly partitions: number;
  /** time over which the demand is measured, if one request stands for many */
  readonly smoothSeconds?: number | undefined;
  /** does S3 split partitions that are too busy? */
  readonly splits?: boolean;
  /** milliseconds that each request takes longer because the store is far away */
  readonly farMillis?: number;
}

/** How long a store that is down takes to say so. [A] An answer 503, or a connection that is refused. */
const downMillis = 200;

const isWrite: Record<StoreCall, boolean> = {
  head: false,
  get: false,
  list: false,
  put: true,
  delete: true,
  complete: true,
};

/** The requests of one side: limits of its partitions, latencies, outages, refused keys. */
export class StoreSide {
  readonly reads: Flow;
  readonly writes: Flow;
  readonly outages: Outage[] = [];
  /** tasks whose keys the store refuses */
  readonly refusedTasks = new Set<string>();
  requests = 0;
  readonly #options: SideOptions;
  readonly #clients: SdkClients;
  #partitions: number;
  #busySince: number | undefined;

  constructor(options: SideOptions) {
    this.#options = options;
    const { timeline, random } = options;
    this.#clients = new SdkClients(timeline, random);
    this.#partitions = options.partitions;
    const { readsPerSecond, writesPerSecond } = s3Quotas;
    this.reads = new Flow(timeline, random, () => this.#partitions * readsPerSecond, options.smoothSeconds);
    this.writes = new Flow(timeline, random, () => this.#partitions * writesPerSecond, options.smoothSeconds);
  }

  get partitions(): number {
    return this.#partitions;
  }

  isDown(now = this.#options.timeline.now()): boolean {
    return this.outages.some(({ from, to }) => from <= now && now < to);
  }

  /**
   * Makes `count` requests that are alike, with retries.
   * @throws Fault `Throttled`, `Unavailable`, `CredentialsRefused`
   */
  request(call: StoreCall, count: number, task: string): Promise<void> {
    return this.#clients.send(`${this.#options.name} ${call}`, () => this.#attempt(call, count, task));
  }

  async #attempt(call: StoreCall, count: number, task: string): Promise<Answer> {
    const { timeline, random, farMillis = 0 } = this.#options;
    this.requests += count;
    if (this.isDown()) {
      await timeline.sleep(downMillis + farMillis);
      return 'unavailable';
    }
    if (this.refusedTasks.has(task)) {
      await timeline.sleep(random.tailed(s3Latencies.head) + farMillis);
      return 'refused';
    }
    this.#bill(call, count);
    const flow = isWrite[call] ? this.writes : this.reads;
    const isAccepted = flow.admit(count);
    this.#split(isAccepted);
    const latency = isAccepted ? s3Latencies[call] : s3Latencies.head;
    // A page of a listing that stands for many pages, one after another, takes as long as they.
    const pages = call === 'list' ? Math.max(1, count) : 1;
    await timeline.sleep(random.tailed(latency) * pages + farMillis);
    return isAccepted ? 'accepted' : 'throttled';
  }

  #bill(call: StoreCall, count: number): void {
    const { meter, name } = this.#options;
    // S3 bills no DELETE.
    if (call === 'list') meter.bill('s3Lists', count);
    else if (call !== 'delete') meter.bill(isWrite[call] ? 's3Writes' : 's3Reads', count);
    meter.peak(`S3 reads per second, ${name}`, this.reads.peak);
    meter.peak(`S3 writes per second, ${name}`, this.writes.peak);
  }

  /** Partitions that refuse requests for long enough are split. */
  #split(isAccepted: boolean): void {
    const { timeline, splits = false } = this.#options;
    if (!splits || isAccepted) return;
    const now = timeline.now();
    this.#busySince ??= now;
    if (now - this.#busySince < s3Quotas.splitMinutes * 60_000) return;
    this.#partitions *= 2;
    this.#busySince = undefined;
  }
}
