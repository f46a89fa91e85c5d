import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders, copyPins, writeConditions } from './rules.ts';

/** Wasabi. Its "S3 API Reference" says that it is as S3 where it does not say otherwise. */
export const wasabi = differsFrom(aws, {
  title: 'Wasabi',
  uploads: {
    // Not documented; assumed.
    modified: 'completed',
    repeatable: false,
  },
  tags: {
    // ansible-collections/amazon.aws issue 1607.
    none: { status: 404, code: 'NoSuchTagSet', message: 'The TagSet does not exist' },
    // Not documented; assumed.
    count: false,
  },
  // Not documented; assumed, also what is ignored: those headers are younger than Wasabi's reference.
  objects: { defaultChecksum: false, statesEncryption: false },
  requests: { ignoredHeaders: [checksumHeaders, copyPins, writeConditions] },
});
