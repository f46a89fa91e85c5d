import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pages } from '../../../shared/aws/pages.ts';
import { createS3Client } from '../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../shared/aws/s3/object-store.ts';
import { objectKey } from '../../../shared/model/object-key.ts';

async function all<Item>(listing: AsyncIterable<readonly Item[]>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of listing) items.push(...page);
  return items;
}

describe('pages', () => {
  it('follows a listing to its end, across empty pages', async () => {
    const steps = 2_500;
    const listing = pages('List', (from: number | undefined = 0) =>
      Promise.resolve({ items: from % 900 === 0 ? [from] : [], truncated: from < steps, next: from + 1 }),
    );
    expect(await all(listing)).toEqual([0, 900, 1800]);
  });

  it('fails for a listing whose tokens form a cycle of any length, starting anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.integer({ min: 1, max: 60 }), async (tail, circle) => {
        let asked = 0;
        const listing = pages('List', (from: number | undefined = 0) => {
          if (++asked > 1000) throw new Error('endless');
          const next = from + 1 < tail + circle ? from + 1 : tail;
          return Promise.resolve({ items: [from], truncated: true, next });
        });
        await expect(all(listing)).rejects.toMatchObject({ name: 'Unavailable' });
        expect(asked).toBeLessThanOrEqual(3 * (tail + circle) + 3);
      }),
    );
  });

  it('fails for a listing that is truncated without a token', async () => {
    const listing = pages('List', () => Promise.resolve({ items: [1], truncated: true, next: undefined }));
    await expect(all(listing)).rejects.toThrow('List: the listing does not go on');
  });
});

describe('S3ObjectStore with a store whose listings never end', () => {
  let server: Server | undefined;

  /** A store that answers each listing with what `answer` makes of the number of the request. */
  async function storeOf(answer: (request: number) => string): Promise<S3ObjectStore> {
    let requests = 0;
    const open = createServer((_request, response) => {
      response.setHeader('content-type', 'application/xml');
      response.end(`<?xml version="1.0"?>${answer(requests++)}`);
    });
    server = open;
    await new Promise<void>((resolve) => open.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(open.address() as AddressInfo).port}`;
    const side = { bucket: 'b', prefix: '', region: 'us-east-1', endpoint, forcePathStyle: true, requestPayer: false };
    const client = createS3Client(side, { accessKeyId: 'a', secretAccessKey: 's' });
    return new S3ObjectStore(client, side);
  }

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  });

  it('fails if tokens of ListObjectsV2 repeat', async () => {
    const store = await storeOf(
      (request) =>
        `<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>k${request}</Key><Size>1</Size></Contents>` +
        `<NextContinuationToken>t${request % 3}</NextContinuationToken></ListBucketResult>`,
    );
    await expect(all(store.list({ prefix: '' }))).rejects.toThrow('ListObjectsV2 b: the listing does not go on');
  });

  it('fails after 1,000 empty pages of ListMultipartUploads', async () => {
    const store = await storeOf(
      (request) =>
        `<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k${request}</NextKeyMarker>` +
        `<NextUploadIdMarker>u</NextUploadIdMarker></ListMultipartUploadsResult>`,
    );
    const what = 'ListMultipartUploads b: the listing does not go on, 1000 pages in a row were empty';
    await expect(all(store.listUploads(''))).rejects.toThrow(what);
  }, 60_000);

  it('fails if ListParts returns more than 10,000 parts', async () => {
    const parts = Array.from({ length: 1000 }, (_, index) => `<Part><PartNumber>${index + 1}</PartNumber></Part>`);
    const store = await storeOf(
      (request) =>
        `<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>${request}</NextPartNumberMarker>` +
        `${parts.join('')}</ListPartsResult>`,
    );
    await expect(store.listParts(objectKey('k'), 'u')).rejects.toThrow('more than 10000 parts are listed');
  }, 60_000);
});
