import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { join } from 'node:path';
import type { Emulator, PermissionUse } from '../../emulator/aws/index.ts';
import type { Fault, RequestInfo } from '../../emulator/s3/index.ts';
import { LocalPipeline } from '../../local/run/local-pipeline.ts';
import { Runs } from '../../local/run/runs.ts';
import { localNames } from '../../local/run/settings.ts';
import { synthesize, writeConfiguration } from '../../local/run/synthesize.ts';
import { MiB } from '../../shared/model/limits.ts';
import { temporary } from '../support/child.ts';
import { bytesOf } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { unneeded } from './unneeded-permissions.ts';
import { objectKey } from '../../shared/model/object-key.ts';

/**
 * Which permissions of the template are needed. The pipeline does all that it can do within one account, in the roles of
 * the template, and what it never asked for is superfluous, unless unneeded-permissions.ts says why it is granted.
 */

const place = temporary();
const partSize = 5 * MiB;
const twoParts = bytesOf(partSize + 1000);
let ferry: LocalPipeline;
let aws: Emulator;
let runs: Runs;
let s3: S3Client;

const all = {
  name: 'all',
  source: { bucket: 'from', prefix: 'in/' },
  destination: { bucket: 'into', prefix: 'out/', acl: 'bucket-owner-full-control' },
  events: 'create-delete',
  deletes: true,
  schedule: 'rate(30 days)',
  serverSideCopy: 'never',
  largeObjectThreshold: 12 * MiB,
  partSize,
};
/** A prefix list is not for events, and a comparison by checksums looks at every object. */
const listed = {
  ...all,
  name: 'listed',
  source: { bucket: 'from-listed', prefix: 'in/' },
  destination: { bucket: 'into-listed', prefix: 'out/' },
  events: 'none',
  compare: 'checksum',
  prefixList: 'lists/all',
};

/** What the destination does with the objects of some keys. */
const incidents: Readonly<Record<string, (operation: string) => Fault | undefined>> = {
  'out/refused': (operation) => (operation === 'PutObject' ? refusal : undefined),
  'out/damaged': (operation) => (operation === 'PutObject' ? { ...refusal, code: 'BadDigest' } : undefined),
  'out/expired': (operation) => (operation === 'PutObject' ? { ...refusal, code: 'ExpiredToken' } : undefined),
  'out/refused creation': (operation) => (operation === 'CreateMultipartUpload' ? refusal : undefined),
  'out/refused parts': (operation) => (operation === 'UploadPart' ? refusal : undefined),
  'out/refused large': (operation) => (operation === 'CompleteMultipartUpload' ? refusal : undefined),
  // A verdict about its parts, after which the upload is aborted.
  'out/doomed': (operation) =>
    operation === 'CompleteMultipartUpload' ? { ...refusal, code: 'EntityTooSmall' } : undefined,
  'out/vanishing': (operation) => (operation === 'CreateMultipartUpload' ? vanish('in/vanishing') : undefined),
  'out/vanishing late': (operation) => (operation === 'ListParts' ? vanish('in/vanishing late') : undefined),
  'out/vanishing parts': (operation) => (operation === 'UploadPart' ? vanish('in/vanishing parts') : undefined),
  'out/killed': (operation) => {
    if (operation === 'UploadPart') kill.resolve(true);
    return operation === 'UploadPart' ? { kind: 'delay', milliseconds: 500 } : undefined;
  },
};
const refusal = { kind: 'status', status: 400, code: 'InvalidRequest' } as const;
const kill = Promise.withResolvers<true>();
let isKilled = false;

/** The source is deleted while the destination takes a while. */
function vanish(Key: string): Fault {
  void s3.send(new DeleteObjectCommand({ Bucket: 'from', Key }));
  return { kind: 'delay', milliseconds: 3000 };
}

function incident({ operation, bucket, key }: RequestInfo): Fault | undefined {
  return bucket === 'into' ? incidents[key]?.(operation) : undefined;
}

beforeAll(async () => {
  const configuration = writeConfiguration(place.path, [all, listed]);
  ferry = await LocalPipeline.open({
    dataDirectory: place.path,
    configuration,
    port: 0,
    fault: incident,
    deployment: {
      retryDelaySeconds: 0,
      // One copy-objects dies in the middle of an upload, which the next one finds.
      fault: ({ service, resource, input }) => {
        if (service !== 'lambda' || resource !== 'copy-objects' || isKilled) return undefined;
        if (!JSON.stringify(input).includes('in/killed')) return undefined;
        isKilled = true;
        return { kind: 'end', when: kill.promise, error: 'Runtime.ExitError' };
      },
    },
  });
  const assembly = join(place.path, 'cdk.out');
  await synthesize(configuration, assembly);
  aws = await ferry.deploy(assembly);
  runs = new Runs(aws);
  const { endpoint, region } = aws;
  s3 = new S3Client({ endpoint, region, credentials: localNames.credentials, forcePathStyle: true });
}, 120_000);

afterAll(async () => {
  s3.destroy();
  runs.close();
  await ferry.close();
  place.remove();
});

async function put(Bucket: string, Key: string, body: Buffer | string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: body, Tagging: 'of=test' }));
}

/** An object of two parts, which is copied in parts although it is small. */
async function putInParts(Bucket: string, Key: string): Promise<void> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const Parts = [];
  for (const PartNumber of [1, 2]) {
    const Body = PartNumber === 1 ? twoParts.subarray(0, partSize) : twoParts.subarray(partSize);
    const part = { Bucket, Key, UploadId, PartNumber, Body };
    const { ETag } = await s3.send(new UploadPartCommand(part));
    Parts.push({ PartNumber, ETag });
  }
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
}

/** Grants of all tasks together, without the logs, traces and keys that the endpoint does not have. */
function grantsOf(permissions: readonly PermissionUse[]): string[] {
  const names = permissions.map(({ holder, action, resource }) => {
    const short = (text: string): string => text.replace(/^arn:aws:(\w+):[^:]*:\d*:/, '$1:').replace('-listed', '');
    return `${short(holder)} ${action} ${short(resource)}`;
  });
  return [...new Set(names)].filter((name) => !/ (logs|xray|kms):/.test(name)).sort();
}

it('has no permission that nothing needs', async () => {
  // By events: the rights of S3 on the queue, and of reading all tasks.
  await put('from', 'in/small', 'small');
  await until(() => ferry.store('into').head(objectKey('out/small')));
  await s3.send(new DeleteObjectCommand({ Bucket: 'from', Key: 'in/small' }));
  await until(async () => (await ferry.store('into').head(objectKey('out/small'))) === undefined);
  await put('into', 'out/vanishing late', 'deleted when its source is found to be gone');
  for (const key of ['in/refused', 'in/damaged', 'in/expired']) await put('from', key, key);
  const large = [
    'in/refused large',
    'in/doomed',
    'in/refused creation',
    'in/vanishing',
    'in/vanishing late',
    'in/large',
  ];
  for (const key of large) await put('from', key, bytesOf(13 * MiB));
  for (const key of ['in/refused parts', 'in/killed', 'in/vanishing parts', 'in/unlike']) await putInParts('from', key);

  // By runs: of two objects that are equal but for their parts, the ledger or the checksums decide.
  await until(() => ferry.store('into').head(objectKey('out/unlike')));
  await put('into', 'out/unlike', twoParts);
  await put('into', 'out/old', 'deleted by the run');
  await runs.send('all');
  await put('from-listed', 'lists/all', 'un\n');
  await putInParts('from-listed', 'in/unlike');
  await put('into-listed', 'out/unlike', twoParts);
  await runs.send('listed');
  const sweep = await aws.invokeFunction(`${localNames.stack}-SweepUploadsHandler`, {});
  expect(sweep).toMatchObject({ ok: true });

  // An upload whose parts could not be read is looked at again after a minute.
  const deadline = Date.now() + 130_000;
  await until(() => superfluous().length === 0 || Date.now() > deadline, { every: 250 });
  expect(superfluous()).toEqual([]);
  // The list names only permissions that exist.
  expect(grantsOf(aws.permissions())).toEqual(expect.arrayContaining(Object.keys(unneeded)));
}, 240_000);

/** What no call needed, and no reason explains. */
function superfluous(): string[] {
  return unused().filter((name) => !(name in unneeded));
}

function unused(): string[] {
  const permissions = aws.permissions();
  const used = new Set(grantsOf(permissions.filter((permission) => permission.used)));
  return grantsOf(permissions).filter((name) => !used.has(name));
}
