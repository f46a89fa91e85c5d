const drawIntervalMillis = 250;

/**
 * Shows the number of compared keys, and the rate, as one line on a terminal. If there is no terminal, it writes
 * nothing.
 */
export class ProgressLine {
  readonly #out: NodeJS.WriteStream;
  readonly #started = Date.now();
  #keys = 0;
  #drawnAt = 0;
  #shown = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** @param keys compared since the last call */
  add(keys: number): void {
    this.#keys += keys;
    const now = Date.now();
    if (!this.#out.isTTY || now - this.#drawnAt < drawIntervalMillis) return;
    this.#drawnAt = now;
    const perSecond = Math.round(this.#keys / Math.max(0.001, (now - this.#started) / 1000));
    this.#out.write(`\r\x1b[K${this.#keys} keys compared, ${perSecond}/s`);
    this.#shown = true;
  }

  /** Removes the line, so that a finding can be written. */
  clear(): void {
    if (this.#shown) this.#out.write('\r\x1b[K');
    this.#shown = false;
  }
}
