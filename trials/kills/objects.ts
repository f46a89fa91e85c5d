import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import { localNames } from '../../local/run/settings.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { Side } from '../../shared/model/config/task.ts';
import type { StoredPart } from '../../shared/model/part-plan.ts';
import { project } from '../../test/support/child.ts';
import type { StoreCounts, StoreQuestion } from './store.ts';
import type { PartAddress } from '../../shared/ports/object-store.ts';

/** In bytes. */
export interface ObjectSizes {
  readonly size: number;
  readonly partSize: number;
}

/** The object that is transferred again and again, and both of its sides: a store in a process of its own. */
export class Objects {
  readonly endpoint: string;
  readonly size: number;
  readonly partSize: number;
  readonly source: S3ObjectStore;
  readonly destination: S3ObjectStore;
  readonly #process: ChildProcess;
  readonly #clients: S3Client[] = [];
  #seed = { etag: '', crc: 0 };

  private constructor(child: ChildProcess, endpoint: string, { size, partSize }: ObjectSizes) {
    this.size = size;
    this.partSize = partSize;
    this.#process = child;
    this.endpoint = endpoint;
    this.source = this.#store(localNames.sourceBucket);
    this.destination = this.#store(localNames.destinationBucket);
  }

  /** Starts the store and makes the object: random bytes, uploaded in parts. */
  static async open(directory: string, { size, partSize }: ObjectSizes): Promise<Objects> {
    const script = join(project, 'trials/kills/store.ts');
    const child = fork(script, [directory], { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
    const [{ endpoint }] = (await once(child, 'message')) as [StoreCounts];
    const objects = new Objects(child, endpoint, { size, partSize });
    await objects.#makeSeed();
    return objects;
  }

  #store(bucket: string): S3ObjectStore {
    const side: Side = {
      bucket,
      prefix: '',
      region: localNames.region,
      endpoint: this.endpoint,
      forcePathStyle: true,
      requestPayer: false,
    };
    const client = createS3Client(side, localNames.credentials);
    this.#clients.push(client);
    return new S3ObjectStore(client, side);
  }

  async #makeSeed(): Promise<void> {
    let crc = 0;
    await this.#upload('seed', 1, async (address, start, end) => {
      const data = randomBytes(end - start);
      crc = crc32(data, crc);
      return this.source.uploadPart(address, { data, size: data.length });
    });
    const { etag } = await this.#head('seed');
    this.#seed = { etag, crc };
  }

  async #head(key: string): Promise<{ etag: string }> {
    const info = await this.source.head(objectKey(key));
    if (!info) throw new Error(`the source has no ${key}`);
    return info;
  }

  async #upload(
    key: string,
    atOnce: number,
    send: (address: PartAddress, start: number, end: number) => Promise<StoredPart>,
  ): Promise<void> {
    const { size, partSize } = this;
    const { uploadId } = await this.source.createUpload(objectKey(key), {
      headers: {},
      metadata: { kind: 'test' },
      tags: {},
    });
    const parts: StoredPart[] = [];
    const numbers = Array.from({ length: Math.ceil(size / partSize) }, (_, index) => index + 1);
    await forEachConcurrently(numbers, atOnce, async (number) => {
      const start = (number - 1) * partSize;
      parts[number - 1] = await send(
        { key: objectKey(key), uploadId, number },
        start,
        Math.min(size, start + partSize),
      );
    });
    await this.source.completeUpload(objectKey(key), uploadId, parts, { size });
  }

  /** Makes the object under a new key, by copies inside the store. */
  async make(key: string): Promise<void> {
    const { etag } = this.#seed;
    const seed = { bucket: localNames.sourceBucket, key: objectKey('seed'), etag };
    await this.#upload(key, 4, (address, start, end) => this.source.copyPart(address, seed, start, end));
    await this.#ask('reset');
  }

  async remove(key: string): Promise<void> {
    await this.source.delete(objectKey(key));
    await this.destination.delete(objectKey(key));
  }

  /** What is wrong with the copy; nothing if it is the whole object. */
  async faultsOf(key: string): Promise<string[]> {
    const opened = await this.destination.get(objectKey(key));
    if (!opened) return ['the destination has no object'];
    let crc = 0;
    let length = 0;
    for await (const chunk of opened.body as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc);
      length += chunk.length;
    }
    const { size } = this;
    const { etag, crc: expected } = this.#seed;
    const faults: string[] = [];
    if (length !== size) faults.push(`the copy has ${length} bytes instead of ${size}`);
    if (crc !== expected) faults.push(`the copy's CRC-32 is ${crc} instead of ${expected}`);
    if (opened.info.etag !== etag) faults.push(`the copy's ETag is ${opened.info.etag} instead of ${etag}`);
    if (opened.info.metadata['kind'] !== 'test') faults.push('the copy has lost its metadata');
    return faults;
  }

  async counts(): Promise<StoreCounts> {
    return this.#ask('counts');
  }

  async #ask(question: StoreQuestion): Promise<StoreCounts> {
    const answer = once(this.#process, 'message') as Promise<[StoreCounts]>;
    this.#process.send(question);
    return (await answer)[0];
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }
}
