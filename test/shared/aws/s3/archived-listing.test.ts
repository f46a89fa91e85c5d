import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PutObjectCommand, RestoreObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';

describe('a listing with archived objects', () => {
  let s3: LocalS3;
  let client: S3Client;
  const side = { bucket: 'archive', prefix: '', region: 'us-east-1', forcePathStyle: true, requestPayer: false };

  beforeAll(async () => {
    s3 = await startLocalS3();
    s3.createBucket('archive');
    client = createS3Client({ ...side, endpoint: s3.endpoint }, localKeys);
    for (const [Key, StorageClass] of [
      ['deep', 'DEEP_ARCHIVE'],
      ['glacier', 'GLACIER'],
      ['instant', 'GLACIER_IR'],
      ['restored', 'GLACIER'],
      ['standard', 'STANDARD'],
      ['tiering', 'INTELLIGENT_TIERING'],
    ] as const) {
      await client.send(new PutObjectCommand({ Bucket: 'archive', Key, Body: 'x', StorageClass }));
    }
    await client.send(new RestoreObjectCommand({ Bucket: 'archive', Key: 'restored', RestoreRequest: { Days: 1 } }));
  });

  afterAll(async () => {
    client.destroy();
    await s3.close();
  });

  async function archived(store: S3ObjectStore): Promise<Record<string, string | undefined>> {
    const found: Record<string, string | undefined> = {};
    for await (const page of store.list({ prefix: '' })) for (const one of page) found[one.key] = one.archived;
    return found;
  }

  it('of S3 names those that are not restored', async () => {
    // A side without an endpoint is S3 itself; the client leads to the local one.
    expect(await archived(new S3ObjectStore(client, side))).toEqual({ deep: 'yes', glacier: 'yes', tiering: 'unseen' });
  });

  it('of another store, which is not asked for restores, names those that may be archived', async () => {
    const store = new S3ObjectStore(client, { ...side, endpoint: s3.endpoint });
    expect(await archived(store)).toEqual({ deep: 'maybe', glacier: 'maybe', restored: 'maybe', tiering: 'unseen' });
  });

  it('goes on at the token of a page, and says where each page but the last leads', async () => {
    const store = new S3ObjectStore(client, side);
    const pages: { keys: string[]; next: string | undefined }[] = [];
    for await (const page of store.list({ prefix: '', pageSize: 4 })) {
      pages.push({ keys: page.map(({ key }) => key), next: page.next });
    }
    expect(pages.map(({ keys }) => keys.length)).toEqual([4, 2]);
    expect(pages[1]?.next).toBeUndefined();
    const token = pages[0]?.next ?? '';
    expect(token).not.toBe('');
    for await (const page of store.list({ prefix: '', token, after: 'zzz' })) {
      expect(page.map(({ key }) => key)).toEqual(['standard', 'tiering']);
    }
  });
});
