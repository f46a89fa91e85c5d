import { Fault } from '../model/faults.ts';
import { maxEmptyPages } from '../model/limits.ts';

/** One answer of a listing. */
export interface Page<Item, Token> {
  readonly items: readonly Item[];
  /** is there more? */
  readonly truncated: boolean;
  /** where the next page begins */
  readonly next: Token | undefined;
}

/**
 * Follows a listing to its end, a page at a time. Ends one that does not: the place to go on from is missing or was there
 * before (whatever the length of the circle: Brent's algorithm, one place is remembered), or nothing comes for a
 * thousand pages.
 * @param what the operation and its bucket, for messages
 * @throws Fault `Unavailable` where the listing does not go on
 */
export async function* pages<Item, Token>(
  what: string,
  ask: (from: Token | undefined) => Promise<Page<Item, Token>>,
): AsyncGenerator<readonly Item[]> {
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
      throw new Fault('Unavailable', `${what}: the listing does not go on, the store names a place it named before`);
    }
    if (empty >= maxEmptyPages) {
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
