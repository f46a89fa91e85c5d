/** A generator of pseudorandom numbers: the same seed gives the same numbers. The algorithm is mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to but not including 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** @returns true with this probability */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A time with a long tail: log-normal, by its median and its 99th percentile, in the unit of both. */
  tailed({ median, p99 }: Tail): number {
    // The sum of twelve uniform numbers is normal enough for a latency, and has no logarithm of 0.
    let normal = -6;
    for (let count = 0; count < 12; count++) normal += this.next();
    return median * Math.exp((normal * Math.log(p99 / median)) / normalP99);
  }
}

/** A latency's distribution, in milliseconds. */
export interface Tail {
  readonly median: number;
  readonly p99: number;
}

/** The 99th percentile of the normal distribution, in standard deviations. */
const normalP99 = 2.326;

/**
 * Makes `Math.random` draw from the seed while `work` runs: jitter in the code under test is a part of the simulation.
 */
export async function seeded<Result>(random: Random, work: () => Promise<Result>): Promise<Result> {
  const real = Math.random;
  Math.random = () => random.next();
  try {
    return await work();
  } finally {
    Math.random = real;
  }
}
