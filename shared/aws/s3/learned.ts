import type { Side } from '../../model/config/task.ts';
import type { LearnedTraits, OnLearned } from '../../model/stores/learned.ts';
import { hostOf, storeOf, traitsOf, type StoreTraits } from '../../model/stores/stores.ts';

type Learnable = keyof LearnedTraits;

/** What is known of the store of one bucket: its traits, and what its answers have shown since. */
export class Known {
  readonly traits: StoreTraits;
  readonly #side: Side;
  readonly #onLearned: OnLearned | undefined;
  #learned: LearnedTraits = {};

  /** @param onLearned called with everything that was learned, each time that something is new */
  constructor(side: Side, onLearned?: OnLearned) {
    this.traits = traitsOf(side);
    this.#side = side;
    this.#onLearned = onLearned;
  }

  /** What an answer has shown, else what is documented. */
  of<Name extends Learnable>(name: Name): StoreTraits[Name]['is'] {
    return this.#learned[name] ?? this.traits[name].is;
  }

  /** Takes note of what an answer has shown. */
  learn(shown: LearnedTraits): void {
    const names = Object.keys(shown) as Learnable[];
    if (names.every((name) => shown[name] === this.of(name))) return;
    this.#learned = { ...this.#learned, ...shown };
    const { bucket, endpoint } = this.#side;
    const host = endpoint === undefined ? '' : hostOf(endpoint);
    this.#onLearned?.({ bucket, store: storeOf(this.#side), host, traits: this.#learned });
  }
}
