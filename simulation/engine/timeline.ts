import type { Clock } from '../../shared/ports/clock.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/**
 * Virtual time. What happens is put on the timeline and is done in order; between two entries no time passes. The code
 * under test runs on it as it is: whatever it waits for through its {@link Clock} or through a modelled service is an
 * entry. It must not wait for anything else (a real timer, a disk), because the timeline would not wait with it.
 */
export class Timeline implements Clock {
  /** a binary heap, the earliest entry first */
  readonly #heap: Entry[] = [];
  #now: number;
  #order = 0;

  /** @param start milliseconds since the epoch */
  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.in(milliseconds, resolve));
  }

  /** Does something after some milliseconds, at a whole one, as clocks have them. */
  in(milliseconds: number, action: () => void): void {
    const entry = { at: Math.round(this.#now + Math.max(0, milliseconds)), order: this.#order++, action };
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || isBefore(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  /**
   * Does what is on the timeline until `until` says that it is enough, or nothing is left.
   * @returns false if nothing was left
   */
  async run(until: () => boolean): Promise<boolean> {
    while (!until()) {
      const next = this.#take();
      if (!next) return false;
      this.#now = next.at;
      next.action();
      // Everything that follows without waiting takes place in promises and next ticks, before the next immediate.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }

  #take(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (!left) break;
      if (right && isBefore(right, left)) child++;
      const below = heap[child];
      if (!below || isBefore(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
