import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { MiB } from '../../../shared/model/limits.ts';
import type { ChecksumAlgorithm } from '../../../shared/model/object.ts';
import type { StoredPart } from '../../../shared/model/part-plan.ts';
import type { StoreFeatures } from '../../../shared/ports/memory/features.ts';
import type { Body, GetOptions, ObjectStore } from '../../../shared/ports/object-store.ts';
import { startChecksum } from '../../../shared/transfer/bytes/digest.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

export interface Subject {
  /** one of two buckets of the same store, or one that does not exist */
  bucket(which: 'one' | 'two' | 'missing'): ObjectStore;
  close(): Promise<void>;
}

/** The smallest part that may be followed by another. */
export const part = 5 * MiB;
/** Parts, or uploads, of a long list: more than the 1,000 that S3 lists in one answer. */
export const many = 1001;
export const md5 = (bytes: Uint8Array, form: 'hex' | 'base64' = 'hex'): string =>
  createHash('md5').update(bytes).digest(form);
export const text = (value: string): Body => ({ data: Buffer.from(value), size: Buffer.byteLength(value) });

/** All pages of a listing. */
export async function pagesOf<Page>(listing: AsyncIterable<Page>): Promise<Page[]> {
  const pages: Page[] = [];
  for await (const page of listing) pages.push(page);
  return pages;
}

export async function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<string> {
  const running = await startChecksum(algorithm);
  running.update(bytes);
  return running.base64();
}

/** What the parts of the suite share. It is opened before their first test. */
export class Kit {
  /** the features that the store is said to have */
  readonly can: StoreFeatures;
  readonly #open: () => Promise<Subject>;
  #subject: Subject | undefined;

  constructor(open: () => Promise<Subject>, can: StoreFeatures) {
    this.#open = open;
    this.can = can;
  }

  async open(): Promise<void> {
    this.#subject = await this.#open();
  }

  get subject(): Subject {
    if (!this.#subject) throw new Error('the kit is not open yet');
    return this.#subject;
  }

  get one(): ObjectStore {
    return this.subject.bucket('one');
  }

  get hasChecksums(): boolean {
    return this.can.checksums === 'checked';
  }

  async read(key: string, options: GetOptions = {}): Promise<Buffer | undefined> {
    const opened = await this.one.get(key, options);
    return opened && (await buffer(opened.body));
  }

  /** Uploads parts of these sizes, each with different bytes. @returns the upload's ID and its parts */
  async upload(key: string, sizes: number[], algorithm?: ChecksumAlgorithm): Promise<[string, StoredPart[]]> {
    const { uploadId } = await this.one.createUpload(key, noAttributes, algorithm);
    const parts: StoredPart[] = [];
    for (const [index, size] of sizes.entries()) {
      const data = bytesOf(size, index + 1);
      const checksum = algorithm && { algorithm, value: await checksumOf(algorithm, data) };
      const address = { key, uploadId, number: index + 1, ...(algorithm && { checksum: algorithm }) };
      const body = { data, size, ...(checksum ? { checksum } : { md5: md5(data, 'base64') }) };
      parts.push(await this.one.uploadPart(address, body));
    }
    return [uploadId, parts];
  }
}
