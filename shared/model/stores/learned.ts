import type { StoreName, StoreTraits } from './stores.ts';

/** What the answers of a store have shown, in the words of its traits. Absent: nothing yet. */
export type LearnedTraits = {
  readonly [Name in 'tags' | 'tagCount' | 'copies' | 'partCopies' | 'listVersion']?: StoreTraits[Name]['is'];
};

/**
 * What a process has learned of the store of one bucket, where no document says it (docs/decisions, "What is learned of
 * a store stays in the process").
 */
export interface LearnedStore {
  readonly bucket: string;
  readonly store: StoreName;
  /** the host name of its endpoint; empty for S3 itself */
  readonly host: string;
  readonly traits: LearnedTraits;
}

/** Receives everything that is known so far, each time that something is learned. */
export type OnLearned = (learned: LearnedStore) => void;
