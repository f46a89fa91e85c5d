import { unknownTraits, type Store } from '../store.ts';

export const tencentCos: Store = {
  title: 'Tencent COS',
  address: {
    endpoint: { is: 'https://cos.{region}.myqcloud.com', why: 'COS: Accessing COS with AWS S3 SDK, setEndpoint' },
    hosts: [/^cos\.accelerate\.myqcloud\.com$/, /^cos\.(?<region>[a-z0-9-]+)\.myqcloud\.com$/],
    regions: { is: /^[a-z]{2}-[a-z0-9-]+$/, why: 'COS: Regions and access endpoints, region abbreviation' },
    exampleRegion: 'ap-guangzhou',
    bucketNames: { is: 'store', why: 'COS: Bucket overview, Naming conventions (names end in the APPID)' },
    style: { is: 'either', why: 'COS: Accessing COS with AWS S3 SDK uses hosts; paths are not documented, assumed' },
  },
  traits: {
    ...unknownTraits,
    putEtag: { is: 'maybe', why: 'COS: MD5 verification (an ETag is not necessarily the MD5)' },
    multipartEtag: { is: 'other', why: 'COS: MD5 verification; rclone, TencentCOS: use_multipart_etag is false' },
    tags: { is: 'yes', why: 'COS: PUT Object tagging, GET Object tagging' },
    tagCount: { is: 'unknown', why: 'not documented; each object is asked until the store has stated a number' },
    checksums: { is: [], why: 'COS: CRC64 check has x-cos-hash-crc64ecma, none of the checksums of S3' },
    copies: {
      is: 'unknown',
      why: "COS: PUT Object - Copy compares x-cos-copy-source-If-Match; S3's header is not documented; asked once",
    },
    partCopies: {
      is: 'unknown',
      why: "COS: Upload Part - Copy compares x-cos-copy-source-if-match; S3's header is not documented; asked once",
    },
    listVersion: { is: 'unknown', why: 'rclone, TencentCOS: list_version 1; version 2 is tried first' },
    conditionalWrites: {
      is: {},
      why: "COS: PUT Object has x-cos-forbid-overwrite; S3's headers are not documented, and not relied on",
    },
    awsChunked: { is: 'no', why: 'rclone, TencentCOS: use_data_integrity_protections is false' },
  },
};
