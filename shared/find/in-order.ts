/** How far {@link inOrder} may run ahead of its consumer. */
export interface Window {
  /** answers that are waited for at once */
  readonly waiting: number;
  /** items altogether, those behind one that waits included */
  readonly items: number;
}

/**
 * Yields each item with what `start` makes of it, in the order of the items, and starts later ones while an earlier one
 * waits. An item that needs no wait, with none before it, is passed on immediately, and nothing is read ahead of it.
 * @throws what the source or a start throws, after everything before it was yielded
 */
export async function* inOrder<Item, Result>(
  source: AsyncIterable<Item> | Iterable<Item>,
  start: (item: Item) => Result | Promise<Result>,
  { waiting, items }: Window,
): AsyncGenerator<readonly [Item, Result]> {
  const started: { readonly item: Item; readonly result: Result | Promise<Result> }[] = [];
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let waits = 0;
  let end: { readonly error?: unknown } | undefined;
  try {
    for (;;) {
      while (!end && (started.length === 0 || (waits > 0 && waits < waiting && started.length < items))) {
        try {
          const next = await iterator.next();
          if (next.done === true) {
            end = {};
            break;
          }
          const result = start(next.value);
          if (result instanceof Promise) {
            waits++;
            // It is thrown when its turn comes. Until then, or if that never comes, it must not count as unhandled.
            result.catch(() => undefined);
          }
          started.push({ item: next.value, result });
        } catch (error) {
          end = { error };
        }
      }
      const first = started.shift();
      if (!first) {
        if (end && 'error' in end) throw end.error;
        return;
      }
      const { item, result } = first;
      if (result instanceof Promise) waits--;
      yield [item, result instanceof Promise ? await result : result];
    }
  } finally {
    await iterator.return?.();
  }
}
