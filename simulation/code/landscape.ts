/**
 * The keys of a bucket: `prefixes` folders of numbered names. One key of the simulation stands for `weight` objects
 * that follow one another and are alike.
 */
export interface LandscapeSettings {
  readonly objects: number;
  readonly prefixes: number;
  readonly weight: number;
  /** bytes of each object */
  readonly size: number;
  /** begins every key; tasks that share a simulation have one each */
  readonly root?: string;
}

const digits = 12;

/** Answers what listings need, without holding the keys. */
export class Landscape {
  readonly settings: LandscapeSettings;
  /** keys of the simulation */
  readonly length: number;
  readonly #perPrefix: number;
  readonly #root: string;

  constructor(settings: LandscapeSettings) {
    this.settings = settings;
    const { objects, prefixes, weight, root = '' } = settings;
    this.#perPrefix = Math.ceil(objects / weight / prefixes);
    this.length = this.#perPrefix * prefixes;
    this.#root = root;
  }

  /** Objects that all keys stand for: the next number to what was asked for that divides evenly. */
  get objects(): number {
    return this.length * this.settings.weight;
  }

  keyAt(index: number): string {
    const prefix = Math.floor(index / this.#perPrefix);
    const name = (index % this.#perPrefix) * this.settings.weight;
    return `${this.#root}p${String(prefix).padStart(4, '0')}/${String(name).padStart(digits, '0')}`;
  }

  /** @returns -1 if no object has the key */
  indexOf(key: string): number {
    if (!key.startsWith(this.#root)) return -1;
    const match = /^p(\d{4})\/(\d{12})$/.exec(key.slice(this.#root.length));
    if (!match) return -1;
    const [, prefix = '', name = ''] = match;
    return Number(prefix) * this.#perPrefix + Number(name) / this.settings.weight;
  }

  /** The first index whose key is after `key`; all keys are ASCII, where the order of JavaScript is that of S3. */
  indexAfter(key: string | undefined): number {
    if (key === undefined) return 0;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.keyAt(middle) <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
