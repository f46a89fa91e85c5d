import { S3Error } from '../errors.ts';

/** The bytes from `start` to `start + length - 1`. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Parses a `Range` header.
 * @param size of the object, in bytes
 * @returns undefined if it is not a single byte range; S3 then answers with the whole object
 * @throws S3Error InvalidRange if the range is outside the object
 */
export function parseRange(value: string | undefined, size: number): ByteRange | undefined {
  const fields = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/.exec(value ?? '');
  const [, first = '', last = ''] = fields ?? [];
  if (fields === null || (first === '' && last === '')) return undefined;
  const unsatisfiable = (): S3Error =>
    new S3Error('InvalidRange', undefined, {
      details: { RangeRequested: value ?? '', ActualObjectSize: String(size) },
      headers: { 'content-range': `bytes */${size}` },
    });
  if (first === '') {
    const length = Math.min(Number(last), size);
    if (length === 0) throw unsatisfiable();
    return { start: size - length, length };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) throw unsatisfiable();
  return { start, length: end - start + 1 };
}

/** The value of `Content-Range`. */
export function contentRange({ start, length }: ByteRange, size: number): string {
  return `bytes ${start}-${start + length - 1}/${size}`;
}
