import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ListedUpload } from '../../../../shared/ports/object-store.ts';
import { HostileStore, type Asked } from '../../../support/hostile-store.ts';

const keys = ['a b+c/%41', 'é', 'plain'];

function answer(listed: readonly string[], more = ''): { body: string } {
  const uploads = listed.map((key, index) => `<Upload><Key>${key}</Key><UploadId>${index}</UploadId></Upload>`);
  return { body: `<ListMultipartUploadsResult>${more}${uploads.join('')}</ListMultipartUploadsResult>` };
}

const isAskedToEncode = ({ query }: Asked): boolean => query.get('encoding-type') === 'url';

let hostile: HostileStore;
beforeEach(async () => {
  hostile = await HostileStore.open();
});
afterEach(() => hostile.close());

async function listedKeys(): Promise<string[]> {
  const uploads: ListedUpload[] = [];
  for await (const page of hostile.store().listUploads('')) uploads.push(...page);
  return uploads.map(({ key }) => key);
}

describe('listUploads', () => {
  const encoded = keys.map(encodeURIComponent);

  it.each([
    [
      'encodes keys and says so',
      (asked: Asked) => (isAskedToEncode(asked) ? answer(encoded, '<EncodingType>url</EncodingType>') : answer(keys)),
    ],
    ['encodes keys without saying so', (asked: Asked) => answer(isAskedToEncode(asked) ? encoded : keys)],
    ['never encodes keys', () => answer(keys)],
  ])('reads the keys of a store that %s', async (_, reply) => {
    hostile.answer = reply;
    expect(await listedKeys()).toEqual(keys);
  });

  it('asks once if no key can be read in two ways', async () => {
    hostile.answer = () => answer(['plain', 'photos/1.jpg']);
    expect(await listedKeys()).toEqual(['plain', 'photos/1.jpg']);
    expect(hostile.asked).toHaveLength(1);
  });
});
