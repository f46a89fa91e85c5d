import { createHash } from 'node:crypto';
import type { WireAnswer, WireRequest } from '../../support/signed-request.ts';

/** One request to a store, and what of its answer later ones need. */
export interface Probe {
  readonly title: string;
  readonly request: (state: ReadonlyMap<string, string>) => WireRequest;
  readonly keep?: (answer: WireAnswer) => [name: string, value: string];
}

const md5 = (text: string): Buffer => createHash('md5').update(text).digest();
const wrongMd5 = md5('another body').toString('base64');
const part = 'p'.repeat(5 * 1024 ** 2);

/** All requests, in order, to two empty buckets. UploadPartCopy is not here: it ends the gateway of Ceph 16. */
export function probesOf(bucket: string): readonly Probe[] {
  const at = (key: string): string => `/${bucket}/${key}`;
  const upload = (state: ReadonlyMap<string, string>): { uploadId: string } => ({
    uploadId: state.get('upload') ?? '',
  });
  const complete = (numbers: readonly number[]): string => {
    const etag = (number: number): string => md5(number === 3 ? 'end' : part).toString('hex');
    const parts = numbers.map((one) => `<Part><PartNumber>${one}</PartNumber><ETag>"${etag(one)}"</ETag></Part>`);
    return `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
  };
  const simple = (title: string, method: string, path: string, more: Partial<WireRequest> = {}): Probe => ({
    title,
    request: () => ({ method, path, ...more }),
  });
  const ofUpload = (title: string, method: string, more: Partial<WireRequest> = {}): Probe => ({
    title,
    request: (state) => ({ method, path: at('parts'), ...more, query: { ...upload(state), ...more.query } }),
  });
  const list = (title: string, query: Readonly<Record<string, string>>): Probe =>
    simple(title, 'GET', `/${bucket}`, { query });
  return [
    simple('PUT', 'PUT', at('a'), { body: 'abc', headers: { 'x-amz-meta-m': '1', 'content-type': 'a/b' } }),
    simple('HEAD', 'HEAD', at('a')),
    simple('GET', 'GET', at('a')),
    simple('GET of a range', 'GET', at('a'), { headers: { range: 'bytes=1-1' } }),
    simple('GET beyond the end', 'GET', at('a'), { headers: { range: 'bytes=9-10' } }),
    simple('GET of another version', 'GET', at('a'), { headers: { 'if-match': '"0"' } }),
    simple('GET of a known version', 'GET', at('a'), {
      headers: { 'if-none-match': `"${md5('abc').toString('hex')}"` },
    }),
    simple('GET of nothing', 'GET', at('none')),
    simple('HEAD of nothing', 'HEAD', at('none')),
    simple('HEAD with a part number', 'HEAD', at('a'), { query: { partNumber: '1' } }),
    simple('tags of an object without', 'GET', at('a'), { query: { tagging: '' } }),
    simple('tags of nothing', 'GET', at('none'), { query: { tagging: '' } }),
    simple('PUT with a tag', 'PUT', at('tagged'), { body: 'abc', headers: { 'x-amz-tagging': 't=1' } }),
    simple('tags', 'GET', at('tagged'), { query: { tagging: '' } }),
    simple('HEAD of an object with a tag', 'HEAD', at('tagged')),
    simple('GET of an object with a tag', 'GET', at('tagged')),
    simple('PUT with a wrong MD5', 'PUT', at('a'), { body: 'abc', headers: { 'content-md5': wrongMd5 } }),
    simple('PUT with an MD5 that is none', 'PUT', at('a'), { body: 'abc', headers: { 'content-md5': 'x' } }),
    simple('PUT with a wrong CRC', 'PUT', at('crc'), { body: 'abc', headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }),
    simple('GET with its CRC', 'GET', at('crc'), { headers: { 'x-amz-checksum-mode': 'ENABLED' } }),
    simple('PUT only if new', 'PUT', at('a'), { body: 'abc', headers: { 'if-none-match': '*' } }),
    simple('PUT only over another', 'PUT', at('a'), { body: 'abc', headers: { 'if-match': '"0"' } }),
    simple('DELETE of nothing', 'DELETE', at('none')),
    simple('PUT of an odd key', 'PUT', at('o%2Bdd%20%25%C3%BC'), { body: 'abc' }),
    list('ListObjectsV2', { 'list-type': '2' }),
    list('ListObjectsV2, a page', { 'list-type': '2', 'max-keys': '1' }),
    list('ListObjectsV2, encoded', { 'list-type': '2', 'encoding-type': 'url' }),
    list('ListObjectsV2 after a key', { 'list-type': '2', 'start-after': 'a' }),
    list('ListObjects', {}),
    list('ListObjects, encoded, after a marker', { 'encoding-type': 'url', marker: 'a' }),
    simple('copy', 'PUT', at('copy'), { headers: { 'x-amz-copy-source': `${bucket}/a` } }),
    simple('copy of another version', 'PUT', at('copy'), {
      headers: { 'x-amz-copy-source': `${bucket}/a`, 'x-amz-copy-source-if-match': '"0"' },
    }),
    simple('copy with new tags', 'PUT', at('copy'), {
      headers: {
        ...{ 'x-amz-copy-source': `${bucket}/tagged`, 'x-amz-tagging': 'u=1', 'x-amz-tagging-directive': 'REPLACE' },
        'x-amz-metadata-directive': 'REPLACE',
      },
    }),
    simple('tags of the copy', 'GET', at('copy'), { query: { tagging: '' } }),
    simple('copy of nothing', 'PUT', at('copy'), { headers: { 'x-amz-copy-source': `${bucket}/none` } }),
    {
      title: 'a new upload with a tag',
      request: () => ({
        method: 'POST',
        path: at('parts'),
        query: { uploads: '' },
        headers: { 'x-amz-tagging': 't=1' },
      }),
      keep: ({ text }) => ['upload', /<UploadId>([^<]*)/.exec(text)?.[1] ?? ''],
    },
    {
      title: 'another upload, of an odd key',
      request: () => ({ method: 'POST', path: at('o%2Bdd'), query: { uploads: '' } }),
      keep: ({ text }) => ['other', /<UploadId>([^<]*)/.exec(text)?.[1] ?? ''],
    },
    ...[1, 2].map((one) => ofUpload(`part ${one}`, 'PUT', { body: part, query: { partNumber: String(one) } })),
    ofUpload('part 3', 'PUT', { body: 'end', query: { partNumber: '3' } }),
    ofUpload('part 4 with a wrong MD5', 'PUT', {
      ...{ body: 'end', query: { partNumber: '4' }, headers: { 'content-md5': wrongMd5 } },
    }),
    ofUpload('ListParts', 'GET'),
    ofUpload('ListParts after one', 'GET', { query: { 'part-number-marker': '1', 'max-parts': '1' } }),
    list('ListMultipartUploads', { uploads: '' }),
    list('ListMultipartUploads, encoded, below a prefix', { uploads: '', 'encoding-type': 'url', prefix: 'o' }),
    list('ListMultipartUploads, a page', { uploads: '', 'max-uploads': '1' }),
    ofUpload('Complete of some parts', 'POST', { body: complete([1, 3]) }),
    simple('PUT of what the upload replaces', 'PUT', at('parts'), { body: 'abc' }),
    ofUpload('Complete in a wrong order, only if new', 'POST', {
      ...{ body: complete([3, 2, 1]), headers: { 'if-none-match': '*' } },
    }),
    ofUpload('Complete', 'POST', { body: complete([1, 2, 3]) }),
    ofUpload('Complete again', 'POST', { body: complete([1, 2, 3]) }),
    ofUpload('ListParts after Complete', 'GET'),
    ...(['DELETE', 'GET', 'POST'] as const).map((method) => ({
      title: `${method} of an upload that was aborted`,
      request: (state: ReadonlyMap<string, string>) => ({
        ...{ method, path: at('o%2Bdd'), query: { uploadId: state.get('other') ?? '' } },
        ...(method === 'POST' && { body: complete([1]) }),
      }),
    })),
    simple('HEAD of the copy with new tags', 'HEAD', at('copy')),
    simple('DELETE of another version', 'DELETE', at('crc'), { headers: { 'if-match': '"0"' } }),
    ofUpload('part after Complete', 'PUT', { body: 'end', query: { partNumber: '1' } }),
    ofUpload('abort after Complete', 'DELETE'),
    simple('HEAD of parts', 'HEAD', at('parts')),
    simple('HEAD of one part', 'HEAD', at('parts'), { query: { partNumber: '1' } }),
    simple('tags of parts', 'GET', at('parts'), { query: { tagging: '' } }),
    simple('PUT with a redirect', 'PUT', at('a'), { headers: { 'x-amz-website-redirect-location': '/b' } }),
    simple('HEAD of a redirect', 'HEAD', at('a')),
    simple('PUT with an encoding', 'PUT', at('a'), { headers: { 'content-encoding': 'gzip', expires: 'never' } }),
    simple('HEAD of an encoding', 'HEAD', at('a')),
    simple('PUT for another owner', 'PUT', at('a'), { headers: { 'x-amz-expected-bucket-owner': '000000000001' } }),
    simple('HEAD of the bucket', 'HEAD', `/${bucket}`),
    simple('HEAD of no bucket', 'HEAD', `/${bucket}-none`),
    simple('list of no bucket', 'GET', `/${bucket}-none`, { query: { 'list-type': '2' } }),
    simple('PUT into no bucket', 'PUT', `/${bucket}-none/a`, { body: 'abc' }),
    simple('GET from no bucket', 'GET', `/${bucket}-none/a`),
    simple('uploads of no bucket', 'GET', `/${bucket}-none`, { query: { uploads: '' } }),
    simple('DELETE', 'DELETE', at('a')),
  ];
}
