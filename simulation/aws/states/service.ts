import type { Random } from '../../engine/random.ts';
import type { Timeline } from '../../engine/timeline.ts';
import type { Meter } from '../prices.ts';
import { statesQuotas, type RegionClass } from '../quotas.ts';
import { SdkClients } from '../sdk.ts';
import { TokenBucket } from '../token-bucket.ts';

/** What all executions of an account share in a region: buckets of API calls and transitions, open Map Runs. */
export class StepFunctions {
  readonly #timeline: Timeline;
  readonly #meter: Meter;
  readonly #starts: TokenBucket;
  readonly #transitions: TokenBucket;
  readonly #clients: SdkClients;
  readonly #waiting: { count: number; begin: () => void }[] = [];
  #mapRuns = 0;
  #open = 0;
  /** attempts of StartExecution that were refused */
  startsThrottled = 0;

  constructor(timeline: Timeline, random: Random, meter: Meter, region: RegionClass) {
    this.#timeline = timeline;
    this.#meter = meter;
    this.#starts = new TokenBucket(timeline, statesQuotas.startExecution[region]);
    this.#transitions = new TokenBucket(timeline, statesQuotas.transitions[region]);
    this.#clients = new SdkClients(timeline, random);
  }

  /** Open executions, children of Map Runs not included. */
  get open(): number {
    return this.#open;
  }

  /** StartExecution. @throws Fault `Throttled` */
  async start(count: number): Promise<void> {
    await this.#clients.send('StartExecution', async () => {
      await this.#timeline.sleep(20);
      if (this.#starts.take(count)) return 'accepted';
      this.startsThrottled += count;
      return 'throttled';
    });
  }

  opened(count: number): void {
    this.#open += count;
    this.#meter.peak('Step Functions open executions', this.#open);
  }

  closed(count: number): void {
    this.#open -= count;
  }

  /** @returns milliseconds for which the transition is held back: executions wait for their turn, and do not fail */
  transition(count: number): number {
    this.#meter.bill('transitions', count);
    return this.#transitions.reserve(count);
  }

  noteHistory(events: number): void {
    this.#meter.peak('Step Functions events in a history', events);
  }

  /**
   * A Map Run. Step Functions Developer Guide, Service quotas, "Open Map Runs": "Scheduled Map Runs wait at the
   * MapRunStarted event until the total number of open Map Runs is less than the quota of 1000."
   */
  async mapRun<Result>(count: number, work: () => Promise<Result>): Promise<Result> {
    const isFree = this.#mapRuns + count <= statesQuotas.openMapRuns || this.#mapRuns === 0;
    if (!isFree || this.#waiting.length > 0) {
      await new Promise<void>((begin) => this.#waiting.push({ count, begin }));
    } else this.#mapRuns += count;
    this.#meter.peak('Step Functions open Map Runs', this.#mapRuns);
    try {
      await this.#timeline.sleep(statesQuotas.mapOverheadMillis / 2);
      const result = await work();
      await this.#timeline.sleep(statesQuotas.mapOverheadMillis / 2);
      return result;
    } finally {
      this.#mapRuns -= count;
      for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
        if (this.#mapRuns > 0 && this.#mapRuns + first.count > statesQuotas.openMapRuns) break;
        this.#waiting.shift();
        this.#mapRuns += first.count;
        first.begin();
      }
    }
  }
}
