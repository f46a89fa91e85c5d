import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { expect } from '@jest/globals';
import { MiB } from '../../../shared/model/limits.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { ChecksumAlgorithm, ObjectAttributes } from '../../../shared/model/object.ts';
import type { StoredPart } from '../../../shared/model/part-plan.ts';
import type { StoreFeatures } from '../../../shared/ports/memory/features.ts';
import type { Body, GetOptions, ObjectStore } from '../../../shared/ports/object-store.ts';
import { startChecksum } from '../../../shared/transfer/bytes/digest.ts';
import { byBytes } from '../../support/keys.ts';
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
  /** whether lists of more than a page of S3 are tried */
  readonly longLists: boolean;
  readonly #open: () => Promise<Subject>;
  #subject: Subject | undefined;

  constructor(open: () => Promise<Subject>, can: StoreFeatures, longLists: boolean) {
    this.#open = open;
    this.can = can;
    this.longLists = longLists;
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

  /** Attributes that the store takes: without tags if it refuses them. */
  accepted(attributes: ObjectAttributes): ObjectAttributes {
    return this.can.tags === 'refused' ? { ...attributes, tags: {} } : attributes;
  }

  /** The tags that an object has after a write with these. */
  keptTags(tags: ObjectAttributes['tags'], write: 'put' | 'other' = 'put'): ObjectAttributes['tags'] {
    return this.can.tags === 'kept' && (write === 'put' || this.can.tagsOfCopiesAndUploads) ? tags : {};
  }

  /** Checks the tags of an object. A store without tags may refuse to show them. */
  async expectTags(store: ObjectStore, key: string, tags: ObjectAttributes['tags']): Promise<void> {
    const read = store.tags(objectKey(key));
    if (this.can.tagReads === 'answered') expect(await read).toEqual(tags);
    else await expect(read).rejects.toMatchObject({ name: 'Refused' });
  }

  /** Whether a key can be written. */
  takes(key: string): boolean {
    return this.can.refusedKeys?.test(key) !== true;
  }

  /** Sorts keys as the store lists them. */
  sorted(keys: readonly string[]): string[] {
    return this.can.order === 'utf8' ? [...keys].sort(byBytes) : [...keys].sort();
  }

  async read(key: string, options: GetOptions = {}): Promise<Buffer | undefined> {
    const opened = await this.one.get(objectKey(key), options);
    return opened && (await buffer(opened.body));
  }

  /** Uploads parts of these sizes, each with different bytes. @returns the upload's ID and its parts */
  async upload(key: string, sizes: number[], algorithm?: ChecksumAlgorithm): Promise<[string, StoredPart[]]> {
    const { uploadId } = await this.one.createUpload(objectKey(key), noAttributes, algorithm);
    const parts: StoredPart[] = [];
    for (const [index, size] of sizes.entries()) {
      const data = bytesOf(size, index + 1);
      const checksum = algorithm && { algorithm, value: await checksumOf(algorithm, data) };
      const address = { key: objectKey(key), uploadId, number: index + 1, ...(algorithm && { checksum: algorithm }) };
      const body = { data, size, ...(checksum ? { checksum } : { md5: md5(data, 'base64') }) };
      parts.push(await this.one.uploadPart(address, body));
    }
    return [uploadId, parts];
  }
}
