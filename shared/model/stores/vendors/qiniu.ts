import { unknownTraits, type Store } from '../store.ts';

export const qiniu: Store = {
  title: 'Qiniu Kodo',
  address: {
    endpoint: { is: 'https://s3.{region}.qiniucs.com', why: 'Kodo: AWS S3 compatibility, service domains' },
    // The form with "s3-" is older (rclone, Qiniu: endpoint).
    hosts: [/^s3[.-](?<region>[a-z0-9-]+)\.qiniucs\.com$/],
    regions: { is: /^[a-z]{2}-[a-z]+-[0-9]+$/, why: 'Kodo: AWS S3 compatibility, service domains, Region ID' },
    exampleRegion: 'cn-east-1',
    bucketNames: { is: 'store', why: 'Kodo: AWS S3 compatibility, S3 bucket names' },
    style: { is: 'either', why: 'Kodo: AWS S3 compatibility, access styles' },
  },
  traits: {
    ...unknownTraits,
    multipartEtag: { is: 'other', why: 'rclone, Qiniu: use_multipart_etag is false' },
    tagCount: { is: 'no', why: 'Kodo: compatible S3 API, GET Object (x-amz-tagging-count is not supported)' },
    listVersion: { is: 2, why: 'Kodo: compatible S3 API, GET Bucket Version 2 (without encoding-type)' },
  },
};
