import { describe, expect, it } from '@jest/globals';
import { listingXml } from '../../../support/hostile-store.ts';
import { hostsOfEachTest } from '../../../support/store-calls.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { ListedObject } from '../../../../shared/model/object.ts';

const hosts = hostsOfEachTest();
const object = { etag: '"e"', 'content-length': '3' };

async function listed(modified: string): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  const store = hosts.answerWith({ body: listingXml([{ key: 'k', modified }]) });
  for await (const page of store.list({ prefix: '' })) objects.push(...page);
  return objects;
}

describe('a field that a copy does not need', () => {
  it.each(['0', '-1', 'never', '2026-01-01', 'Thu, 01 Jan 1970 00:00:00 GMT'])(
    'does not fail it: Expires %j is copied as text',
    async (expires) => {
      const store = hosts.answerWith({ headers: { ...object, expires }, body: 'abc' });
      expect((await store.head(objectKey('k')))?.headers).toEqual({ expires });
      const open = await store.get(objectKey('k'));
      expect(open?.info.headers).toEqual({ expires });
      open?.body.destroy();
    },
  );

  it.each(['', '  '])('does not fail it: an empty Expires (%j) is none', async (expires) => {
    const store = hosts.answerWith({ headers: { ...object, expires } });
    expect((await store.head(objectKey('k')))?.headers).toEqual({});
  });

  it('is left out where it is empty', async () => {
    const empty = { 'content-type': '', 'cache-control': '', 'content-language': '', 'content-disposition': '' };
    const store = hosts.answerWith({ headers: { ...object, ...empty } });
    expect((await store.head(objectKey('k')))?.headers).toEqual({});
  });

  it.each([
    ['last-modified', 'yesterday'],
    ['last-modified', ''],
    ['x-amz-object-lock-retain-until-date', 'for ever'],
    ['x-amz-object-lock-mode', 'NEW'],
    ['x-amz-storage-class', 'COLDER_THAN_ICE'],
    ['x-amz-server-side-encryption', 'quantum'],
    ['x-amz-replication-status', ''],
    ['x-amz-mp-parts-count', 'some'],
    ['x-amz-missing-meta', 'x'],
    ['x-amz-delete-marker', 'perhaps'],
  ])('does not fail it: %s: %j', async (name, value) => {
    const store = hosts.answerWith({ headers: { ...object, [name]: value } });
    expect(await store.head(objectKey('k'))).toMatchObject({ size: 3, etag: 'e' });
  });

  it('does not fail a listing: a time that cannot be read is unknown', async () => {
    for (const modified of ['yesterday', '', '0000-00-00', '+275760-09-13T00:00:00Z'])
      expect(await listed(modified)).toMatchObject([{ modified: 0 }]);
  });

  it.each(['2026-01-02T03:04:05Z', '2026-01-02T04:04:05+01:00', 'Fri, 02 Jan 2026 03:04:05 GMT'])(
    'is read in other forms too: %s',
    async (modified) => {
      expect(await listed(modified)).toMatchObject([{ modified: Date.UTC(2026, 0, 2, 3, 4, 5) }]);
    },
  );

  it('does not fail an upload: an unreadable date when it would be aborted', async () => {
    const body = '<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>';
    const store = hosts.answerWith({ headers: { 'x-amz-abort-date': 'soon' }, body });
    const created = await store.createUpload(objectKey('k'), { headers: {}, metadata: {}, tags: {} });
    expect(created.uploadId).toBe('U');
  });
});

describe('Content-Encoding', () => {
  it.each([
    ['aws-chunked', undefined],
    ['aws-chunked,gzip', 'gzip'],
    ['gzip, aws-chunked', 'gzip'],
    ['AWS-Chunked, ', undefined],
    ['gzip,  br', 'gzip,  br'],
  ])('%j loses the encoding of a transfer, as S3 removes it', async (stated, contentEncoding) => {
    const store = hosts.answerWith({ headers: { ...object, 'content-encoding': stated } });
    expect((await store.head(objectKey('k')))?.headers).toEqual(
      contentEncoding === undefined ? {} : { contentEncoding },
    );
  });
});
