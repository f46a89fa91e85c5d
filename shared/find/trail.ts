import type { ListPlace } from '../model/messages/payloads.ts';

export type SideName = 'source' | 'destination';

/** Where a listing stands beyond the last key that was processed; absent if the key says it all. */
export type Places = Readonly<Partial<Record<SideName, ListPlace>>>;

/** Ends a search whose time runs short between two keys. */
export class Paused extends Error {
  override readonly name = 'Paused';
}

/**
 * Follows the listings of a search over stretches without keys. S3 answers with empty pages where many keys were
 * deleted in a row, for as long as the stretch lasts. No key says how far such a listing has come, only its token does,
 * so a search that has to stop there keeps the token.
 */
export class Trail {
  #places: Places;
  /** sides whose next page with keys is reached by its token alone */
  readonly #bridged = new Set<SideName>();
  readonly #isShort: () => boolean;

  /**
   * @param places where an earlier call stopped
   * @param isShort does the time run short? Asked after each page without keys
   */
  constructor(places: Places, isShort: () => boolean) {
    this.#places = places;
    this.#isShort = isShort;
    for (const side of ['source', 'destination'] as const) if (places[side]) this.#bridged.add(side);
  }

  /** The places as they are now; never changed, but replaced. */
  get places(): Places {
    return this.#places;
  }

  /**
   * Takes note of a page that is read next; all pages before it have been processed.
   * @param next where the listing goes on after the page
   * @throws Paused if the page has no keys and the time runs short
   */
  reads(side: SideName, { length, next }: { readonly length: number; readonly next?: ListPlace }): void {
    if (length > 0) {
      if (!this.#bridged.delete(side) && this.#places[side]) this.#places = { ...this.#places, [side]: undefined };
      return;
    }
    // Without a token there is no place to come back to.
    if (!next) return;
    this.#places = { ...this.#places, [side]: next };
    this.#bridged.add(side);
    if (next.ended !== true && this.#isShort()) throw new Paused('the time ran short in a stretch without keys');
  }
}
