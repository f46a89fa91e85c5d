import { Random as Uniform } from '../../test/support/random.ts';

/** Pseudorandom numbers as the simulation needs them: the same seed gives the same run. */
export class Random extends Uniform {
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
