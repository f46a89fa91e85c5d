import type { RelativeObject, RelativePage } from './listing.ts';
import { compareKeys } from './order.ts';
import type { Trail } from './trail.ts';

/** One key of the two listings, with the object of each side that has it. */
export interface Pair {
  readonly key: string;
  readonly source: RelativeObject | undefined;
  readonly destination: RelativeObject | undefined;
}

/**
 * Merge-joins two sorted listings. Only one page of each, and the next one that was requested, is in memory.
 * @param source pages in UTF-8 byte order, keys comparable with the destination's
 * @param trail notes each page before its keys are returned
 */
export async function* mergeListings(
  source: AsyncIterable<RelativePage>,
  destination: AsyncIterable<RelativePage>,
  trail?: Trail,
): AsyncGenerator<Pair> {
  await using left = new Reader(source, (page) => trail?.reads('source', page));
  await using right = new Reader(destination, (page) => trail?.reads('destination', page));
  // Both first pages are requested at the same time.
  await Promise.all([left.advance(), right.advance()]);
  for (;;) {
    const a = left.current;
    const b = right.current;
    if (!a && !b) return;
    const order = !a ? 1 : !b ? -1 : compareKeys(a.key, b.key);
    if (order === 0 && a) yield { key: a.key, source: a, destination: b };
    else if (order < 0 && a) yield { key: a.key, source: a, destination: undefined };
    else if (b) yield { key: b.key, source: undefined, destination: b };
    if (order <= 0 && !left.next()) await left.advance();
    if (order >= 0 && !right.next()) await right.advance();
  }
}

/** Steps through pages, and requests one page ahead so that listing and comparing overlap. */
class Reader implements AsyncDisposable {
  readonly #pages: AsyncIterator<RelativePage>;
  readonly #reads: (page: RelativePage) => void;
  #page: RelativePage = [];
  #index = 0;
  #ahead: Promise<IteratorResult<RelativePage>> | undefined;

  constructor(pages: AsyncIterable<RelativePage>, reads: (page: RelativePage) => void) {
    this.#pages = pages[Symbol.asyncIterator]();
    this.#reads = reads;
  }

  get current(): RelativeObject | undefined {
    return this.#page[this.#index];
  }

  /** Moves to the next object of the page. @returns false at the end of the page: call `advance` */
  next(): boolean {
    this.#index++;
    return this.#index < this.#page.length;
  }

  /** Moves to the next page with an object, or to the end. */
  async advance(): Promise<void> {
    do {
      const result = await (this.#ahead ?? this.#pages.next());
      this.#page = result.done ? [] : result.value;
      this.#index = 0;
      if (result.done) {
        this.#ahead = Promise.resolve(result);
        return;
      }
      this.#ahead = this.#pages.next();
      // A failure is thrown when the page is needed. Until then it must not count as unhandled.
      this.#ahead.catch(() => undefined);
      this.#reads(this.#page);
    } while (this.#page.length === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ahead?.catch(() => undefined);
    await this.#pages.return?.();
  }
}
