import { createHash } from 'node:crypto';
import type { Part, StoredPart } from '../../shared/model/part-plan.ts';
import type { Landscape } from './landscape.ts';

/** An object as a bucket of the simulation holds it. */
export interface HeldObject {
  readonly size: number;
  readonly etag: string;
  /** false where the ETag is the MD5 of the bytes, which are zeros */
  readonly opaqueEtag: boolean;
  readonly modified: number;
}

/** A multipart upload, with the sizes of its parts by their numbers. */
export interface HeldUpload {
  readonly key: string;
  readonly initiated: number;
  readonly parts: Map<number, StoredPart>;
}

/** The largest body that is really read and hashed; larger objects only move as parts. */
export const maxRealBytes = 64 * 1024;

/** The object that each key of a landscape names. */
export function objectOf(size: number): HeldObject {
  const isReal = size <= maxRealBytes;
  const etag = isReal ? createHash('md5').update(Buffer.alloc(size)).digest('hex') : `opaque-${size}`;
  return { size, etag, opaqueEtag: !isReal, modified: 0 };
}

/** The objects of one bucket. Those of a landscape take a bit each, others (of events) an entry. */
export class Bucket {
  readonly landscape: Landscape;
  readonly uploads = new Map<string, HeldUpload>();
  readonly #object: HeldObject;
  readonly #isThere: Uint8Array;
  readonly #others = new Map<string, HeldObject>();
  #nextUpload = 1;
  /** keys of the landscape that are there */
  #there: number;
  /** objects, as many as the keys stand for, that were written */
  written = 0;
  /** when the last part arrived, and when the last Complete was sent, milliseconds since the epoch */
  lastPartAt = 0;
  completedAt: number | undefined;
  /** bytes of parts that arrived, those that were sent twice counted twice */
  partBytes = 0;

  /** @param isFull does the bucket hold every object of the landscape at the beginning? */
  constructor(landscape: Landscape, isFull: boolean) {
    this.landscape = landscape;
    this.#object = objectOf(landscape.settings.size);
    this.#isThere = new Uint8Array(landscape.length).fill(isFull ? 1 : 0);
    this.#there = isFull ? landscape.length : 0;
  }

  /** How many objects a key stands for. */
  countOf(key: string): number {
    return this.landscape.indexOf(key) >= 0 ? this.landscape.settings.weight : 1;
  }

  get(key: string): HeldObject | undefined {
    const index = this.landscape.indexOf(key);
    if (index < 0) return this.#others.get(key);
    return this.#isThere[index] === 1 ? this.#object : undefined;
  }

  /** Writes an object; one of the landscape is always the landscape's. */
  write(key: string, object: HeldObject): void {
    const index = this.landscape.indexOf(key);
    this.written += this.countOf(key);
    if (index < 0) this.#others.set(key, object);
    else this.#mark(index, 1);
  }

  delete(key: string): void {
    const index = this.landscape.indexOf(key);
    if (index < 0) this.#others.delete(key);
    else this.#mark(index, 0);
  }

  #mark(index: number, isThere: 0 | 1): void {
    this.#there += isThere - (this.#isThere[index] ?? 0);
    this.#isThere[index] = isThere;
  }

  /** Objects of the landscape that are not there. */
  get missing(): number {
    return (this.landscape.length - this.#there) * this.landscape.settings.weight;
  }

  /** Up to `most` keys of the landscape after a key, and whether more follow. */
  keysAfter(prefix: string, after: string | undefined, most: number): { keys: string[]; more: boolean } {
    const keys: string[] = [];
    const start = after === undefined || after < prefix ? prefix : after;
    let index = this.landscape.indexAfter(start);
    for (; index < this.landscape.length && keys.length <= most; index++) {
      if (this.#isThere[index] !== 1) continue;
      const key = this.landscape.keyAt(index);
      if (!key.startsWith(prefix)) break;
      keys.push(key);
    }
    const more = keys.length > most;
    return { keys: keys.slice(0, most), more };
  }

  createUpload(key: string, initiated: number): string {
    const id = `upload-${this.#nextUpload++}`;
    this.uploads.set(id, { key, initiated, parts: new Map() });
    return id;
  }

  /** Parts arrive. Those of an upload that is gone arrive for nothing. */
  storeParts(uploadId: string, parts: readonly Part[], at: number): void {
    this.lastPartAt = at;
    const upload = this.uploads.get(uploadId);
    for (const { number, start, end } of parts) {
      const size = end - start;
      this.partBytes += size * this.countOf(upload?.key ?? '');
      upload?.parts.set(number, { number, size, etag: `part-${number}` });
    }
  }
}
