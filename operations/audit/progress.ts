/** Milliseconds between two drawings. */
const drawIntervalMillis = 250;

/** One line on a terminal that tells how many keys were compared, and how fast. Elsewhere nothing is written. */
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

  /** Makes room for a line of the findings. */
  clear(): void {
    if (this.#shown) this.#out.write('\r\x1b[K');
    this.#shown = false;
  }
}
