import { constants } from 'node:buffer';

/** Smaller buffers are not pooled: allocating one costs less than a microsecond. */
const minPooledBytes = 64 * 1024;
/** Ranges start and end at multiples of it, so that freed ranges fit new ones. */
const pageBytes = 256 * 1024;

/** A pooled buffer. The caller releases it once, when nothing reads it anymore. */
export interface PooledBuffer {
  readonly bytes: Buffer;
  release(): void;
}

/** The bytes [start, end) of the pool's memory. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Buffers for bodies within one memory budget. They are ranges of a single allocation that is kept, so that memory can
 * be reused without waiting for garbage collection. (A buffer that JavaScript no longer references stays until the next
 * full collection, which may be a hundred megabytes later.) The system backs memory only once it is written to;
 * therefore the lowest free range is taken, whose pages most likely exist already.
 *
 * If no range is long enough, callers wait in order of arrival. A body larger than the whole budget is served alone.
 */
export class BufferPool {
  readonly #budget: number;
  #memory: Buffer | undefined;
  #used = 0;
  /** in order of address; no two are adjacent */
  #free: Range[];
  readonly #waiting: { size: number; resolve: (buffer: PooledBuffer) => void }[] = [];

  /** @param budget bytes, free and used together */
  constructor(budget: number) {
    this.#budget = Math.max(pageBytes, pagesOf(Math.min(budget, constants.MAX_LENGTH), Math.floor));
    this.#free = [{ start: 0, end: this.#budget }];
  }

  /** Bytes in buffers that are in use. */
  get used(): number {
    return this.#used;
  }

  /** @param size bytes @returns a buffer of exactly that size with undefined content */
  async acquire(size: number): Promise<PooledBuffer> {
    if (size < minPooledBytes) return { bytes: Buffer.allocUnsafeSlow(size), release: () => undefined };
    if (this.#waiting.length === 0) {
      const buffer = this.#take(size);
      if (buffer) return buffer;
    }
    return new Promise((resolve) => this.#waiting.push({ size, resolve }));
  }

  #take(size: number): PooledBuffer | undefined {
    const length = pagesOf(size, Math.ceil);
    if (length > this.#budget) return this.#used > 0 ? undefined : this.#takeAlone(size, length);
    // A body larger than the budget occupies all of it.
    if (this.#used > this.#budget) return undefined;
    const index = this.#free.findIndex(({ start, end }) => end - start >= length);
    const found = this.#free[index];
    if (!found) return undefined;
    const range = { start: found.start, end: found.start + length };
    this.#free.splice(index, 1, ...(range.end < found.end ? [{ start: range.end, end: found.end }] : []));
    this.#memory ??= Buffer.allocUnsafeSlow(this.#budget);
    const bytes = this.#memory.subarray(range.start, range.start + size);
    return this.#handOut(bytes, length, () => (this.#free = withRange(this.#free, range)));
  }

  #takeAlone(size: number, length: number): PooledBuffer {
    this.#memory = undefined;
    return this.#handOut(Buffer.allocUnsafeSlow(size), length, () => undefined);
  }

  #handOut(bytes: Buffer, length: number, giveBack: () => void): PooledBuffer {
    this.#used += length;
    let released = false;
    return {
      bytes,
      release: () => {
        if (released) throw new Error('a pooled buffer was released twice');
        released = true;
        this.#used -= length;
        giveBack();
        this.#serve();
      },
    };
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const buffer = this.#take(next.size);
      if (!buffer) return;
      this.#waiting.shift();
      next.resolve(buffer);
    }
  }
}

function pagesOf(bytes: number, round: (pages: number) => number): number {
  return round(bytes / pageBytes) * pageBytes;
}

/** The free ranges and one more, merged with its neighbours. */
function withRange(free: readonly Range[], { start, end }: Range): Range[] {
  const before = free.filter((range) => range.end < start);
  const after = free.filter((range) => range.start > end);
  const touching = free.slice(before.length, free.length - after.length);
  const joined = { start: Math.min(start, ...touching.map((range) => range.start)), end };
  return [...before, { ...joined, end: Math.max(end, ...touching.map((range) => range.end)) }, ...after];
}
