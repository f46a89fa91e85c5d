import { afterAll, beforeAll, describe } from '@jest/globals';
import { describeBodiesAndListings } from './bodies-and-listings.ts';
import { describeConditionalWrites } from './conditional-writes.ts';
import { describeCopies } from './copies.ts';
import type { StoreFeatures } from '../../../shared/ports/memory/features.ts';
import { Kit, type Subject } from './kit.ts';
import { describeObjects } from './objects.ts';
import { describeUploadChecksums } from './upload-checksums.ts';
import { describeUploadListings } from './upload-listings.ts';
import { describeUploads } from './uploads.ts';

/**
 * The obligations of ObjectStore (shared/ports/object-store.ts).
 * @param longLists whether lists of more than a page of S3 are tried, which takes seconds
 */
export function describeObjectStore(
  name: string,
  open: () => Promise<Subject>,
  can: StoreFeatures,
  longLists = true,
): void {
  describe(`ObjectStore: ${name}`, () => {
    const kit = new Kit(open, can, longLists);
    beforeAll(() => kit.open());
    afterAll(() => kit.subject.close());
    describeObjects(kit);
    describeBodiesAndListings(kit);
    describeCopies(kit);
    describeConditionalWrites(kit);
    describeUploads(kit);
    describeUploadListings(kit);
    describeUploadChecksums(kit);
  });
}
