import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { MiB } from '../../../shared/model/limits.ts';
import type { ChecksumAlgorithm } from '../../../shared/model/object.ts';
import type { StoredPart } from '../../../shared/model/part-plan.ts';
import type { Body, GetOptions, ObjectStore } from '../../../shared/ports/object-store.ts';
import { startChecksum } from '../../../shared/transfer/bytes/digest.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

/** What a store can do. Where it cannot, the suite holds it to what it is said to do instead. */
export interface Capabilities {
  readonly copies: boolean;
  readonly partCopies: boolean;
  /** copies are pinned to the version that is named; false: the answered ETag is that of what was copied */
  readonly pinnedCopies: boolean;
  /** HEAD with a part number tells that part's size; false: the whole object's */
  readonly partNumbers: boolean;
  /** wrong CRCs and sizes are refused; false: they are ignored, and no checksum is stored */
  readonly checksums: boolean;
  /** Complete answers the ETag; false: it is empty */
  readonly completeEtag: boolean;
  /** ETags are MD5s */
  readonly md5Etags: boolean;
  /** tags that are sent with copies and with uploads in parts are kept; false: they are ignored */
  readonly tagsOfCopiesAndUploads: boolean;
  /** Complete tells an upload that is gone from parts that are; false: it says that the parts are not there */
  readonly goneAtComplete: boolean;
  /** Complete may name some of the parts only; false: it has to name all */
  readonly partSubsets: boolean;
  /** the most parts that the test of a long list of parts sends */
  readonly manyParts: number;
}

export interface Subject {
  /** one of two buckets of the same store, or one that does not exist */
  bucket(which: 'one' | 'two' | 'missing'): ObjectStore;
  close(): Promise<void>;
}

export const part = 5 * MiB;
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

/** What the parts of the suite work with; opened before their first test. */
export class Kit {
  readonly can: Capabilities;
  readonly #open: () => Promise<Subject>;
  #subject: Subject | undefined;

  constructor(open: () => Promise<Subject>, can: Capabilities) {
    this.#open = open;
    this.can = can;
  }

  async open(): Promise<void> {
    this.#subject = await this.#open();
  }

  get subject(): Subject {
    if (!this.#subject) throw new Error('not open yet');
    return this.#subject;
  }

  get one(): ObjectStore {
    return this.subject.bucket('one');
  }

  async read(key: string, options: GetOptions = {}): Promise<Buffer | undefined> {
    const opened = await this.one.get(key, options);
    return opened && (await buffer(opened.body));
  }

  /** Uploads parts of these sizes, each with other bytes. @returns the upload's ID and its parts */
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
