import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';

const badName = { status: 400, code: 'XMinioInvalidObjectName' } as const;

/** MinIO without encryption. */
export const minio = differsFrom(aws, {
  title: 'MinIO',
  listings: {
    // minio issue 20834: an object `a` hides what is listed with the prefix `a/`.
    belowObject: 'hidden',
    // MinIO documentation, "S3 API compatibility", "Multipart uploads"; minio issue 20989: without a prefix, all.
    uploadPrefix: 'whole-key',
  },
  uploads: {
    // minio, cmd/erasure-multipart.go, CompleteMultipartUpload.
    modified: 'completed',
    // Not documented; assumed.
    repeatable: false,
  },
  objects: {
    // Not documented; assumed.
    defaultChecksum: false,
    // minio, cmd/api-headers.go: an encryption is stated if there is one.
    statesEncryption: false,
    refusedKeys: [
      // minio issues 13022 (`.` and `..`), 5874 and 15684 (`//`).
      { keys: /(?:^|\/)\.\.?(?:\/|$)|\/\//, answer: badName },
      // minio, cmd/object-api-input-checks.go: no slash at the start.
      { keys: /^\//, answer: badName },
      // minio, "MinIO server limits per tenant": 255 bytes between slashes.
      { keys: /[^/]{256}/, answer: { status: 400, code: 'KeyTooLongError' } },
    ],
  },
});
