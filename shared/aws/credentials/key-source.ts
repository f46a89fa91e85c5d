import { isFault } from '../../model/faults.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';

/** The keys of one side, where it has some of its own. */
export interface SideKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** used where the task names no region */
  readonly region?: string;
  /** when they end, milliseconds since the epoch, as far as it is known */
  readonly expires?: number;
}

/** Keys that change while they are used. */
export interface KeySource {
  /** The keys to sign with now. @throws Fault `AccessDenied`, `Throttled` or `Unavailable` where they cannot be read */
  current(): Promise<SideKeys>;
  /**
   * Called when a store refused keys: are there others by now?
   * @param certain true where the store said that it is the keys, and not a permission that they lack
   * @returns undefined where the refused ones are still those that there are
   */
  renewed(refused: SideKeys, certain: boolean): Promise<SideKeys | undefined>;
}

/** Milliseconds for which keys without an end of their own are used before they are read again. */
const freshFor = 5 * 60_000;
/** Milliseconds before their end at which keys are replaced; a request that is signed with them may still be queued. */
const renewBefore = 5 * 60_000;
/**
 * Milliseconds between two readings that refusals cause. Where it may be a permission that is missing, it doubles with
 * each reading that brought nothing new: what is refused each time must not become a flood of calls.
 */
const firstPause = 5_000;
/** Milliseconds for which keys are used on when they could not be read again just now. */
const secondTry = 30_000;

/** Keys that are read once, used by all, and read anew when they are old, about to end, or refused. */
export class RenewableKeys implements KeySource {
  readonly #read: () => Promise<SideKeys>;
  readonly #clock: Clock;
  #known: { readonly keys: SideKeys; readonly freshUntil: number } | undefined;
  #reading: Promise<SideKeys> | undefined;
  #renewedAt = -Infinity;
  #pause = firstPause;

  constructor(read: () => Promise<SideKeys>, clock: Clock = systemClock) {
    this.#read = read;
    this.#clock = clock;
  }

  async current(): Promise<SideKeys> {
    const known = this.#known;
    if (known && this.#clock.now() < known.freshUntil) return known.keys;
    try {
      return await this.#readOnce();
    } catch (error) {
      const ended = known?.keys.expires !== undefined && known.keys.expires <= this.#clock.now();
      if (!known || ended || !isFault(error, 'Throttled', 'Unavailable')) throw error;
      this.#known = { keys: known.keys, freshUntil: this.#clock.now() + secondTry };
      return known.keys;
    }
  }

  async renewed(refused: SideKeys, certain: boolean): Promise<SideKeys | undefined> {
    // Somebody else's request was refused before, and the new ones are here already.
    if (this.#known && !sameKeys(this.#known.keys, refused)) return this.#known.keys;
    if (!this.#reading) {
      if (this.#clock.now() - this.#renewedAt < (certain ? firstPause : this.#pause)) return undefined;
      this.#renewedAt = this.#clock.now();
    }
    const keys = await this.#readOnce();
    const same = sameKeys(keys, refused);
    this.#pause = same ? Math.min(2 * this.#pause, freshFor) : firstPause;
    // Somebody rotated them, and may again. Keys of a role are others each time, which says nothing.
    if (!same && keys.expires === undefined) this.#renewedAt = -Infinity;
    return same ? undefined : keys;
  }

  /** Calls at the same time share one reading. */
  async #readOnce(): Promise<SideKeys> {
    this.#reading ??= this.#read();
    const reading = this.#reading;
    try {
      const keys = await reading;
      const { expires } = keys;
      const freshUntil = expires === undefined ? this.#clock.now() + freshFor : expires - renewBefore;
      this.#known = { keys, freshUntil };
      return keys;
    } finally {
      if (this.#reading === reading) this.#reading = undefined;
    }
  }
}

function sameKeys(one: SideKeys, other: SideKeys): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  );
}
