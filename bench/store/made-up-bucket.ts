import { createHash } from 'node:crypto';

/** Objects that are not stored but made up: as many as wanted, all of one size and content. */
export interface MadeUp {
  readonly objects: number;
  /** of each object */
  readonly bytes: number;
  /** of each n-th object, the destination has another version; 0 for an empty destination */
  readonly changedEach: number;
}

const modified = '2026-01-01T00:00:00.000Z';

/** The source and the destination of one workload. */
export class MadeUpBuckets {
  readonly body: Buffer;
  readonly etag: string;
  readonly #what: MadeUp;
  /** keys that were written to the destination */
  readonly written = new Map<string, { readonly size: number; readonly etag: string }>();

  constructor(what: MadeUp) {
    this.#what = what;
    this.body = Buffer.alloc(what.bytes, 'S3 Ferry moves objects. ');
    this.etag = createHash('md5').update(this.body).digest('hex');
  }

  has(bucket: string, key: string): boolean {
    const index = indexOf(key);
    const exists = Number.isInteger(index) && index >= 0 && index < this.#what.objects && keyOf(index) === key;
    return exists && (bucket === 'source' || this.#what.changedEach > 0);
  }

  /** A page of ListObjectsV2. */
  page(bucket: string, { prefix, after, most }: { prefix: string; after: string; most: number }): string {
    const { objects, changedEach, bytes } = this.#what;
    const isEmpty = !'data/'.startsWith(prefix.slice(0, 5)) || (bucket !== 'source' && changedEach === 0);
    const first = isEmpty ? objects : after === '' ? 0 : indexOf(after) + 1;
    const last = Math.min(objects, first + most);
    const contents: string[] = [];
    for (let index = first; index < last; index++) {
      const isOther = bucket !== 'source' && changedEach > 0 && index % changedEach === 0;
      const etag = isOther ? '00000000000000000000000000000000' : this.etag;
      // An older copy, of another size: what changed since it was made.
      contents.push(
        `<Contents><Key>${keyOf(index)}</Key><LastModified>${modified}</LastModified><ETag>&quot;${etag}&quot;</ETag>` +
          `<Size>${isOther ? bytes + 1 : bytes}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
      );
    }
    const isCut = last < objects;
    const token = isCut ? `<NextContinuationToken>${keyOf(last - 1)}</NextContinuationToken>` : '';
    return (
      `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
      `<Name>${bucket}</Name><Prefix>${prefix}</Prefix><MaxKeys>${most}</MaxKeys><KeyCount>${contents.length}</KeyCount>` +
      `<IsTruncated>${isCut}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`
    );
  }
}

function keyOf(index: number): string {
  const digits = String(index).padStart(9, '0');
  return `data/${digits.slice(0, 6)}/object-${digits}.bin`;
}

function indexOf(key: string): number {
  const digits = /^data\/\d{6}\/object-(\d{9})\.bin$/.exec(key)?.[1];
  return digits === undefined ? NaN : Number(digits);
}
