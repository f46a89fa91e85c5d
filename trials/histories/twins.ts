import { personalities, type PersonalityName } from '../../emulator/s3/index.ts';
import { comparesReplaced, stores, traitsOf, type StoreName } from '../../shared/model/stores/stores.ts';
import { s3Features, type StoreFeatures } from '../../shared/ports/memory/features.ts';
import { featuresOf } from '../../test/support/features-of.ts';
import type { Random } from '../../test/support/random.ts';

/** A store of a history. */
export interface Twin {
  /** a personality of the emulator, or `any`: S3 without some of its features */
  readonly name: PersonalityName | 'any';
  /** what the task knows of it */
  readonly store: StoreName;
  readonly features: StoreFeatures;
}

export const twinNames: readonly Twin['name'][] = [...(Object.keys(personalities) as PersonalityName[]), 'any'];

/**
 * Draws a store. What it can do is read from its personality; the contract suite (test/contract/object-store.test.ts)
 * holds the emulator and the stores in memory to the same features. Half of the stores are S3, or S3 with a lack.
 */
export function drawTwin(random: Random): Twin {
  const name = random.chance(0.5) ? random.pick(['aws', 'any'] as const) : random.pick(twinNames);
  const versions = random.chance(0.25);
  if (name === 'any') {
    const features = {
      ...s3Features,
      versions,
      pinnedReads: random.chance(0.8),
      completeEtag: random.chance(0.8),
      conditionalWrites: random.chance(0.6),
    };
    return { name, store: 's3-compatible', features };
  }
  const store = Object.hasOwn(stores, name) ? (name as StoreName) : 's3-compatible';
  const features = featuresOf(personalities[name]);
  const traits = traitsOf({ store });
  // The client states a condition only where the store is known to compare it.
  const relied = (['put', 'complete', 'copy', 'delete'] as const).every((call) => comparesReplaced(traits, call));
  const conditionalWrites = features.conditionalWrites && relied;
  return { name, store, features: { ...features, conditionalWrites, ...(name === 'aws' && { versions }) } };
}
