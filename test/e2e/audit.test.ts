import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { encodeJob } from '../../shared/model/job.ts';
import { Child, temporary, type Ended } from '../support/child.ts';
import { keyZoo } from '../support/key-zoo.ts';
import { until } from '../support/until.ts';
import { LocalCommand } from '../support/local-command.ts';
import { objectKey } from '../../shared/model/object-key.ts';

/** `npm run audit` against the deployed pipeline: every kind of difference is made, and named. */

const place = temporary();
const task = {
  name: 'main',
  source: { bucket: 'source', prefix: 'in/' },
  destination: { bucket: 'destination', prefix: 'out/' },
  deletes: true,
  exclude: ['excluded/**'],
  serverSideCopy: 'never',
};
const hour = 3600_000;
/** Keys that fit at the destination too, whose prefix is one longer. */
const zoo = keyZoo.filter((key) => Buffer.byteLength(`out/${key}`) <= 1024);
const evil = 'evil\u001b[2J\nDIFFERENCE none\u202e\u009b31m';

let local: LocalCommand;
let jobs: string;
let deadLetters: string;
let ledger: DynamoLedger;

beforeAll(async () => {
  local = await LocalCommand.start(place.path, [task]);
  jobs = await local.parameter('/s3-ferry/S3Ferry/queues/jobs');
  deadLetters = await local.parameter('/s3-ferry/S3Ferry/queues/dead-letters');
  ledger = local.ledger(await local.parameter('/s3-ferry/S3Ferry/tables/ledger'));
});

afterAll(async () => {
  expect(await local.stop()).toBe(0);
  place.remove();
});

interface Line {
  readonly kind: string;
  readonly key?: string;
  readonly seen: string;
  readonly severity: string;
}

async function audit(...options: string[]): Promise<Ended> {
  const { accessKeyId, secretAccessKey } = await local.s3.config.credentials();
  return new Child('operations/audit.ts', options, {
    AWS_ENDPOINT_URL: jobs.slice(0, jobs.indexOf('/', 'http://'.length)),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }).ended();
}

async function findings(...options: string[]): Promise<{ code: number | null; lines: Line[]; summary: Line }> {
  const { code, stdout, stderr } = await audit('--json', ...options);
  expect(stderr).toBe('');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return { code, lines: lines.slice(0, -1), summary: lines.at(-1)! };
}

async function put(bucket: 'source' | 'destination', key: string, body: string, archived = false): Promise<void> {
  const input = { Bucket: bucket, Key: `${bucket === 'source' ? 'in/' : 'out/'}${key}`, Body: body };
  await local.s3.send(new PutObjectCommand({ ...input, ...(archived && { StorageClass: 'GLACIER' }) }));
}

async function copies(): Promise<number> {
  const page = await local.s3.send(new ListObjectsV2Command({ Bucket: 'destination', Prefix: 'out/' }));
  return page.KeyCount ?? 0;
}

/** Sends the object's job, which fails: the object is archived. */
async function buried(key: string): Promise<void> {
  await put('source', key, 'archived', true);
  const before = await local.messages(deadLetters);
  const MessageBody = encodeJob({ task: 'main', key: objectKey(`in/${key}`), action: 'copy' });
  await local.sqs.send(new SendMessageCommand({ QueueUrl: jobs, MessageBody }));
  await until(async () => (await local.messages(deadLetters)) > before);
}

/** An upload at the destination that the ledger names as begun at a time, and that has no parts. */
async function begun(key: string, updatedAt: number): Promise<void> {
  await put('source', key, 'in parts');
  const { UploadId = '' } = await local.s3.send(
    new CreateMultipartUploadCommand({ Bucket: 'destination', Key: `out/${key}` }),
  );
  const upload = {
    uploadId: UploadId,
    sourceEtag: 'e',
    attributes: 'a',
    partSize: 5,
    sourceLayout: false,
    opaqueEtag: false,
  };
  await ledger.claimUpload({ task: 'main', key: `in/${key}`, status: 'STARTED', updatedAt, upload });
}

it('exits with 0 if everything was copied, whatever the keys', async () => {
  for (const key of [...zoo, 'changed', 'lost', 'overwritten']) await put('source', key, `bytes of ${key.length}`);
  expect(await local.sync({ task: 'main' })).toMatchObject({ status: 'SUCCEEDED' });
  await until(async () => (await copies()) === zoo.length + 3);
  // The last messages are deleted right after the last copies.
  const { code, lines, summary } = await until(async () => {
    const result = await findings('--task', 'main', '--deep', 'bytes');
    return result.lines.some(({ kind }) => kind === 'jobs-in-flight') ? undefined : result;
  });
  expect(lines).toEqual([]);
  const compared = {
    listed: zoo.length + 3,
    listedAtDestination: zoo.length + 3,
    same: zoo.length + 3,
    complete: true,
  };
  expect({ code, summary }).toMatchObject({ code: 0, summary: { kind: 'summary', differences: 0, compared } });
});

describe('differences', () => {
  beforeAll(async () => {
    await put('source', 'missing', 'new');
    await put('source', evil, 'new');
    await put('source', 'x'.repeat(1021), 'new');
    await put('source', 'excluded/one', 'not of the task');
    await put('source', 'changed', 'of another size, long after');
    await local.s3.send(new DeleteObjectCommand({ Bucket: 'destination', Key: 'out/lost' }));
    await put('destination', 'overwritten', 'BYTES of 11');
    await put('destination', 'extra', 'of unknown origin');
    await buried('archived');
    await buried('failed');
    await put('source', 'failed', 'restored');
    await buried('cured');
    await put('source', 'cured', 'by hand');
    await put('destination', 'cured', 'by hand');
    await local.sqs.send(new SendMessageCommand({ QueueUrl: jobs, MessageBody: 'no job' }));
    await until(async () => (await local.messages(deadLetters)) === 4);
    await begun('stalled', Date.now() - 3 * hour);
    await begun('going on', Date.now());
    await local.s3.send(new CreateMultipartUploadCommand({ Bucket: 'destination', Key: 'out/foreign' }));
    await local.s3.send(new CreateMultipartUploadCommand({ Bucket: 'destination', Key: 'elsewhere' }));
    const waiting = encodeJob({ task: 'main', key: objectKey('in/missing'), action: 'copy' });
    await local.sqs.send(new SendMessageCommand({ QueueUrl: jobs, MessageBody: waiting, DelaySeconds: 900 }));
  });

  it('are each named, with what was seen, and end with 1', async () => {
    const { code, lines, summary } = await findings('--task', 'main');
    expect(lines.map(({ kind, key }) => `${kind} ${key ?? ''}`.trim()).sort()).toEqual(
      [
        ...['missing in/missing', `missing in/${evil}`, `impossible in/${'x'.repeat(1021)}`, 'different in/changed'],
        ...['lost in/lost', 'overwritten in/overwritten', 'extra in/extra'],
        ...['unreadable in/archived', 'failed in/failed', 'cured in/cured'],
        ...['in-progress in/going on', 'upload-in-use out/going on', 'stalled in/stalled', 'upload-left out/stalled'],
        ...['upload-foreign out/foreign', 'jobs-waiting', 'dead-letters-unknown'],
        ...['dead-letter in/archived', 'dead-letter in/failed', 'dead-letter in/cured'],
      ].sort(),
    );
    const seen = (kind: string): string => lines.find((line) => line.kind === kind)?.seen ?? '';
    expect(seen('failed')).toMatch(/missing at the destination; .*ArchivedSource: .*archived: restore it/);
    expect(seen('dead-letter')).toMatch(/a job to copy it was buried .*: ArchivedSource: /);
    expect(seen('different')).toMatch(/^the size differs: .*DONE for an earlier version/);
    expect(seen('overwritten')).toMatch(/a run would skip it \(same size, and the destination is newer\)/);
    expect(seen('stalled')).toMatch(/no execution runs for this version, its upload is open/);
    expect(seen('jobs-waiting')).toBe('1 messages wait');
    expect({ code, summary }).toMatchObject({ code: 1, summary: { differences: 16, information: 4 } });
    expect(summary).toMatchObject({ failures: 3, uploads: 3, queue: { waiting: 1, inFlight: 0, deadLetters: 3 } });
  });

  it('leave everything as it was: a second audit finds the same, and dead letters are there immediately', async () => {
    expect(await local.messages(deadLetters)).toBe(4);
    expect((await findings('--task', 'main')).summary).toMatchObject({ differences: 16, information: 4 });
  });

  it('are printed with control characters escaped, at most --limit of each kind', async () => {
    const { code, stdout, stderr } = await audit('--task', 'main', '--limit', '1');
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^[\n\x20-\x7e\u00a1-\u200a\u2010-\u2027\u2030-\ud7ff]*$/);
    expect(stdout.match(/^DIFFERENCE missing/gm)).toHaveLength(1);
    expect(stdout).toMatch(/^\(more of kind missing: only counted/m);
    expect(stdout).toMatch(/^ {2}missing: 2$/m);
    expect(stdout).toMatch(/^task main, stack S3Ferry: 16 differences/m);
    expect(stdout).toMatch(/^ {2}do: {4}.*npm run redrive -- --stack S3Ferry --task main/m);
    const all = await audit('--task', 'main');
    expect(all.stdout).toContain('DIFFERENCE missing "in/evil\\u001b[2J\\nDIFFERENCE none\\u202e\\u009b31m"');
    expect(all.stdout).not.toMatch(/^DIFFERENCE none/m);
  });
});

describe('a task', () => {
  it('whose bucket is gone is reported as not compared', async () => {
    const nowhere = {
      name: 'nowhere',
      source: { bucket: 'source', prefix: 'none/' },
      destination: { bucket: 'missing-bucket' },
    };
    await local.putParameter('/s3-ferry/S3Ferry/tasks/nowhere', JSON.stringify(nowhere));
    const { code, lines } = await findings('--task', 'nowhere');
    expect(code).toBe(1);
    expect(lines.filter(({ kind }) => kind === 'not-compared').map(({ seen }) => seen)).toEqual([
      expect.stringMatching(/^source and destination, after 0 keys .*BucketNotFound: ListObjectsV2 missing-bucket/),
      expect.stringMatching(/^open uploads: BucketNotFound/),
    ]);
    // The stack has two tasks now: the message may be of the other.
    expect(lines.map(({ kind }) => kind)).toContain('queue-busy');
  });

  it.each([
    { options: [], message: /required option '--task <name>'/ },
    { options: ['--task', 'none'], message: /UnknownTask: task: found "none"/ },
    { options: ['--task', 'main', '--stack', 'a b'], message: /--stack: not the name of a stack/ },
    { options: ['--task', 'main', '--stack', 'Other'], message: /--stack: there is no parameter \/s3-ferry\/Other\// },
    { options: ['--task', 'main', '--deep', 'very'], message: /--deep.*proof, bytes/ },
    { options: ['--task', 'main', '--limit', '-1'], message: /--limit.*whole number/ },
  ])('is not audited with wrong options: $options', async ({ options, message }) => {
    const { code, stdout, stderr } = await audit(...options);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
