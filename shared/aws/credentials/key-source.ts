import { isFault } from '../../model/faults.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';

/** The keys of a side with credentials of its own. */
export interface SideKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** the region to use if the task names none */
  readonly region?: string;
  /** when they expire, in milliseconds since the epoch, if that is known */
  readonly expires?: number;
}

/** A source of keys that may change while they are in use. */
export interface KeySource {
  /**
   * The keys to sign with now. @throws Fault `CredentialsRefused`, `Throttled` or `Unavailable` if they cannot be read
   */
  current(): Promise<SideKeys>;
  /**
   * Looks for new keys after a store refused the present ones.
   * @param certain true if the store said that the keys are invalid, rather than possibly lacking a permission
   * @returns undefined if the refused keys are still the present ones
   */
  renewed(refused: SideKeys, certain: boolean): Promise<SideKeys | undefined>;
}

/** How long keys without an expiry are used before they are read again. */
const freshMillis = 5 * 60_000;
/** How long before their expiry keys are replaced: a request that is signed with them may still be queued. */
const renewBeforeMillis = 5 * 60_000;
/**
 * The pause between two reads that refusals cause. If the cause may be a missing permission, it doubles with each read
 * that brought nothing new: permanent refusals must not become a flood of calls.
 */
const firstPauseMillis = 5_000;
/** How long the present keys stay in use after they could not be read again. */
const retryAfterMillis = 30_000;

/** Keys that are read once, shared, and read again when they are old, about to expire, or refused. */
export class RenewableKeys implements KeySource {
  readonly #read: () => Promise<SideKeys>;
  readonly #clock: Clock;
  #known: { readonly keys: SideKeys; readonly freshUntil: number } | undefined;
  #reading: Promise<SideKeys> | undefined;
  #renewedAt = -Infinity;
  #pauseMillis = firstPauseMillis;

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
      this.#known = { keys: known.keys, freshUntil: this.#clock.now() + retryAfterMillis };
      return known.keys;
    }
  }

  async renewed(refused: SideKeys, certain: boolean): Promise<SideKeys | undefined> {
    // Another request was refused earlier, and the new keys are here already.
    if (this.#known && !sameKeys(this.#known.keys, refused)) return this.#known.keys;
    if (!this.#reading) {
      if (this.#clock.now() - this.#renewedAt < (certain ? firstPauseMillis : this.#pauseMillis)) return undefined;
      this.#renewedAt = this.#clock.now();
    }
    const keys = await this.#readOnce();
    const same = sameKeys(keys, refused);
    this.#pauseMillis = same ? Math.min(2 * this.#pauseMillis, freshMillis) : firstPauseMillis;
    // The keys were rotated, and may be again. A role's keys differ at each read, which proves nothing.
    if (!same && keys.expires === undefined) this.#renewedAt = -Infinity;
    return same ? undefined : keys;
  }

  /** Concurrent calls share one read. */
  async #readOnce(): Promise<SideKeys> {
    this.#reading ??= this.#read();
    const reading = this.#reading;
    try {
      const keys = await reading;
      const { expires } = keys;
      const freshUntil = expires === undefined ? this.#clock.now() + freshMillis : expires - renewBeforeMillis;
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
