import { unknownTraits, type Store } from '../store.ts';

export const aliyunOss: Store = {
  title: 'Aliyun OSS',
  address: {
    endpoint: {
      is: 'https://s3.oss-{region}.aliyuncs.com',
      why: 'OSS: Accessing OSS with the AWS SDK, Endpoint (also -internal, and oss-accelerate)',
    },
    hosts: [
      /^(?:s3\.)?oss-accelerate(?:-overseas)?\.aliyuncs\.com$/,
      /^(?:s3\.)?oss-(?<region>[a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com$/,
    ],
    regions: { is: /^[a-z]{2}-[a-z]+(?:-[a-z0-9]+)*$/, why: 'OSS: Regions and endpoints, region ID' },
    exampleRegion: 'cn-hangzhou',
    // "OSS region ID" in the same table; SDKs and requests take the ID without it.
    regionPrefix: 'oss-',
    bucketNames: { is: 'store', why: 'OSS: Bucket naming conventions' },
    style: { is: 'host', why: 'OSS: S3 API on OSS, Request style (path-style requests are denied)' },
  },
  traits: {
    ...unknownTraits,
    putEtag: {
      is: 'maybe',
      why: 'OSS: MD5 verification (an ETag is not necessarily the MD5); upper case: cyberduck issue 10879',
    },
    multipartEtag: { is: 'other', why: 'OSS: CompleteMultipartUpload, ETag (a value of its own rules, not the MD5)' },
    tags: { is: 'no', why: 'OSS: S3 API on OSS, Compatible operations (none for object tags)' },
    tagCount: { is: 'no', why: 'no tags' },
    checksums: { is: [], why: 'OSS: S3 API on OSS names none; Content-MD5 is verified (MD5 verification)' },
    copies: {
      is: 'unknown',
      why: "OSS: CopyObject compares x-oss-copy-source-if-match; S3's header is not documented; asked once",
    },
    partCopies: {
      is: 'unknown',
      why: "OSS: UploadPartCopy compares x-oss-copy-source-if-match; S3's header is not documented; asked once",
    },
    listVersion: { is: 2, why: 'OSS: S3 API on OSS, Compatible operations (ListObjectsV2)' },
    conditionalWrites: {
      is: {},
      why: "OSS: PutObject has x-oss-forbid-overwrite; S3's headers are not documented, and not relied on",
    },
    awsChunked: { is: 'no', why: 'OSS: Accessing OSS with the AWS SDK (chunked encoding has to be off)' },
  },
};
