import { Readable } from 'node:stream';
import { Fault } from '../../shared/model/faults.ts';
import { GiB, listedPageKeys, minPartBytes } from '../../shared/model/limits.ts';
import { objectKey, type ObjectKey } from '../../shared/model/object-key.ts';
import type { ListedObject, ObjectAttributes, ObjectInfo } from '../../shared/model/object.ts';
import type { ListedPart, PartRange, StoredPart } from '../../shared/model/part-plan.ts';
import type {
  Body,
  CreatedUpload,
  FirstPage,
  GetOptions,
  ListedPage,
  ListedUpload,
  ListOptions,
  ObjectStore,
  OpenObject,
  Replaces,
  Stored,
} from '../../shared/ports/object-store.ts';
import type { StoreCall, StoreSide } from '../aws/s3.ts';
import type { Timeline } from '../engine/timeline.ts';
import { maxRealBytes, type Bucket, type HeldObject, type HeldUpload } from './bucket.ts';

/**
 * A bucket as the code under test sees it: every call is made on the timeline, by the rules of its side, and counts for
 * as many objects as its key stands for. Bodies are zeros; only small ones are there, larger objects go in parts, which
 * are modelled (upload-parts.ts).
 */
export class SimulatedStore implements ObjectStore {
  readonly bucket: string;
  readonly minPartBytes = minPartBytes;
  readonly copySizes = { object: GiB, part: GiB };
  readonly conditionalWrites = true;
  readonly held: Bucket;
  readonly #side: StoreSide;
  readonly #timeline: Timeline;
  readonly #task: string;

  constructor({ held, side, timeline, task }: { held: Bucket; side: StoreSide; timeline: Timeline; task: string }) {
    this.bucket = `${task}-bucket`;
    this.held = held;
    this.#side = side;
    this.#timeline = timeline;
    this.#task = task;
  }

  /** Makes a request for a key, as many times as the key stands for objects. */
  async call(call: StoreCall, key: string, times = 1): Promise<void> {
    await this.#side.request(call, this.held.countOf(key) * times, this.#task);
  }

  async checkBucket(): Promise<void> {
    await this.#side.request('head', 1, this.#task);
  }

  async *list(options: ListOptions): AsyncGenerator<ListedPage> {
    const { prefix } = options;
    let after = options.token ?? options.after;
    const { weight } = this.held.landscape.settings;
    const most = Math.max(1, Math.round(listedPageKeys / weight));
    for (;;) {
      const { keys, more } = this.held.keysAfter(prefix, after, most);
      await this.#side.request('list', Math.max(1, (keys.length * weight) / listedPageKeys), this.#task);
      const page = keys.flatMap((key) => this.#listed(key));
      after = keys.at(-1) ?? after;
      yield more && after !== undefined ? Object.assign(page, { next: after }) : page;
      if (!more) return;
    }
  }

  async firstPage({ prefix, after, token }: ListOptions): Promise<FirstPage> {
    const { weight } = this.held.landscape.settings;
    await this.#side.request('list', 1, this.#task);
    const { keys, more } = this.held.keysAfter(
      prefix,
      token ?? after,
      Math.max(1, Math.round(listedPageKeys / weight)),
    );
    return { objects: keys.flatMap((key) => this.#listed(key)), more };
  }

  async head(key: ObjectKey): Promise<ObjectInfo | undefined> {
    await this.call('head', key);
    const object = this.held.get(key);
    return object && infoOf(key, object);
  }

  async get(key: ObjectKey, { range }: GetOptions = {}): Promise<OpenObject | undefined> {
    await this.call('get', key);
    const object = this.held.get(key);
    if (!object) return undefined;
    const bytes = range ? range.end - range.start : object.size;
    if (bytes > maxRealBytes) throw new Error(`the simulation has no body of ${bytes} bytes`);
    return { info: infoOf(key, object), body: Readable.from([Buffer.alloc(bytes)]) };
  }

  tags(): Promise<Record<string, string>> {
    return Promise.resolve({});
  }

  async put(key: ObjectKey, body: Body, _attributes: ObjectAttributes, replaces?: Replaces): Promise<Stored> {
    await this.call('put', key);
    if (replaces === 'nothing' && this.held.get(key)) throw new Fault('DestinationConflict', `${key} is there`);
    const etag = Buffer.from(body.md5 ?? '', 'base64').toString('hex');
    this.held.write(key, { size: body.size, etag, opaqueEtag: false, modified: this.#timeline.now() });
    return { etag, opaqueEtag: false };
  }

  async delete(key: ObjectKey): Promise<void> {
    await this.call('delete', key);
    this.held.delete(key);
  }

  copy(): Promise<Stored> {
    throw new Error('the simulation has no copies inside a store');
  }

  async createUpload(key: ObjectKey): Promise<CreatedUpload> {
    await this.call('put', key);
    return { uploadId: this.held.createUpload(key, this.#timeline.now()), opaqueEtag: true };
  }

  uploadPart(): Promise<StoredPart> {
    throw new Error('parts are sent by upload-parts.ts');
  }

  copyPart(): Promise<StoredPart> {
    throw new Error('the simulation has no copies inside a store');
  }

  async listParts(key: ObjectKey, uploadId: string, within?: PartRange): Promise<ListedPart[]> {
    const [first, last] = within ?? [1, Infinity];
    const parts = [...this.#upload(uploadId).parts.values()].filter(({ number }) => number >= first && number <= last);
    // One page after another.
    for (let from = 0; from === 0 || from < parts.length; from += listedPageKeys) await this.call('get', key);
    return parts.map((part) => ({ ...part, modified: this.#timeline.now() })).sort((a, b) => a.number - b.number);
  }

  async completeUpload(key: ObjectKey, uploadId: string): Promise<Stored> {
    this.held.completedAt = this.#timeline.now();
    await this.call('complete', key);
    const size = [...this.#upload(uploadId).parts.values()].reduce((sum, part) => sum + part.size, 0);
    this.held.uploads.delete(uploadId);
    const etag = `opaque-${size}`;
    this.held.write(key, { size, etag, opaqueEtag: true, modified: this.#timeline.now() });
    return { etag, opaqueEtag: true };
  }

  async *listUploads(): AsyncGenerator<ListedUpload[]> {
    await Promise.resolve();
    yield [];
  }

  async abortUpload(key: ObjectKey, uploadId: string): Promise<void> {
    await this.call('delete', key);
    this.held.uploads.delete(uploadId);
  }

  #upload(id: string): HeldUpload {
    const upload = this.held.uploads.get(id);
    if (!upload) throw new Fault('UploadGone', `${this.bucket}: no upload ${id}`);
    return upload;
  }

  #listed(key: string): ListedObject[] {
    const object = this.held.get(key);
    if (!object) return [];
    return [{ key: objectKey(key), size: object.size, etag: object.etag, modified: object.modified }];
  }
}

function infoOf(key: ObjectKey, { size, etag, opaqueEtag, modified }: HeldObject): ObjectInfo {
  return { key, size, etag, modified, headers: {}, metadata: {}, tagCount: 0, opaqueEtag, readable: true };
}
