/** The line to the stores, in bytes per second: what one call gets, and what all of them share. */
export interface LineSettings {
  readonly perCall: number;
  readonly total?: number;
}

/** A line whose users get equal shares. */
export class Line {
  /** bytes per second that all users share */
  total: number;
  readonly #perCall: number;
  #users = 0;

  constructor({ perCall, total = Infinity }: LineSettings) {
    this.#perCall = perCall;
    this.total = total;
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
    return Math.min(this.#perCall, this.total / Math.max(1, this.#users));
  }
}
