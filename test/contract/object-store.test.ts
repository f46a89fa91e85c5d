import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { personalities, type Personality, type PersonalityName } from '../../emulator/s3/index.ts';
import { createS3Client, type SideKeys } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import type { DestinationSide } from '../../shared/model/config/task.ts';
import { s3Features, type StoreFeatures } from '../../shared/ports/memory/features.ts';
import { MemoryObjectStore } from '../../shared/ports/memory/object-store.ts';
import { MemoryStorage } from '../../shared/ports/memory/storage.ts';
import { featuresOf } from '../support/features-of.ts';
import type { Subject } from './object-store/kit.ts';
import { describeObjectStore } from './object-store/suite.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../support/local-s3.ts';

/**
 * The contract of a port is one suite of tests that every implementation passes: `object-store/`, `job-queue.ts` and
 * `ledger.ts` hold the obligations, and the test file beside each names the implementations. The ports in memory are
 * held to the same obligations as the real adapters, so that tests may rely on them. A store that lacks a feature of S3
 * is held to what it does instead.
 *
 * This file runs the object store's suite: in memory with several sets of features, at the local endpoint, and at a
 * real server if one is named.
 */

function describeMemory(name: string, lacking: Partial<StoreFeatures> = {}): void {
  const features = { ...s3Features, ...lacking };
  const open = async (): Promise<Subject> => {
    const storage = new MemoryStorage({ features, clock: { now: () => Date.now(), sleep: async () => undefined } });
    for (const bucket of ['one', 'two']) storage.createBucket(bucket);
    return { bucket: (which) => new MemoryObjectStore(storage, which), close: async () => undefined };
  };
  describeObjectStore(name, open, features);
}

/** A server, and what it can do. */
interface Host {
  readonly endpoint: string;
  readonly keys: SideKeys;
  readonly features: StoreFeatures;
}

/** Two new buckets of a server. @param name of the buckets, before `-one` and `-two` */
async function overHttp({ endpoint, keys, features }: Host, name: string): Promise<Subject> {
  const side = { prefix: '', requestPayer: false, endpoint, forcePathStyle: true, region: keys.region ?? 'us-east-1' };
  const client = createS3Client({ ...side, bucket: name }, keys);
  for (const which of ['one', 'two']) await client.send(new CreateBucketCommand({ Bucket: `${name}-${which}` }));
  return {
    bucket: (which) => {
      const one: DestinationSide = { ...side, bucket: `${name}-${which}` };
      return new S3ObjectStore(client, one, () => features.conditionalWrites);
    },
    close: async () => client.destroy(),
  };
}

describeMemory('in memory');
describeMemory('in memory, with versions', { versions: true });
describeMemory('in memory, with opaque ETags', { md5Etags: false });
describeMemory('in memory, with ETags as Aliyun OSS has them', { upperCaseEtags: true, multipartMd5s: false });
describeMemory('in memory, with as little as some stores have', {
  tags: 'refused',
  uploadListing: 'none',
  copies: false,
  partCopies: false,
  checksums: 'ignored',
  completeEtag: false,
  conditionalWrites: false,
  pageSize: 3,
});
describeMemory('in memory, with what other stores lack', {
  partCopies: false,
  tagsOfCopiesAndUploads: false,
  goneAtComplete: false,
  partSubsets: false,
});
describeMemory('in memory, with what tags, keys and parts are elsewhere', {
  tags: 'ignored',
  uploadListing: 'by-key',
  tagReads: 'refused',
  multipartMd5s: false,
  countedEtags: false,
  listedEtags: false,
  partOrder: false,
  unequalParts: false,
  uploadChecksums: ['CRC64NVME'],
  refusedKeys: /\/\//,
  order: 'utf16',
});

describe('the local endpoint, with the personality of each store', () => {
  // One server is all stores: a bucket's name begins with that of its store.
  const storeOf = (bucket: string): Personality | undefined =>
    names.map((name) => (bucket.startsWith(`${name}-contract-`) ? personalities[name] : undefined)).find(Boolean);
  const names = Object.keys(personalities) as PersonalityName[];
  let server: LocalS3;
  beforeAll(async () => {
    server = await startLocalS3({ personality: (bucket) => storeOf(bucket) ?? personalities.aws });
  });
  afterAll(() => server.close());

  for (const name of names) {
    const features = featuresOf(personalities[name]);
    const open = (): Promise<Subject> =>
      overHttp({ endpoint: server.endpoint, keys: localKeys, features }, `${name}-contract`);
    describeObjectStore(name, open, features, name === 'aws');
  }
});

// A real server: `npm run test:s3`. S3_PERSONALITY names its kind, and S3_LACKS what it lacks in addition.
const { S3_ENDPOINT: endpoint, S3_PERSONALITY = 'ceph', S3_LACKS = '', ...environment } = process.env;
if (endpoint !== undefined && endpoint !== '') {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = environment;
  const lacking = S3_LACKS.split(/[\s,]+/).filter((name) => name in s3Features);
  const missing = Object.fromEntries(lacking.map((name) => [name, name === 'checksums' ? 'ignored' : false]));
  const features: StoreFeatures = { ...featuresOf(personalities[S3_PERSONALITY as PersonalityName]), ...missing };
  const host = { endpoint, keys: { accessKeyId, secretAccessKey }, features };
  const open = (): Promise<Subject> => overHttp(host, `s3-ferry-contract-${Date.now().toString(36)}`);
  describeObjectStore(`the real server at ${endpoint}`, open, features);
}
