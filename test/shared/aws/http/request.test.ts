import { describe, expect, it } from '@jest/globals';
import { attemptOf, kindOf, requestKinds, targetOf, type SdkRequest } from '../../../../shared/aws/http/request.ts';
import { overdue, usualTimes, type Phase } from '../../../../shared/aws/http/overdue.ts';

const request = (method: string, some: Partial<SdkRequest> = {}): SdkRequest => ({
  method,
  protocol: 'https:',
  hostname: 'bucket.s3.amazonaws.com',
  path: '/key',
  headers: {},
  ...some,
});
const put = (length: number): SdkRequest => request('PUT', { headers: { 'content-length': String(length) } });

describe('kindOf', () => {
  it.each<[string, SdkRequest]>([
    ['read', request('GET', { query: { 'x-id': 'GetObject' } })],
    ['small', request('HEAD')],
    ['small', request('DELETE', { query: { 'x-id': 'AbortMultipartUpload', uploadId: 'u' } })],
    ['small', request('POST', { query: { uploads: '' } })],
    ['list', request('GET', { query: { 'list-type': '2' } })],
    ['list', request('GET', { query: { 'x-id': 'ListParts', uploadId: 'u' } })],
    ['write to 64 KiB', put(0)],
    ['write to 64 KiB', put(65_536)],
    ['write to 1 MiB', put(65_537)],
    ['write over 1 MiB', put(16 * 1024 * 1024)],
    ['write over 1 MiB', request('PUT')],
    ['write to 64 KiB', request('PUT', { headers: { 'x-amz-decoded-content-length': '5' } })],
    ['copy', request('PUT', { headers: { 'x-amz-copy-source': 'a/b', 'content-length': '0' } })],
    ['complete', request('POST', { query: { uploadId: 'u' } })],
    ['poll', request('POST', { headers: { 'x-amz-target': 'AmazonSQS.ReceiveMessage' } })],
    ['call', request('POST', { headers: { 'x-amz-target': 'DynamoDB_20120810.UpdateItem' } })],
  ])('%s', (kind, sdk) => expect(kindOf(sdk)).toBe(kind));
});

describe('requestKinds', () => {
  it('give a server-side copy and a Complete minutes, whatever was learned', () => {
    for (const kind of ['copy', 'complete'] as const) {
      expect(requestKinds[kind]).toEqual({ min: 600_000, first: 600_000, max: 600_000 });
    }
  });

  it('give a long poll more than its 20 s', () => {
    expect(requestKinds.poll.min).toBeGreaterThan(30_000);
  });
});

describe('attemptOf', () => {
  it.each([
    ['attempt=3; max=5', 3],
    ['attempt=1; max=5', 1],
    ['', 1],
    [undefined, 1],
  ])('of %j', (header, attempt) =>
    expect(attemptOf(request('GET', { headers: header === undefined ? {} : { 'amz-sdk-request': header } }))).toBe(
      attempt,
    ),
  );
});

describe('targetOf', () => {
  it.each([
    [undefined, '/key'],
    [{}, '/key'],
    [{ uploads: '' }, '/key?uploads='],
    [{ b: '2', a: "it's (1)*!" }, '/key?a=it%27s%20%281%29%2A%21&b=2'],
    [{ acl: null }, '/key?acl'],
    [{ t: ['b', 'a'] }, '/key?t=b&t=a'],
    [{ 'ä/ö': '+ %' }, '/key?%C3%A4%2F%C3%B6=%2B%20%25'],
  ])('with query %j', (query, target) => expect(targetOf(request('GET', { ...(query && { query }) }))).toBe(target));
});

describe('overdue', () => {
  const day = 86_400_000;
  it.each<[Phase, { quiet?: number; lasted?: number }, string | undefined]>([
    ['queued', { quiet: day, lasted: day }, undefined],
    ['connecting', { lasted: 10_000 }, undefined],
    ['connecting', { lasted: 10_001 }, 'no connection within 10 s'],
    ['sending', { quiet: 119_000, lasted: day }, undefined],
    ['sending', { quiet: 120_001 }, 'no byte of the request was taken for 120 s'],
    ['producing', { quiet: 75_000, lasted: day }, undefined],
    ['producing', { quiet: 75_001 }, 'no byte came to be sent for 75 s'],
    ['awaiting', { quiet: 3_000, lasted: 3_000 }, undefined],
    ['awaiting', { lasted: 3_001 }, 'no answer within 3.0 s'],
    ['answering', { quiet: 60_000, lasted: 900_000 }, undefined],
    ['answering', { quiet: 60_001, lasted: 60_001 }, 'no byte of the answer came for 60 s'],
    ['answering', { quiet: 0, lasted: 900_001 }, 'the answer did not end within 900 s'],
  ])('%s %j: %s', (phase, { quiet = 0, lasted = 0 }, reason) =>
    expect(overdue({ phase, quiet, lasted, answerLimit: 3_000 }, usualTimes)).toBe(reason),
  );
});
