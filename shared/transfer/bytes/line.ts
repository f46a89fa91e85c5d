import type { Part } from '../../model/part-plan.ts';
import type { PartContext } from '../context.ts';
import { mayStartPart } from '../decide/may-start-part.ts';

/** Shorter times say nothing about a line's speed. */
const leastSeenMillis = 1_000;

/** The parts of one upload that are in flight in this process, and the speed at which they move. */
export class Line {
  readonly #context: Pick<PartContext, 'clock' | 'deadline'>;
  /** bytes that are still to be sent, by part */
  readonly #left = new Map<number, number>();
  #startedAt: number | undefined;
  #moved = 0;
  #ended: () => void = () => undefined;

  constructor(context: Pick<PartContext, 'clock' | 'deadline'>) {
    this.#context = context;
  }

  /** Waits until the part may start. @returns false if it may not any more */
  async admits({ start, end }: Part): Promise<boolean> {
    while (!mayStartPart(end - start, this.#state())) {
      if (this.#left.size === 0) return false;
      await new Promise<void>((resolve) => (this.#ended = resolve));
    }
    return true;
  }

  start({ number, start, end }: Part): void {
    this.#startedAt ??= this.#context.clock.now();
    this.#left.set(number, end - start);
  }

  /** Bytes of the part were sent. */
  moved({ number }: Part, bytes: number): void {
    this.#moved += bytes;
    this.#left.set(number, Math.max(0, (this.#left.get(number) ?? 0) - bytes));
  }

  /** @param sent did the whole part arrive? */
  end(part: Part, sent: boolean): void {
    if (sent) this.#moved += this.#left.get(part.number) ?? 0;
    this.#left.delete(part.number);
    this.#ended();
  }

  #state(): Parameters<typeof mayStartPart>[1] {
    const millis = this.#context.clock.now() - (this.#startedAt ?? Infinity);
    const isKnown = millis >= leastSeenMillis && this.#moved > 0;
    return {
      running: this.#left.size,
      inFlightBytes: [...this.#left.values()].reduce((sum, bytes) => sum + bytes, 0),
      bytesPerSecond: isKnown ? (this.#moved / millis) * 1000 : undefined,
      remainingMillis: this.#context.deadline.remaining(),
    };
  }
}
