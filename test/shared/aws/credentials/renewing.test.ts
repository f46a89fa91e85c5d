import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { RenewableKeys, type SideKeys } from '../../../../shared/aws/credentials/key-source.ts';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { Stores } from '../../../../shared/aws/s3/stores.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { Fault } from '../../../../shared/model/faults.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { parseTask, type Side } from '../../../../shared/model/config/task.ts';
import { ManualClock } from '../../../../shared/ports/memory/clock.ts';
import { startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';
import { noAttributes } from '../../../support/objects.ts';

const minute = 60_000;

describe('keys that change', () => {
  let clock: ManualClock;
  let answers: (SideKeys | Fault)[];
  let reads: number;
  let keys: RenewableKeys;
  const pair = (accessKeyId: string, more: Partial<SideKeys> = {}): SideKeys => ({
    accessKeyId,
    secretAccessKey: 's',
    ...more,
  });

  beforeEach(() => {
    clock = new ManualClock();
    reads = 0;
    answers = [];
    keys = new RenewableKeys(async () => {
      reads += 1;
      // The last answer stays.
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      await new Promise((resolve) => setImmediate(resolve));
      if (!answer || answer instanceof Fault) throw answer ?? new Error('nothing to read');
      return answer;
    }, clock);
  });

  it('are read once for concurrent callers, and again after five minutes', async () => {
    answers = [pair('a'), pair('b')];
    expect(await Promise.all([keys.current(), keys.current(), keys.current()])).toEqual(Array(3).fill(pair('a')));
    clock.pass(5 * minute - 1);
    expect(await keys.current()).toEqual(pair('a'));
    expect(reads).toBe(1);
    clock.pass(1);
    expect(await Promise.all([keys.current(), keys.current()])).toEqual(Array(2).fill(pair('b')));
    expect(reads).toBe(2);
  });

  it('are used until five minutes before their expiry', async () => {
    const end = clock.now() + 60 * minute;
    answers = [pair('a', { expires: end }), pair('b', { expires: end + 60 * minute })];
    await keys.current();
    clock.pass(55 * minute - 1);
    expect((await keys.current()).accessKeyId).toBe('a');
    clock.pass(1);
    expect((await keys.current()).accessKeyId).toBe('b');
  });

  it('stay in use if they cannot be read for a moment, but not beyond their expiry', async () => {
    const busy = new Fault('Throttled', 'busy');
    answers = [pair('a', { expires: clock.now() + 6 * minute }), busy];
    await keys.current();
    clock.pass(2 * minute);
    expect((await keys.current()).accessKeyId).toBe('a');
    expect((await keys.current()).accessKeyId).toBe('a');
    expect(reads).toBe(2);
    clock.pass(4 * minute);
    await expect(keys.current()).rejects.toBe(busy);
    answers = [pair('b')];
    expect((await keys.current()).accessKeyId).toBe('b');
  });

  it('are no longer used if reading them is denied', async () => {
    const denied = new Fault('CredentialsRefused', 'no');
    answers = [pair('a'), denied];
    await keys.current();
    clock.pass(5 * minute);
    await expect(keys.current()).rejects.toBe(denied);
  });

  it('are read again after a refusal, once for all refused callers', async () => {
    answers = [pair('a'), pair('b')];
    const used = await keys.current();
    const renewed = await Promise.all([keys.renewed(used, true), keys.renewed(used, true), keys.renewed(used, true)]);
    expect(renewed).toEqual(Array(3).fill(pair('b')));
    expect(await keys.renewed(used, true)).toEqual(pair('b'));
    expect(reads).toBe(2);
    expect(await keys.current()).toEqual(pair('b'));
  });

  it('are not read again immediately if they were refused and have not changed', async () => {
    answers = [pair('a')];
    const used = await keys.current();
    for (let times = 0; times < 10; times++) expect(await keys.renewed(used, true)).toBeUndefined();
    expect(reads).toBe(2);
    clock.pass(5_000);
    answers = [pair('a', { sessionToken: 't' })];
    expect(await keys.renewed(used, true)).toEqual(pair('a', { sessionToken: 't' }));
  });

  it('are read again immediately after a rotation, but not if they differ at each read', async () => {
    answers = ['a', 'b', 'c', 'd'].map((name) => pair(name));
    let used = await keys.current();
    for (const name of ['b', 'c', 'd']) {
      expect(await keys.renewed(used, false)).toEqual(pair(name));
      used = pair(name);
    }
    const expires = clock.now() + 60 * minute;
    answers = ['e', 'f', 'g'].map((name) => pair(name, { expires }));
    expect(await keys.renewed(used, false)).toEqual(pair('e', { expires }));
    for (let times = 0; times < 5; times++) expect(await keys.renewed(await keys.current(), false)).toBeUndefined();
    expect(reads).toBe(5);
  });

  it('are read less and less often if a missing permission may be the reason', async () => {
    answers = [pair('a', { expires: Infinity })];
    const used = await keys.current();
    const started = clock.now();
    const readAt: number[] = [];
    for (let second = 0; second < 1200; second++) {
      const before = reads;
      expect(await keys.renewed(used, false)).toBeUndefined();
      if (reads > before) readAt.push((clock.now() - started) / 1000);
      clock.pass(1000);
    }
    expect(readAt).toEqual([0, 10, 30, 70, 150, 310, 610, 910]);
    // If the store is certain, they are read without that pause.
    answers = [pair('b')];
    expect(await keys.renewed(used, true)).toEqual(pair('b'));
  });
});

describe('an S3 client whose keys are rotated', () => {
  let server: LocalS3;
  let clock: ManualClock;
  let secret: SideKeys;
  let reads: number;
  let store: S3ObjectStore;
  const body = { data: Buffer.from('abc'), size: 3 };

  beforeAll(async () => {
    server = await startLocalS3();
    server.createBucket('bucket');
  });
  afterAll(() => server.close());

  /** Other keys for the store; `known` tells whether they can be read too. */
  function rotate(name: string, known = true): void {
    server.keys.clear();
    server.keys.set(name, `secret-of-${name}`);
    if (known) secret = { accessKeyId: name, secretAccessKey: `secret-of-${name}` };
    // Longer than renewals are apart.
    clock.pass(6_000);
    server.requests.length = 0;
  }

  const statuses = (): number[] => server.requests.map(({ status }) => status);

  beforeEach(async () => {
    server.fault = () => undefined;
    clock = new ManualClock();
    rotate('first');
    reads = 0;
    const keys = new RenewableKeys(async () => {
      reads += 1;
      return secret;
    }, clock);
    const side: Side = { bucket: 'bucket', prefix: '', requestPayer: false, endpoint: server.endpoint };
    store = new S3ObjectStore(createS3Client({ ...side, region: 'us-east-1', forcePathStyle: true }, keys), side);
    await store.put(objectKey('k'), body, noAttributes);
  });

  it('makes every kind of call again with the new ones', async () => {
    const { etag } = (await store.head(objectKey('k')))!;
    const { uploadId } = await store.createUpload(objectKey('large'), noAttributes);
    // The first copy also asks the store whether it compares the version.
    await store.copy({ bucket: 'bucket', key: objectKey('k'), etag }, objectKey('copy'), noAttributes);
    const calls: Record<string, () => Promise<unknown>> = {
      ListObjectsV2: () => store.list({ prefix: '' }).next(),
      HeadObject: () => store.head(objectKey('k')),
      GetObject: async () => (await store.get(objectKey('k')))?.body.resume(),
      PutObject: () => store.put(objectKey('k'), body, noAttributes),
      CopyObject: () => store.copy({ bucket: 'bucket', key: objectKey('k'), etag }, objectKey('copy'), noAttributes),
      UploadPart: () => store.uploadPart({ key: objectKey('large'), uploadId, number: 1 }, body),
      AbortMultipartUpload: () => store.abortUpload(objectKey('large'), uploadId),
      DeleteObject: () => store.delete(objectKey('copy')),
    };
    for (const [operation, call] of Object.entries(calls)) {
      rotate(`keys-for-${operation}`);
      await call();
      expect(server.requests.map(({ operation: name, status }) => [name, Math.floor(status / 100)])).toEqual([
        [operation, 4],
        [operation, 2],
      ]);
    }
    expect(reads).toBe(1 + Object.keys(calls).length);
  });

  it('asks for them once, however many calls are under way', async () => {
    rotate('second');
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.put(objectKey(`k${index}`), body, noAttributes)));
    expect(reads).toBe(2);
    expect(statuses().filter((status) => status === 200)).toHaveLength(20);
  });

  it('lets the owner of a streaming body send it again', async () => {
    rotate('second');
    const put = (): Promise<unknown> =>
      store.put(objectKey('k'), { ...body, data: Readable.from([body.data]) }, noAttributes);
    await expect(put()).rejects.toMatchObject({
      name: 'Unavailable',
      message: 'PutObject: the store refused the credentials; new ones are available, the body has to be sent again',
    });
    await put();
    expect(statuses()).toEqual([403, 200]);
  });

  it('reports a refusal if there are no new keys, and reads them at most every few seconds', async () => {
    rotate('second', false);
    for (let times = 0; times < 5; times++) {
      await expect(store.put(objectKey('k'), body, noAttributes)).rejects.toMatchObject({
        name: 'CredentialsRefused',
        message: expect.stringContaining('InvalidAccessKeyId (HTTP 403)'),
      });
    }
    expect({ reads, statuses: statuses() }).toEqual({ reads: 2, statuses: Array(5).fill(403) });
  });

  it.each([
    ['AccessDenied', 403],
    ['SignatureDoesNotMatch', 403],
    ['ExpiredToken', 400],
  ])('treats %s (HTTP %p) as a refusal, also for HEAD, whose answer has no code', async (code, status) => {
    for (const [name, call] of [
      ['head', () => store.head(objectKey('k'))] as const,
      ['put', () => store.put(objectKey('k'), body, noAttributes)] as const,
    ]) {
      let times = 1;
      clock.pass(6_000);
      secret = { ...secret, sessionToken: `new for ${name}` };
      server.requests.length = 0;
      server.fault = () => (times-- > 0 ? { kind: 'status', status, code } : undefined);
      await call();
      expect(statuses()).toEqual([status, 200]);
    }
  });

  it('is kept by the stores of its task across rotations', async () => {
    const task = parseTask(
      JSON.stringify({
        name: 'n',
        source: {
          bucket: 'bucket',
          endpoint: server.endpoint,
          forcePathStyle: true,
          credentials: { ssmParameter: 'p' },
        },
        destination: { bucket: 'other' },
      }),
      'task',
    );
    let region = 'us-east-1';
    const stores = new Stores({
      secret: async () =>
        JSON.stringify({
          aws_access_key_id: secret.accessKeyId,
          aws_secret_access_key: secret.secretAccessKey,
          region,
        }),
    });
    const first = await stores.of(task);
    await first.source.checkBucket();
    rotate('second');
    region = 'eu-west-1';
    await first.source.checkBucket();
    expect(statuses()).toEqual([403, 200]);
    // Another region is another client; other keys are not.
    const second = await stores.of(task);
    expect(second.source).not.toBe(first.source);
    expect(second.destination).toBe(first.destination);
    region = 'us-east-1';
    rotate('third');
    await second.source.checkBucket();
    expect((await stores.of(task)).source).toBe(first.source);
  });

  it.each([
    ['InvalidObjectState', 403, 'ArchivedSource'],
    ['NoSuchUpload', 404, 'UploadGone'],
    ['InvalidArgument', 400, 'Refused'],
  ])('does not treat %s (HTTP %p) as a refusal', async (code, status, name) => {
    server.fault = () => ({ kind: 'status', status, code });
    server.requests.length = 0;
    await expect(store.put(objectKey('k'), body, noAttributes)).rejects.toMatchObject({ name });
    expect({ reads, statuses: statuses() }).toEqual({ reads: 1, statuses: [status] });
  });
});
