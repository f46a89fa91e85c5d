import { describe, expect, it } from '@jest/globals';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { ObjectStore } from '../../../../shared/ports/object-store.ts';
import { failureOf } from '../../../support/failure.ts';
import { errorXml, listingXml, type Asked, type Reply } from '../../../support/hostile-store.ts';
import { hostsOfEachTest } from '../../../support/store-calls.ts';

const hosts = hostsOfEachTest();
const keys = Array.from({ length: 25 }, (_, index) => `k ${String(index).padStart(2, '0')} ü`);
const pageSize = 10;

/** A page of these keys after a key. @param more the elements that tell how to go on */
function page(
  after: string,
  more: (last: string) => string,
  { truncated = '<IsTruncated>true</IsTruncated>', repeats = false } = {},
): Reply {
  const rest = keys.filter((key) => key > after || (repeats && key === after));
  const shown = rest.slice(0, pageSize);
  const end = rest.length > pageSize ? truncated + more(shown.at(-1) ?? '') : '<IsTruncated>false</IsTruncated>';
  return {
    body: listingXml(
      shown.map((key) => ({ key: encodeURIComponent(key) })),
      end,
    ),
  };
}

async function all(store: ObjectStore, after?: string): Promise<string[]> {
  const listed: string[] = [];
  for await (const objects of store.list({ prefix: '', ...(after !== undefined && { after }) })) {
    listed.push(...objects.map(({ key }) => key));
  }
  return listed;
}

const stores: readonly (readonly [string, (asked: Asked) => Reply])[] = [
  ['has the first version alone', ({ query }) => page(query.get('marker') ?? '', () => '')],
  [
    'has the first version alone and names a marker',
    ({ query }) => page(query.get('marker') ?? '', (last) => `<NextMarker>${encodeURIComponent(last)}</NextMarker>`),
  ],
  [
    'refuses the second version',
    ({ query }) =>
      query.has('list-type')
        ? { status: 501, body: errorXml('NotImplemented', 'x') }
        : page(query.get('marker') ?? '', () => ''),
  ],
  [
    'has the second version without tokens',
    ({ query }) => page(query.get('start-after') ?? '', () => '<KeyCount>10</KeyCount>'),
  ],
  [
    'has the second version without tokens and without a count',
    ({ query }) => page(query.get('start-after') ?? query.get('marker') ?? '', () => ''),
  ],
  [
    'has the second version',
    ({ query }) =>
      page(
        query.get('continuation-token') ?? query.get('start-after') ?? '',
        (last) => `<KeyCount>10</KeyCount><NextContinuationToken>${last}</NextContinuationToken>`,
      ),
  ],
  [
    'has the second version without tokens, and lists the key to start after again',
    ({ query }) => page(query.get('start-after') ?? '', () => '<KeyCount>10</KeyCount>', { repeats: true }),
  ],
  [
    'has the first version alone, and lists the marker again',
    ({ query }) => page(query.get('marker') ?? '', () => '', { repeats: true }),
  ],
  [
    'names the next page and does not say that the page is cut',
    ({ query }) =>
      page(
        query.get('continuation-token') ?? query.get('start-after') ?? '',
        (last) => `<KeyCount>10</KeyCount><NextContinuationToken>${last}</NextContinuationToken>`,
        { truncated: '' },
      ),
  ],
];

describe('a listing of a store that', () => {
  it.each(stores)('%s has every key once', async (_name, answer) => {
    expect(await all(hosts.answerWith(answer))).toEqual(keys);
  });

  it.each(stores)('%s goes on after a key', async (_name, answer) => {
    const store = hosts.answerWith(answer);
    expect(await all(store, keys[12])).toEqual(keys.slice(13));
    expect(await all(store, keys[24])).toEqual([]);
    expect(await all(store, keys[2])).toEqual(keys.slice(3));
  });

  it.each(stores)('%s shows its first page, and that more follow', async (_name, answer) => {
    const store = hosts.answerWith(answer);
    expect(await store.firstPage({ prefix: '' })).toMatchObject({ more: true, objects: { length: pageSize } });
    expect(await store.firstPage({ prefix: '', after: keys[20] ?? '' })).toMatchObject({ more: false });
  });

  it('has the first version alone is asked in it from then on', async () => {
    const store = hosts.answerWith(({ query }) => page(query.get('marker') ?? '', () => ''));
    await all(store, keys[0]);
    hosts.hostile.asked.length = 0;
    await all(store, keys[0]);
    expect(hosts.hostile.asked.map(({ query }) => query.get('list-type'))).toEqual([null, null, null]);
  });

  it('goes on nowhere ends in a fault', async () => {
    const store = hosts.answerWith(() => page('', () => ''));
    expect((await failureOf(all(store))).message).toContain('the listing does not go on');
  });

  it('lists few entries unless asked is asked for 1,000 (Aliyun OSS: 100)', async () => {
    const store = hosts.answerWith(({ query }) => {
      if (query.has('uploads')) return { body: '<ListMultipartUploadsResult/>' };
      return query.has('uploadId') ? { body: '<ListPartsResult/>' } : { body: listingXml([]) };
    });
    await all(store);
    await store.listParts(objectKey('k'), 'U');
    for await (const uploads of store.listUploads('')) expect(uploads).toEqual([]);
    const asked = hosts.hostile.asked.map(({ query }) =>
      ['max-keys', 'max-parts', 'max-uploads'].map((name) => query.get(name)),
    );
    expect(asked).toEqual([
      ['1000', null, null],
      [null, '1000', null],
      [null, null, '1000'],
    ]);
  });
});

describe('a list of parts or uploads without a marker', () => {
  const cut = '<IsTruncated>true</IsTruncated>';

  it('goes on after its last part', async () => {
    const part = (number: number): string =>
      `<Part><PartNumber>${number}</PartNumber><Size>1</Size><ETag>e</ETag></Part>`;
    const store = hosts.answerWith(({ query }) => ({
      body:
        query.get('part-number-marker') === '2'
          ? `<ListPartsResult>${part(3)}</ListPartsResult>`
          : `<ListPartsResult>${cut}${part(1)}${part(2)}</ListPartsResult>`,
    }));
    expect((await store.listParts(objectKey('k'), 'U')).map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  it('goes on after its last upload', async () => {
    const upload = (id: string): string => `<Upload><Key>k</Key><UploadId>${id}</UploadId></Upload>`;
    const store = hosts.answerWith(({ query }) => ({
      body: `<ListMultipartUploadsResult>${query.get('upload-id-marker') === 'A' ? upload('B') : cut + upload('A')}</ListMultipartUploadsResult>`,
    }));
    const ids: string[] = [];
    for await (const uploads of store.listUploads('')) ids.push(...uploads.map(({ uploadId }) => uploadId));
    expect(ids).toEqual(['A', 'B']);
  });
});
