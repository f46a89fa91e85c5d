import { MiB } from '../model/limits.ts';

/** Below this a buffer is not worth pooling: allocating it costs less than a microsecond. */
const pooledFrom = 64 * 1024;

/** Bytes of a pooled buffer, to be given back once, when nothing reads it any more. */
export interface PooledBuffer {
  readonly bytes: Buffer;
  release(): void;
}

/**
 * Buffers for bodies within one budget of memory. They are used again, because filling a fresh buffer costs many times
 * what filling a used one does (page faults). Callers wait, first come first served, while the budget is taken; one
 * body larger than the whole budget is let through alone.
 */
export class BufferPool {
  readonly #budget: number;
  #allocated = 0;
  #used = 0;
  readonly #free: Buffer[] = [];
  readonly #waiting: { size: number; resolve: (buffer: PooledBuffer) => void }[] = [];

  /** @param budget bytes, free and used buffers together */
  constructor(budget: number) {
    this.#budget = budget;
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
    const memory = this.#reuse(size) ?? this.#allocate(size);
    if (!memory) return undefined;
    this.#used += memory.length;
    let released = false;
    return {
      bytes: memory.subarray(0, size),
      release: () => {
        if (released) throw new Error('a pooled buffer was released twice');
        released = true;
        this.#used -= memory.length;
        this.#free.push(memory);
        this.#serve();
      },
    };
  }

  /** A free buffer that is large enough and not wastefully larger. */
  #reuse(size: number): Buffer | undefined {
    const index = this.#free.findIndex((buffer) => buffer.length >= size && buffer.length <= Math.max(2 * size, MiB));
    return index < 0 ? undefined : this.#free.splice(index, 1)[0];
  }

  #allocate(size: number): Buffer | undefined {
    const capacity = size < MiB ? MiB : Math.ceil(size / MiB) * MiB;
    while (this.#allocated + capacity > this.#budget) {
      const unused = this.#free.shift();
      if (!unused) break;
      this.#allocated -= unused.length;
    }
    if (this.#allocated + capacity > this.#budget && this.#used > 0) return undefined;
    this.#allocated += capacity;
    return Buffer.allocUnsafeSlow(capacity);
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
