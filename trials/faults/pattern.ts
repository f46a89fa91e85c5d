import { createHash } from 'node:crypto';
import { Random } from '../support/random.ts';

/**
 * Which requests go wrong: the first of its kind, and a share of the others. Decided by the seed, by what a request is
 * and by how many like it there were before, so that the same ones go wrong in whatever order concurrent requests come.
 */
export class Pattern {
  readonly #seed: number;
  readonly #rate: number;
  readonly #first: boolean;
  readonly #seen = new Map<string, number>();

  /** @param options.first does the first one always go wrong? */
  constructor(seed: number, rate: number, options: { first: boolean }) {
    this.#seed = seed;
    this.#rate = rate;
    this.#first = options.first;
  }

  /** @returns random for the details where this request goes wrong */
  next(identity: string): Random | undefined {
    const before = this.#seen.get(identity) ?? 0;
    this.#seen.set(identity, before + 1);
    const hash = createHash('sha256').update(`${this.#seed} ${before} ${identity}`).digest();
    const random = new Random(hash.readUInt32LE(0));
    return random.chance(this.#rate) || (this.#first && before === 0) ? random : undefined;
  }
}
