import { unknownTraits, type Store } from '../store.ts';

/** Its versions differ, and its owner chooses one: what came late is not relied on. */
export const minio: Store = {
  title: 'MinIO',
  address: {
    hosts: [],
    bucketNames: { is: 'endpoint', why: 'each server has its own buckets' },
    style: { is: 'path', why: 'MinIO: MINIO_DOMAIN (hosts for buckets only where a domain is set up)' },
  },
  traits: {
    ...unknownTraits,
    putEtag: { is: 'maybe', why: 'minio issues 20520 and 19593: a random value if encrypted, or with --no-compat' },
    multipartEtag: { is: 'maybe', why: 'minio issue 17214 (as S3), but not where ETags are random' },
    tags: { is: 'yes', why: 'MinIO: S3 API compatibility, Object APIs' },
    tagCount: { is: 'yes', why: 'minio, cmd/api-headers.go, setObjectHeaders (if the object has tags)' },
    checksums: { is: [], why: 'of whole objects in later versions only; not relied on' },
    copies: { is: 'unknown', why: 'minio, cmd/object-handlers-common.go compares; its gateways may not; asked once' },
    partCopies: { is: 'unknown', why: 'minio, cmd/object-handlers-common.go, as CopyObject; asked once' },
    listVersion: { is: 2, why: 'MinIO: S3 API compatibility, Bucket APIs' },
    conditionalWrites: {
      is: {},
      why: 'since 2024-05-07, and minio issue 21526: If-Match of a missing object is ignored; not relied on',
    },
  },
};
