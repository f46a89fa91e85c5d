import { commonLength, wholeCharacters } from './key-text.ts';
import { compareKeys } from './order.ts';

/** The first keys after a key. */
export interface Probed {
  readonly first: readonly string[];
  /** do others follow them? */
  readonly more: boolean;
}

/** Lists the first keys after a key, or from the beginning. */
export type Probe = (after: string | undefined) => Promise<Probed>;

/** What a probe has shown: no key k has after < k < first. */
interface Gap extends Probed {
  readonly after: string | undefined;
}

/**
 * What is known of a bucket's keys. It asks the store for the first keys after another, remembers each answer, and
 * answers from memory where it can.
 */
export class KnownKeys {
  readonly #probe: Probe;
  readonly #characters = new Set<string>();
  #inOrder: string[] | undefined;
  readonly #keys: string[] = [];
  readonly #gaps: Gap[] = [];
  #probes = 0;

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** Listing calls so far. */
  get probes(): number {
    return this.#probes;
  }

  /** @returns true until `probes` more calls were made */
  budget(probes: number): () => boolean {
    const end = this.#probes + probes;
    return () => this.#probes < end;
  }

  /** The first keys after a key. @throws Fault of the listing */
  async after(bound: string | undefined): Promise<Probed> {
    const gap = this.#gaps.find(({ after, first: [first] }) => isWithin(bound, after, first));
    if (gap) return gap;
    this.#probes++;
    const probed = await this.#probe(bound);
    this.#gaps.push({ after: bound, ...probed });
    this.add(probed.first);
    return probed;
  }

  /** Takes note of keys. */
  add(keys: readonly string[]): void {
    for (const key of keys) for (const character of key) this.#characters.add(character);
    if (this.#characters.size !== this.#inOrder?.length) this.#inOrder = undefined;
    for (const key of [keys[0], keys.at(-1)]) {
      if (key === undefined) continue;
      const index = this.#indexOf(key);
      if (this.#keys[index] !== key) this.#keys.splice(index, 0, key);
    }
  }

  /** The characters c that occur in keys, with from <= c < to, in order. */
  charactersBetween(from: string, to: string): string[] {
    this.#inOrder ??= [...this.#characters].sort(compareKeys);
    return this.#inOrder.filter((some) => compareKeys(from, some) <= 0 && compareKeys(some, to) < 0);
  }

  /** How long the beginning is that all known keys k with low <= k <= top have in common. */
  differsAt(low: string, top: string | undefined): number {
    const end = top === undefined ? this.#keys.length : this.#indexOf(top);
    const last = top !== undefined && this.#keys[end] === top ? top : this.#keys[end - 1];
    return last === undefined || compareKeys(last, low) <= 0 ? low.length : commonLength(low, last);
  }

  /**
   * Where keys that begin like `low` up to `from` probably begin to differ: where they differ at the same place from
   * keys near them, for a bucket's keys have a form.
   */
  probablyDiffersAt(low: string, from: number, to: number): number {
    const index = this.#indexOf(low);
    const near = [this.#keys[index], this.#keys[index + 1], this.#keys[index - 1]];
    let found = to;
    for (const key of near) {
      if (key === undefined || key === low) continue;
      let at = from;
      while (at < low.length && at < key.length && low[at] === key[at]) at++;
      found = Math.min(found, at);
    }
    return wholeCharacters(low, found);
  }

  #indexOf(key: string): number {
    let [from, to] = [0, this.#keys.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compareKeys(this.#keys[middle] ?? '', key) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function isWithin(bound: string | undefined, after: string | undefined, first: string | undefined): boolean {
  if (bound === undefined) return after === undefined;
  return (
    (after === undefined || compareKeys(after, bound) <= 0) && (first === undefined || compareKeys(bound, first) < 0)
  );
}
