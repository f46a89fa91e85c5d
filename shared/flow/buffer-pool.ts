import { constants } from 'node:buffer';

/** Below this a buffer is not worth pooling: allocating it costs less than a microsecond. */
const pooledFrom = 64 * 1024;
/** Bytes. Ranges begin and end at multiples of it, so that they fit each other. */
const page = 256 * 1024;

/** Bytes of a pooled buffer, to be given back once, when nothing reads it any more. */
export interface PooledBuffer {
  readonly bytes: Buffer;
  release(): void;
}

/** Bytes from `start` to `end`, the latter not included. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Buffers for bodies within one budget of memory: ranges of a single allocation, which is never given up, so that
 * nothing has to be collected before it can be used again. (A buffer that JavaScript lets go of stays until the next
 * full collection, which may be a hundred megabytes later.) The system gives memory to what is written to only; so the
 * lowest free range is taken, which is also the one whose pages need not be made first.
 *
 * Callers wait, first come first served, while there is no range that is long enough; one body larger than the whole
 * budget is let through alone.
 */
export class BufferPool {
  readonly #budget: number;
  #memory: Buffer | undefined;
  #used = 0;
  /** by address; no two touch */
  #free: Range[];
  readonly #waiting: { size: number; resolve: (buffer: PooledBuffer) => void }[] = [];

  /** @param budget bytes, free and used ones together */
  constructor(budget: number) {
    this.#budget = Math.max(page, pagesOf(Math.min(budget, constants.MAX_LENGTH), Math.floor));
    this.#free = [{ start: 0, end: this.#budget }];
  }

  /** Bytes in buffers that are handed out. */
  get used(): number {
    return this.#used;
  }

  /** @param size bytes @returns a buffer of exactly that size with undefined content */
  async acquire(size: number): Promise<PooledBuffer> {
    if (size < pooledFrom) return { bytes: Buffer.allocUnsafeSlow(size), release: () => undefined };
    if (this.#waiting.length === 0) {
      const buffer = this.#take(size);
      if (buffer) return buffer;
    }
    return new Promise((resolve) => this.#waiting.push({ size, resolve }));
  }

  #take(size: number): PooledBuffer | undefined {
    const length = pagesOf(size, Math.ceil);
    if (length > this.#budget) return this.#used > 0 ? undefined : this.#takeAlone(size, length);
    // A body over the budget has it all.
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
  return round(bytes / page) * page;
}

/** The free ranges with one more, joined with those it touches. */
function withRange(free: readonly Range[], { start, end }: Range): Range[] {
  const before = free.filter((range) => range.end < start);
  const after = free.filter((range) => range.start > end);
  const touching = free.slice(before.length, free.length - after.length);
  const joined = { start: Math.min(start, ...touching.map((range) => range.start)), end };
  return [...before, { ...joined, end: Math.max(end, ...touching.map((range) => range.end)) }, ...after];
}
