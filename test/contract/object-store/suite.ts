import { afterAll, beforeAll, describe } from '@jest/globals';
import { describeBodiesAndListings } from './bodies-and-listings.ts';
import { describeConditionalWrites } from './conditional-writes.ts';
import { describeCopies } from './copies.ts';
import type { StoreFeatures } from '../../../shared/ports/memory/features.ts';
import { Kit, type Subject } from './kit.ts';
import { describeObjects } from './objects.ts';
import { describeUploadChecksums } from './upload-checksums.ts';
import { describeUploads } from './uploads.ts';

/** The obligations of ObjectStore (shared/ports/object-store.ts). */
export function describeObjectStore(name: string, open: () => Promise<Subject>, can: StoreFeatures): void {
  describe(`ObjectStore: ${name}`, () => {
    const kit = new Kit(open, can);
    beforeAll(() => kit.open());
    afterAll(() => kit.subject.close());
    describeObjects(kit);
    describeBodiesAndListings(kit);
    describeCopies(kit);
    describeConditionalWrites(kit);
    describeUploads(kit);
    describeUploadChecksums(kit);
  });
}
