import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { createS3Client, type SideKeys } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import type { DestinationSide } from '../../shared/model/config/task.ts';
import { MemoryObjectStore } from '../../shared/ports/memory/object-store.ts';
import { MemoryStorage, type Features } from '../../shared/ports/memory/storage.ts';
import type { Capabilities, Subject } from './object-store/kit.ts';
import { describeObjectStore } from './object-store/suite.ts';
import { localKeys, startLocalS3 } from '../support/local-s3.ts';

/** The suite over every store there is: the twin in its kinds, the local endpoint, and a real server if one is named. */

const s3: Capabilities = {
  copies: true,
  partCopies: true,
  pinnedCopies: true,
  partNumbers: true,
  checksums: true,
  completeEtag: true,
  md5Etags: true,
  tagsOfCopiesAndUploads: true,
  partSubsets: true,
  goneAtComplete: true,
  manyParts: 1001,
};

function memory(features: Partial<Features> = {}, opaque = false): () => Promise<Subject> {
  return async () => {
    const storage = new MemoryStorage({ features, clock: { now: () => Date.now(), sleep: async () => undefined } });
    storage.createBucket('one', { opaque });
    storage.createBucket('two', { opaque });
    return { bucket: (which) => new MemoryObjectStore(storage, which), close: async () => undefined };
  };
}

/** Two new buckets of a server. */
async function overHttp(endpoint: string, keys: SideKeys, close: () => Promise<void>): Promise<Subject> {
  const name = `s3-ferry-contract-${Date.now().toString(36)}`;
  const side = { prefix: '', requestPayer: false, endpoint, forcePathStyle: true, region: keys.region ?? 'us-east-1' };
  const client = createS3Client({ ...side, bucket: name }, keys);
  for (const which of ['one', 'two']) await client.send(new CreateBucketCommand({ Bucket: `${name}-${which}` }));
  return {
    bucket: (which) => new S3ObjectStore(client, { ...side, bucket: `${name}-${which}` } satisfies DestinationSide),
    close: async () => {
      client.destroy();
      await close();
    },
  };
}

describeObjectStore('in memory', memory(), s3);
describeObjectStore('in memory, with versions', memory({ versions: true }), s3);
describeObjectStore('in memory, with opaque ETags', memory({}, true), { ...s3, md5Etags: false });
describeObjectStore(
  'in memory, with as little as some stores have',
  memory({ copies: false, checksums: 'ignored', completeEtag: false, tagCounts: true, pageSize: 3 }),
  { ...s3, copies: false, partCopies: false, checksums: false, completeEtag: false },
);
describeObjectStore(
  'the local endpoint',
  async () => {
    const server = await startLocalS3();
    return overHttp(server.endpoint, localKeys, () => server.close());
  },
  s3,
);

// A real server, such as Ceph's gateway; what it cannot do is named in S3_LACKS: "copies partCopies checksums ...".
const { S3_ENDPOINT: endpoint, S3_LACKS: lacks = '', AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
if (endpoint !== undefined && endpoint !== '') {
  const keys = { accessKeyId: AWS_ACCESS_KEY_ID ?? '', secretAccessKey: AWS_SECRET_ACCESS_KEY ?? '' };
  const missing = Object.fromEntries(lacks.split(/[\s,]+/).map((name) => [name, false]));
  describeObjectStore(endpoint, () => overHttp(endpoint, keys, async () => undefined), { ...s3, ...missing });
}
