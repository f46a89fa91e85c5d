/** The line to the stores, in bytes per second: what one call gets, and what all of them share. */
export interface LineSettings {
  readonly perCall: number;
  readonly total?: number;
}

/** A line whose users get equal shares. */
export class Line {
  readonly #settings: LineSettings;
  #users = 0;

  constructor(settings: LineSettings) {
    this.#settings = settings;
  }

  /** Does work that uses the line; `count` is how many alike users it stands for. */
  async use<Result>(count: number, work: (bytesPerSecond: () => number) => Promise<Result>): Promise<Result> {
    this.#users += count;
    try {
      return await work(() => this.#share());
    } finally {
      this.#users -= count;
    }
  }

  #share(): number {
    const { perCall, total = Infinity } = this.#settings;
    return Math.min(perCall, total / Math.max(1, this.#users));
  }
}
