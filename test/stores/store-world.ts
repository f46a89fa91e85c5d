import { CreateBucketCommand, GetObjectTaggingCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { personalities, type Personality, type PersonalityName } from '../../emulator/s3/index.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import type { DestinationSide, Task } from '../../shared/model/config/task.ts';
import { KiB } from '../../shared/model/limits.ts';
import { stores, storeNames, type Store, type StoreName } from '../../shared/model/stores/stores.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../support/local-s3.ts';
import { taskOf, type TaskSettings } from '../support/tasks.ts';

/** Every store that the local S3 server can be, in one server: a bucket's name begins with that of its store. */

export const names = Object.keys(personalities) as PersonalityName[];

/** Bytes of the smallest part here: the stores' own limits would make objects large. */
export const partBytes = 64 * KiB;

export class StoreWorld {
  readonly #server: LocalS3;
  readonly #raw: S3Client;
  #serial = 0;

  private constructor(server: LocalS3) {
    this.#server = server;
    const { endpoint } = server;
    this.#raw = new S3Client({ endpoint, forcePathStyle: true, region: localKeys.region, credentials: localKeys });
  }

  static async open(): Promise<StoreWorld> {
    return new StoreWorld(await startLocalS3({ personality: personalityOf }));
  }

  async close(): Promise<void> {
    this.#raw.destroy();
    await this.#server.close();
  }

  /** A new bucket of a store. @returns its name */
  async bucket(name: PersonalityName): Promise<string> {
    const bucket = `${name}.${++this.#serial}`;
    await this.#raw.send(new CreateBucketCommand({ Bucket: bucket }));
    return bucket;
  }

  /** The bucket of a side, over HTTP. */
  store(side: DestinationSide): ObjectStore {
    const { endpoint } = this.#server;
    const client = createS3Client({ ...side, endpoint, forcePathStyle: true, region: localKeys.region }, localKeys);
    return Object.defineProperty(new S3ObjectStore(client, side), 'minPartBytes', { value: partBytes });
  }

  /** What an object has, by names that people use; read without the product. An empty value means none. */
  async shown(bucket: string, key: string): Promise<Readonly<Record<string, string>>> {
    const head = await this.#raw.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }));
    const metadata = head.Metadata ?? {};
    return {
      'Content-Type': head.ContentType ?? '',
      'Content-Encoding': head.ContentEncoding ?? '',
      'Content-Language': head.ContentLanguage ?? '',
      'Content-Disposition': head.ContentDisposition ?? '',
      'Cache-Control': head.CacheControl ?? '',
      Expires: head.ExpiresString ?? '',
      metadata: metadata['plain'] ?? '',
      'metadata outside ASCII': metadata['other'] ?? '',
      'website redirect': head.WebsiteRedirectLocation ?? '',
      tags: await this.#tags(bucket, key),
      'storage class': head.StorageClass ?? '',
      encryption: head.ServerSideEncryption ?? '',
      checksum: head.ChecksumCRC32C ?? '',
    };
  }

  async #tags(bucket: string, key: string): Promise<string> {
    try {
      const { TagSet = [] } = await this.#raw.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: key }));
      const pairs = TagSet.map(({ Key, Value }) => `${Key}=${Value}`).sort();
      return pairs.join('&');
    } catch (error) {
      // What a store without tags answers.
      if (error instanceof Error && /^(NotImplemented|NoSuchTagSet|InvalidArgument)$/.test(error.name)) return '';
      throw error;
    }
  }
}

function personalityOf(bucket: string): Personality {
  const personality = personalities[bucket.slice(0, bucket.indexOf('.')) as PersonalityName];
  return { ...personality, uploads: { ...personality.uploads, minPartBytes: partBytes } };
}

/** How a task names a store. The places do not exist: its stores come with the test. */
export function sideAt(name: PersonalityName, bucket: string): Readonly<Record<string, unknown>> {
  if (name === 'aws') return { bucket };
  const store: StoreName = isStore(name) ? name : 's3-compatible';
  const { address }: Store = stores[store];
  const form = address.endpoint?.is;
  return {
    ...{ bucket, store },
    ...(form === undefined && { endpoint: 'https://store.invalid' }),
    ...(form?.includes('{region}') && { region: address.exampleRegion }),
    ...(form?.includes('{accountId}') && { accountId: '0'.repeat(32) }),
  };
}

function isStore(name: string): name is StoreName {
  return (storeNames as readonly string[]).includes(name);
}

/** A task whose objects of more than a part take parts. */
export function taskAt(source: object, destination: object, more: TaskSettings = {}): Task {
  return { ...taskOf({ source, destination, ...more }), largeObjectThreshold: 2 * partBytes, partSize: partBytes };
}
