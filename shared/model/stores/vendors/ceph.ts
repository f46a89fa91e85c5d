import { unknownTraits, type Store } from '../store.ts';

/** Ceph's gateway. Its versions differ, and its owner chooses one. "Measured" is Ceph 16, by `npm run test:s3`. */
export const ceph: Store = {
  title: 'Ceph Object Gateway',
  address: {
    hosts: [],
    bucketNames: { is: 'endpoint', why: 'each gateway, and each tenant of it, has its own buckets' },
    style: { is: 'path', why: 'Ceph: Object Gateway config reference, rgw_dns_name (hosts only where it is set)' },
  },
  traits: {
    ...unknownTraits,
    putEtag: { is: 'maybe', why: 'MD5s as measured; not documented' },
    multipartEtag: { is: 'maybe', why: 'as S3 as measured; not documented' },
    tags: { is: 'yes', why: 'Ceph: Object Gateway S3 API, Features support, Object Tagging' },
    tagCount: { is: 'yes', why: 'ceph, src/rgw/rgw_rest_s3.cc, RGWGetObj_ObjStore_S3 (if the object has tags)' },
    checksums: { is: [], why: 'ignored, as measured' },
    copies: { is: 'unknown', why: 'the version is ignored, as measured; later ones may differ; asked once' },
    partCopies: { is: 'no', why: 'UploadPartCopy ends the gateway, as measured; the bytes are sent instead' },
    listVersion: { is: 'unknown', why: 'rclone, Ceph: list_version 1; version 2 as measured, which is tried first' },
    conditionalWrites: { is: {}, why: 'as measured: PutObject compares, Complete and DELETE do not; not relied on' },
  },
};
