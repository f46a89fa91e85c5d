import { createHash } from 'node:crypto';
import { Random } from '../../test/support/random.ts';

/**
 * Decides which requests fail: a share of them, and if wanted the first of each kind. The seed, the identity of a
 * request and the number of earlier requests like it decide, so the same ones fail in whatever order concurrent
 * requests arrive.
 */
export class Pattern {
  readonly #seed: number;
  readonly #rate: number;
  readonly #first: boolean;
  readonly #seen = new Map<string, number>();

  /** @param options.first does the first request of each kind always fail? */
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
