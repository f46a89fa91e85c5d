import type { Postponement } from '../../shared/model/postponement.ts';
import type { Timeline } from '../engine/timeline.ts';
import type { Meter } from './prices.ts';
import { sqsQuotas } from './quotas.ts';

/** One message of the simulation, which stands for `count` messages that are alike. */
export interface SentMessage {
  readonly body: string;
  readonly group?: string | undefined;
  readonly postponement?: Postponement | undefined;
  readonly count: number;
}

/** A message in the queue. */
interface Held extends SentMessage {
  readonly id: string;
  readonly sentAt: number;
  receives: number;
}

/** A received message. */
export interface Received extends SentMessage {
  readonly id: string;
  readonly receipt: string;
  readonly sentAt: number;
  readonly receives: number;
}

export interface QueueSettings {
  readonly visibilitySeconds: number;
  readonly retentionSeconds: number;
  /** receives after which the queue itself moves a message to the dead letters */
  readonly maxReceives: number;
}

/** Where messages are, and what became of them. At any time `sent` is the sum of the others. */
export interface QueueTotals {
  sent: number;
  visible: number;
  delayed: number;
  inFlight: number;
  deleted: number;
  /** moved to the dead letters by the queue */
  moved: number;
  /** dropped by the queue because they were too old */
  expired: number;
}

/**
 * An SQS standard queue with fair groups. A message may stand for many, which are sent, received and deleted together;
 * of those, `width` are in flight at a time.
 */
export class Queue {
  readonly totals: QueueTotals = { sent: 0, visible: 0, delayed: 0, inFlight: 0, deleted: 0, moved: 0, expired: 0 };
  /** Called with messages that were received too often. */
  onMoved: (message: SentMessage) => void = () => undefined;
  /** Called with messages that the queue dropped. */
  onExpired: (message: SentMessage) => void = () => undefined;
  /** Called when messages become available. */
  onAvailable: () => void = () => undefined;
  readonly #timeline: Timeline;
  readonly #meter: Meter;
  readonly #settings: QueueSettings;
  readonly #groups = new Map<string, Group>();
  readonly #received = new Map<string, { message: Held; width: number; group: Group }>();
  #inFlight = 0;
  #next = 1;

  constructor(timeline: Timeline, meter: Meter, settings: QueueSettings) {
    this.#timeline = timeline;
    this.#meter = meter;
    this.#settings = settings;
  }

  /** Messages that the quota of messages in flight counts. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** @param batched sent in batches of ten, which are billed as one request */
  send(message: SentMessage, { delaySeconds = 0, batched = false } = {}): void {
    const held = { ...message, id: `m${this.#next++}`, sentAt: this.#timeline.now(), receives: 0 };
    this.totals.sent += message.count;
    this.#meter.bill('sqsRequests', message.count / (batched ? sqsQuotas.batch : 1));
    if (delaySeconds === 0) {
      this.#show(held);
      return;
    }
    this.totals.delayed += message.count;
    this.#timeline.in(delaySeconds * 1000, () => {
      this.totals.delayed -= message.count;
      this.#show(held);
    });
  }

  /**
   * Receives messages that stand for the same number each.
   * @param most messages of the simulation
   * @param widthOf how many of those that a message stands for are in flight at a time
   */
  receive(most: number, widthOf: (count: number) => number): Received[] {
    const received: Received[] = [];
    let count: number | undefined;
    while (received.length < most) {
      const group = this.#nextGroup();
      const message = group?.first;
      if (!group || !message || (count !== undefined && message.count !== count)) break;
      const width = widthOf(message.count);
      if (this.#inFlight + width > sqsQuotas.inFlight) break;
      group.shift();
      this.totals.visible -= message.count;
      if (this.#isGone(message)) continue;
      count = message.count;
      received.push(this.#hold(message, width, group));
    }
    return received;
  }

  /** @param receipts of messages that stand for the same number each */
  delete(receipts: readonly string[]): void {
    for (const receipt of receipts) {
      const message = this.#release(receipt);
      if (message) this.totals.deleted += message.count;
      if (message) this.#meter.bill('sqsRequests', message.count / sqsQuotas.batch);
    }
  }

  /** Changes a received message's visibility timeout. @returns false if the receipt is no longer valid */
  hide(receipt: string, seconds: number): boolean {
    const held = this.#received.get(receipt);
    if (!held) return false;
    this.#meter.bill('sqsRequests', held.message.count);
    this.#returnIn(receipt, seconds);
    return true;
  }

  /** Seconds since the oldest visible message was sent. */
  get oldestSeconds(): number {
    const firsts = [...this.#groups.values()].flatMap(({ first }) => (first ? [first.sentAt] : []));
    return firsts.length === 0 ? 0 : (this.#timeline.now() - Math.min(...firsts)) / 1000;
  }

  #show(message: Held): void {
    const name = message.group ?? '';
    const group = this.#groups.get(name) ?? new Group(name);
    this.#groups.set(name, group);
    group.push(message);
    this.totals.visible += message.count;
    this.onAvailable();
  }

  /** Was the message received too often, or is it too old? Then the queue takes it. */
  #isGone(message: Held): boolean {
    if (this.#timeline.now() - message.sentAt > this.#settings.retentionSeconds * 1000) {
      this.totals.expired += message.count;
      this.onExpired(message);
      return true;
    }
    if (message.receives < this.#settings.maxReceives) return false;
    this.totals.moved += message.count;
    this.onMoved(message);
    return true;
  }

  #hold(message: Held, width: number, group: Group): Received {
    message.receives++;
    const receipt = `r${this.#next++}`;
    this.totals.inFlight += message.count;
    this.#inFlight += width;
    group.inFlight += width;
    this.#meter.peak('SQS messages in flight', this.#inFlight);
    this.#meter.bill('sqsRequests', message.count / sqsQuotas.batch);
    this.#received.set(receipt, { message, width, group });
    this.#returnIn(receipt, this.#settings.visibilitySeconds);
    return { ...message, receipt };
  }

  #release(receipt: string): Held | undefined {
    const held = this.#received.get(receipt);
    if (!held) return undefined;
    this.#received.delete(receipt);
    this.totals.inFlight -= held.message.count;
    this.#inFlight -= held.width;
    held.group.inFlight -= held.width;
    return held.message;
  }

  readonly #returns = new Map<string, number>();

  /** The last timeout that was set counts. */
  #returnIn(receipt: string, seconds: number): void {
    const serial = this.#next++;
    this.#returns.set(receipt, serial);
    this.#timeline.in(seconds * 1000, () => {
      if (this.#returns.get(receipt) !== serial) return;
      this.#returns.delete(receipt);
      const message = this.#release(receipt);
      if (message) this.#show(message);
    });
  }

  /** Quiet groups first, the oldest message first; if all are noisy, the one with the fewest messages in flight. */
  #nextGroup(): Group | undefined {
    let quiet: Group | undefined;
    let noisy: Group | undefined;
    for (const group of this.#groups.values()) {
      const { first } = group;
      if (!first) continue;
      if (!this.#isNoisy(group)) {
        if (!quiet?.first || first.sentAt < quiet.first.sentAt) quiet = group;
      } else if (!noisy || group.inFlight < noisy.inFlight) noisy = group;
    }
    return quiet ?? noisy;
  }

  /** Each message without a group is a tenant of its own, so that they are never noisy. */
  #isNoisy({ name, inFlight }: Group): boolean {
    const isLarge = inFlight >= sqsQuotas.noisyInFlight && inFlight > sqsQuotas.noisyShare * this.#inFlight;
    return name !== '' && isLarge;
  }
}

/** The visible messages of one group, in order of arrival. */
class Group {
  readonly name: string;
  inFlight = 0;
  readonly #messages: (Held | undefined)[] = [];
  #from = 0;

  constructor(name: string) {
    this.name = name;
  }

  get first(): Held | undefined {
    return this.#messages[this.#from];
  }

  push(message: Held): void {
    this.#messages.push(message);
  }

  shift(): void {
    this.#messages[this.#from++] = undefined;
    if (this.#from < 1024 || this.#from * 2 < this.#messages.length) return;
    this.#messages.splice(0, this.#from);
    this.#from = 0;
  }
}
