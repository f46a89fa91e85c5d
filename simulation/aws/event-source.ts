import type { Deadline } from '../../shared/ports/clock.ts';
import type { Timeline } from '../engine/timeline.ts';
import { TooManyRequests, type Lambda, type Strands } from './lambda.ts';
import type { Queue, Received } from './queue.ts';
import { mappingQuotas } from './quotas.ts';

export interface EventSourceOptions {
  readonly timeline: Timeline;
  readonly queue: Queue;
  readonly lambda: Lambda;
  readonly functionName: string;
  readonly batchSize: number;
  readonly maxConcurrency: number;
  /** calls that one call of the simulation makes at the same time, at most; it makes the others one after another */
  readonly maxWidth: number;
  /** @returns receipts of the messages that stay in the queue */
  readonly handler: (messages: readonly Received[], deadline: Deadline) => Promise<ReadonlySet<string>>;
}

/** How often a mapping looks at whether it may have more batches at once. */
const growthMillis = 5000;
/** [A] Pause of a mapping whose call was refused; AWS says that it tries again, not how often. */
const throttledPauseMillis = 2000;

/** The mapping of a queue to a function, with reports of single failures. */
export class EventSource {
  readonly #options: EventSourceOptions;
  /** batches that it may process at the same time, at present */
  #allowed: number = mappingQuotas.firstBatches;
  #active = 0;
  #growing = false;

  constructor(options: EventSourceOptions) {
    this.#options = options;
    options.queue.onAvailable = () => this.#pump();
  }

  #pump(): void {
    const { queue, maxWidth, batchSize } = this.#options;
    while (this.#active < this.#limit) {
      const room = Math.min(maxWidth, this.#limit - this.#active);
      const messages = queue.receive(batchSize, (count) => Math.min(count, room));
      const [first] = messages;
      if (!first) return;
      const strands = strandsOf((messages.length * first.count) / batchSize, room);
      this.#active += strands.width;
      void this.#process(messages, strands);
    }
    this.#grow();
  }

  get #limit(): number {
    return Math.min(this.#allowed, this.#options.maxConcurrency);
  }

  /** Messages are left: after a while there may be more batches at once. */
  #grow(): void {
    if (this.#growing || this.#allowed >= this.#options.maxConcurrency) return;
    this.#growing = true;
    this.#options.timeline.in(growthMillis, () => {
      this.#growing = false;
      const more = (mappingQuotas.morePerMinute * growthMillis) / 60_000;
      if (this.#active >= this.#allowed) this.#allowed = Math.min(mappingQuotas.mostBatches, this.#allowed + more);
      this.#pump();
    });
  }

  async #process(messages: readonly Received[], strands: Strands): Promise<void> {
    const { timeline, queue, lambda, functionName, handler } = this.#options;
    for (;;) {
      await timeline.sleep(mappingQuotas.overheadMillis * strands.turns);
      try {
        const left = await lambda.invoke(functionName, strands, (deadline) => handler(messages, deadline));
        queue.delete(messages.map(({ receipt }) => receipt).filter((receipt) => !left.has(receipt)));
        break;
      } catch (error) {
        if (!(error instanceof TooManyRequests)) throw error;
        // The messages stay in flight; if that lasts for longer than their timeout, they return to the queue.
        await timeline.sleep(throttledPauseMillis);
      }
    }
    this.#active -= strands.width;
    this.#pump();
  }
}

/** So many calls, at most `room` of them at the same time. Messages that stand for few share one call. */
function strandsOf(calls: number, room: number): Strands {
  const width = Math.min(room, Math.max(1, Math.round(calls)));
  return { width, turns: Math.max(1, calls / width) };
}
