import type { WireAnswer } from '../../support/signed-request.ts';

/** What two stores of one personality have in common: everything but names, times and the weather of a connection. */
export interface Shown {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: readonly string[];
  readonly etag: string | undefined;
  /** the elements that the client reads */
  readonly elements: Readonly<Record<string, readonly string[]>>;
}

/** Headers of the connection, and those that no client reads. */
const unread = new Set([
  ...['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'bucket', 'server', 'location'],
]);

/** Elements of which only the presence counts, for their values are names or times. */
const named = ['UploadId', 'NextContinuationToken', 'NextUploadIdMarker', 'LastModified', 'Initiated', 'Location'];
const read = [
  ...['Key', 'ETag', 'Size', 'Prefix', 'IsTruncated', 'KeyCount', 'EncodingType', 'MaxKeys', 'NextMarker'],
  ...['PartNumber', 'NextPartNumberMarker', 'MaxParts', 'NextKeyMarker', 'StorageClass', 'Value', 'ChecksumCRC32'],
  ...['ChecksumCRC64NVME', 'ChecksumType'],
];

/** The form of an ETag: letters of hex as `h`, and so on. */
function formOf(etag: string): string {
  return etag.replace(/[0-9a-f]{32}/, 'md5').replace(/[0-9A-F]{32}/, 'MD5');
}

export function shown({ status, headers, text }: WireAnswer): Shown {
  const root = /<([A-Za-z]+)[ >]/.exec(text.replace(/^<\?[^]*?\?>/, ''))?.[1];
  const elements: Record<string, string[]> = root === undefined ? {} : { root: [root] };
  const values = (name: string): string[] =>
    [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>|<${name}\\s*/>`, 'g'))].map(([, value = '']) => value);
  if (root !== 'Error') {
    for (const name of read) {
      const found = values(name).map((value) => value.replaceAll('&quot;', '"'));
      if (found.some((value) => value !== '')) elements[name] = found;
    }
    for (const name of named) if (values(name).some((value) => value !== '')) elements[name] = ['present'];
  }
  return {
    status,
    code: root === 'Error' ? values('Code')[0] : undefined,
    headers: Object.keys(headers)
      .filter((name) => !unread.has(name) && !/^x-rgw-(bytes|object-count|quota)/.test(name))
      .sort(),
    etag: headers['etag'] === undefined ? undefined : formOf(headers['etag']),
    elements,
  };
}
