import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketNotificationConfigurationCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Statement } from '../../aws/iam/policy.ts';
import { openAccount, type OpenAccount } from './account.ts';
import { allow, errorOf, refusedWithout, type Row } from './needs.ts';

/** Requests to S3 with exactly the permissions that they need, and without each of them. */

const bucket = 'arn:aws:s3:::bucket';
const object = `${bucket}/in/k`;
const from = 'arn:aws:s3:::other/from';
const Bucket = 'bucket';
const Key = 'in/k';

let account: OpenAccount;
let UploadId = '';

beforeAll(async () => {
  account = await openAccount(['bucket', 'other']);
  const s3 = account.client(S3Client);
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'bytes', Tagging: 'a=1' }));
  await s3.send(new PutObjectCommand({ Bucket: 'other', Key: 'from', Body: 'bytes', Tagging: 'a=1' }));
  ({ UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key })));
});

afterAll(() => account.close());

const under = (StringLike: string): Statement['Condition'] => ({ StringLike: { 's3:prefix': StringLike } });
const copySource = { CopySource: 'other/from' };
const part = () => ({ Bucket, Key, UploadId, PartNumber: 1 });

const rows: Row<S3Client>[] = [
  { name: 'GetObject', run: (s3) => s3.send(new GetObjectCommand({ Bucket, Key })), needs: [['s3:GetObject', object]] },
  {
    name: 'GetObject of a version',
    run: (s3) => s3.send(new GetObjectCommand({ Bucket, Key, VersionId: 'null' })),
    needs: [['s3:GetObjectVersion', object]],
  },
  {
    name: 'GetObjectTagging',
    run: (s3) => s3.send(new GetObjectTaggingCommand({ Bucket, Key })),
    needs: [['s3:GetObjectTagging', object]],
  },
  {
    name: 'PutObject',
    run: (s3) => s3.send(new PutObjectCommand({ Bucket, Key: 'in/new', Body: 'x' })),
    needs: [['s3:PutObject', `${bucket}/in/*`]],
  },
  {
    name: 'PutObject with tags and an ACL',
    run: (s3) =>
      s3.send(
        new PutObjectCommand({ Bucket, Key: 'in/new', Body: 'x', Tagging: 'a=1', ACL: 'bucket-owner-full-control' }),
      ),
    needs: [
      ['s3:PutObject', `${bucket}/in/*`],
      ['s3:PutObjectTagging', `${bucket}/in/*`],
      ['s3:PutObjectAcl', `${bucket}/in/*`],
    ],
  },
  {
    name: 'PutObjectTagging',
    run: (s3) => s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: [{ Key: 'a', Value: '1' }] } })),
    needs: [['s3:PutObjectTagging', object]],
  },
  {
    name: 'CopyObject with new tags',
    run: (s3) =>
      s3.send(
        new CopyObjectCommand({ Bucket, Key: 'in/copy', ...copySource, TaggingDirective: 'REPLACE', Tagging: 'b=2' }),
      ),
    needs: [
      ['s3:GetObject', from],
      ['s3:PutObject', `${bucket}/in/copy`],
      ['s3:PutObjectTagging', `${bucket}/in/copy`],
    ],
  },
  {
    name: "CopyObject with the source's tags",
    run: (s3) => s3.send(new CopyObjectCommand({ Bucket, Key: 'in/copy', ...copySource })),
    needs: [
      ['s3:GetObject', from],
      ['s3:GetObjectTagging', from],
      ['s3:PutObject', `${bucket}/in/copy`],
      ['s3:PutObjectTagging', `${bucket}/in/copy`],
    ],
  },
  {
    name: 'CreateMultipartUpload with tags',
    run: (s3) => s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'in/large', Tagging: 'a=1' })),
    needs: [
      ['s3:PutObject', `${bucket}/in/large`],
      ['s3:PutObjectTagging', `${bucket}/in/large`],
    ],
  },
  {
    name: 'UploadPart',
    run: (s3) => s3.send(new UploadPartCommand({ ...part(), Body: 'x' })),
    needs: [['s3:PutObject', object]],
  },
  {
    name: 'UploadPartCopy',
    run: (s3) => s3.send(new UploadPartCopyCommand({ ...part(), ...copySource })),
    needs: [
      ['s3:GetObject', from],
      ['s3:PutObject', object],
    ],
  },
  {
    name: 'ListParts',
    run: (s3) => s3.send(new ListPartsCommand({ Bucket, Key, UploadId })),
    needs: [['s3:ListMultipartUploadParts', object]],
  },
  {
    name: 'ListMultipartUploads',
    run: (s3) => s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'in/' })),
    needs: [['s3:ListBucketMultipartUploads', bucket]],
  },
  { name: 'HeadBucket', run: (s3) => s3.send(new HeadBucketCommand({ Bucket })), needs: [['s3:ListBucket', bucket]] },
  {
    name: 'ListObjectsV2',
    run: (s3) => s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'in/a' })),
    needs: [['s3:ListBucket', bucket, under('in/*')]],
  },
  {
    name: 'GetBucketNotificationConfiguration',
    run: (s3) => s3.send(new GetBucketNotificationConfigurationCommand({ Bucket })),
    needs: [['s3:GetBucketNotification', bucket]],
  },
  {
    name: 'PutBucketNotificationConfiguration',
    run: (s3) => s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} })),
    needs: [['s3:PutBucketNotification', bucket]],
  },
  {
    name: 'DeleteObject',
    run: (s3) => s3.send(new DeleteObjectCommand({ Bucket, Key: 'in/copy' })),
    needs: [['s3:DeleteObject', `${bucket}/in/copy`]],
  },
  {
    name: 'AbortMultipartUpload',
    run: (s3) => s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })),
    needs: [['s3:AbortMultipartUpload', object]],
  },
];

it.each(rows)('$name', (row) => refusedWithout(account, S3Client, row));

describe('an object that does not exist', () => {
  const head = (statements: Statement[]) =>
    errorOf(() => account.client(S3Client, statements).send(new HeadObjectCommand({ Bucket, Key: 'in/none' })));
  const get = allow(['s3:GetObject', `${bucket}/in/*`]);

  it('is shown as missing only to a caller who may list the bucket', async () => {
    expect((await head([get]))?.name).toBe('Unknown');
    expect((await head([get, allow(['s3:ListBucket', bucket])]))?.name).toBe('NotFound');
    // A HEAD has no prefix that a condition could look at.
    expect((await head([get, allow(['s3:ListBucket', bucket, under('in/*')])]))?.name).toBe('Unknown');
  });
});

it('shows the number of tags only to a caller who may read them', async () => {
  const count = async (...actions: string[]) => {
    const s3 = account.client(S3Client, [{ Effect: 'Allow', Action: actions, Resource: object }]);
    return (await s3.send(new HeadObjectCommand({ Bucket, Key }))).TagCount;
  };
  expect(await count('s3:GetObject')).toBeUndefined();
  expect(await count('s3:GetObject', 's3:GetObjectTagging')).toBe(1);
});

it('lists only below the prefix of the condition', async () => {
  const s3 = account.client(S3Client, [allow(['s3:ListBucket', bucket, under('in/*')])]);
  for (const Prefix of ['out/', '', undefined]) {
    const error = await errorOf(() =>
      s3.send(new ListObjectsV2Command({ Bucket, ...(Prefix !== undefined && { Prefix }) })),
    );
    expect([Prefix, error?.name]).toEqual([Prefix, 'AccessDenied']);
  }
});

it('deletes of several keys those that may be deleted', async () => {
  const s3 = account.client(S3Client, [allow(['s3:DeleteObject', `${bucket}/gone/*`])]);
  const Delete = { Objects: [{ Key: 'gone/a' }, { Key }] };
  const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete }));
  expect(Deleted).toEqual([{ Key: 'gone/a' }]);
  expect(Errors).toMatchObject([{ Key, Code: 'AccessDenied' }]);
});

it('denies what a statement denies', async () => {
  const s3 = account.client(S3Client, [allow(['s3:*', '*']), { ...allow(['s3:GetObject', object]), Effect: 'Deny' }]);
  expect((await errorOf(() => s3.send(new GetObjectCommand({ Bucket, Key }))))?.message).toMatch(
    /with an explicit deny in an identity-based policy$/,
  );
});

it('refuses keys that nobody has, and those of a session without its token', async () => {
  const { access } = account.services;
  const caller = { arn: 'arn', names: {}, policies: 'all' } as const;
  const { accessKeyId, secretAccessKey, sessionToken = '' } = access.credentialsFor(caller);
  const list = (sent: object) => {
    const s3 = new S3Client({
      endpoint: account.services.gateway.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey, ...sent },
    });
    return errorOf(() => s3.send(new ListObjectsV2Command({ Bucket }))).finally(() => s3.destroy());
  };
  expect(await list({ sessionToken })).toBeUndefined();
  expect((await list({}))?.name).toBe('InvalidToken');
  expect((await list({ sessionToken: 'of another session' }))?.name).toBe('InvalidToken');
  expect((await list({ accessKeyId: 'ASIANOBODY' }))?.name).toBe('InvalidAccessKeyId');
});
