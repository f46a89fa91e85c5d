import type { Random } from '../engine/random.ts';
import type { Timeline } from '../engine/timeline.ts';
import { Flow } from './flow.ts';
import type { Meter } from './prices.ts';
import { dynamoQuotas } from './quotas.ts';
import { SdkClients } from './sdk.ts';

/** A DynamoDB table on demand: it begins at its warm throughput, and can take twice its previous peak. */
export class Table {
  readonly writes: Flow;
  readonly reads: Flow;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #meter: Meter;
  readonly #clients: SdkClients;
  #writeCapacity: number;
  #grownAt: number;

  /** @param warmWrites writes per second that it can take at the beginning */
  constructor(timeline: Timeline, random: Random, meter: Meter, warmWrites?: number) {
    this.#timeline = timeline;
    this.#random = random;
    this.#meter = meter;
    this.#clients = new SdkClients(timeline, random);
    this.#writeCapacity = warmWrites ?? dynamoQuotas.newTableWritesPerSecond;
    this.#grownAt = timeline.now();
    this.writes = new Flow(timeline, random, () => this.#capacity());
    this.reads = new Flow(timeline, random, () => dynamoQuotas.tableUnitsPerSecond);
  }

  /** @throws Fault `Throttled` */
  write(count: number): Promise<void> {
    return this.#request(count, this.writes, 'dynamoWrites');
  }

  /** @throws Fault `Throttled` */
  read(count: number): Promise<void> {
    return this.#request(count, this.reads, 'dynamoReads');
  }

  async #request(count: number, flow: Flow, line: 'dynamoWrites' | 'dynamoReads'): Promise<void> {
    await this.#clients.send(line, async () => {
      const isAccepted = flow.admit(count);
      if (isAccepted) this.#meter.bill(line, count);
      this.#meter.peak('DynamoDB writes per second', this.writes.peak);
      await this.#timeline.sleep(this.#random.tailed(dynamoQuotas.latency));
      return isAccepted ? 'accepted' : 'throttled';
    });
  }

  #capacity(): number {
    const now = this.#timeline.now();
    if (now - this.#grownAt > dynamoQuotas.doublingMinutes * 60_000) {
      this.#grownAt = now;
      const doubled = Math.max(this.#writeCapacity, 2 * this.writes.peak);
      this.#writeCapacity = Math.min(dynamoQuotas.tableUnitsPerSecond, doubled);
    }
    return this.#writeCapacity;
  }
}
