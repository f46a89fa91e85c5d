import { Fault } from '../model/faults.ts';
import { maxEmptyPages } from '../model/limits.ts';

/** One page of a listing. */
export interface Page<Item, Token> {
  readonly items: readonly Item[];
  /** true if more pages follow */
  readonly truncated: boolean;
  /** the token or marker of the next page */
  readonly next: Token | undefined;
}

/**
 * Follows a listing to its end, a page at a time. Fails for a listing that never ends: one whose next token is missing
 * or repeats an earlier one (a cycle of any length, found by Brent's algorithm, which remembers one token), or one with
 * too many empty pages in a row.
 * @param what the operation and its bucket, for messages
 * @param maxEmpty the most empty pages in a row; Infinity if the reader of the pages watches the time
 * @throws Fault `Unavailable` if the listing does not end
 */
export async function* pages<Items extends readonly unknown[], Token>(
  what: string,
  ask: (from: Token | undefined) => Promise<{ items: Items } & Omit<Page<unknown, Token>, 'items'>>,
  maxEmpty = maxEmptyPages,
): AsyncGenerator<Items> {
  let from: Token | undefined;
  let remembered: string | undefined;
  let empty = 0;
  for (let steps = 1, until = 1; ; steps++) {
    const { items, truncated, next } = await ask(from);
    yield items;
    if (!truncated) return;
    empty = items.length === 0 ? empty + 1 : 0;
    const place = JSON.stringify(next);
    if (next === undefined || place === remembered) {
      throw new Fault(
        'Unavailable',
        `${what}: the listing does not go on, the store repeats or omits the next page's token`,
      );
    }
    if (empty >= maxEmpty) {
      throw new Fault('Unavailable', `${what}: the listing does not go on, ${empty} pages in a row were empty`);
    }
    if (steps === until) {
      remembered = place;
      until *= 2;
      steps = 0;
    }
    from = next;
  }
}
