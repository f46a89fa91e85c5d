import { SingleBar } from 'cli-progress';
import { formatSize } from '../../shared/model/size.ts';

/** How often progress is written as a line, if there is no terminal for a bar. */
const lineIntervalMillis = 5_000;

/** Shows the progress of one phase: objects per second first, then objects, bytes and their rate. */
export class PhaseProgress {
  readonly #name: string;
  readonly #out: NodeJS.WriteStream;
  readonly #started = Date.now();
  readonly #totalObjects: number;
  readonly #totalBytes: number;
  #objects = 0;
  #bytes = 0;
  readonly #bar: SingleBar | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  /** @param out receives a bar if it is a terminal, lines otherwise */
  constructor(name: string, totals: { objects: number; bytes: number }, out: NodeJS.WriteStream) {
    this.#name = name;
    this.#out = out;
    this.#totalObjects = totals.objects;
    this.#totalBytes = totals.bytes;
    if (out.isTTY) {
      const format = `${name.padEnd(7)} {bar} {percentage}% | {text}`;
      this.#bar = new SingleBar({ format, stream: out, hideCursor: true, barsize: 24, fps: 5, emptyOnZero: true });
      this.#bar.start(Math.max(1, totals.bytes + totals.objects), 0, { text: '' });
    } else {
      this.#timer = setInterval(() => this.#line(), lineIntervalMillis);
      this.#timer.unref();
    }
  }

  /** Adds objects and bytes to the progress. */
  add({ objects = 0, bytes = 0 }: { objects?: number; bytes?: number }): void {
    this.#objects += objects;
    this.#bytes += bytes;
    // Each object counts like a byte, so that the bar moves even while thousands of empty files pass.
    this.#bar?.update(this.#bytes + this.#objects, { text: this.#text() });
  }

  /** Shows the last state. */
  end(): void {
    clearInterval(this.#timer);
    this.#bar?.update(this.#bytes + this.#objects, { text: this.#text() });
    this.#bar?.stop();
    if (!this.#bar) this.#line();
  }

  #line(): void {
    this.#out.write(`${this.#name.padEnd(7)} ${this.#text()}\n`);
  }

  #text(): string {
    const seconds = Math.max(0.001, (Date.now() - this.#started) / 1000);
    const objectRate = `${(this.#objects / seconds).toFixed(0)} objects/s`;
    const objects = `${this.#objects}/${this.#totalObjects} objects`;
    const bytes = `${formatSize(this.#bytes)}/${formatSize(this.#totalBytes)}`;
    const byteRate = `${formatSize(Math.round(this.#bytes / seconds))}/s`;
    return `${objectRate} | ${objects} | ${bytes} | ${byteRate} | ${seconds.toFixed(0)} s`;
  }
}
