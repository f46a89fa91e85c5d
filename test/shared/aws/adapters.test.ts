import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { faultOf } from '../../../shared/aws/faults.ts';
import { objectInfo } from '../../../shared/aws/s3/object-info.ts';
import { bareEtag } from '../../../shared/aws/s3/quirks.ts';
import { createS3Client } from '../../../shared/aws/s3/client.ts';
import { copySourceHeader } from '../../../shared/aws/s3/inputs.ts';
import { S3ObjectStore } from '../../../shared/aws/s3/object-store.ts';
import { executionName, SfnUploads } from '../../../shared/aws/upload-executions.ts';
import type { Job } from '../../../shared/model/job.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { Side } from '../../../shared/model/config/task.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../support/local-s3.ts';
import { noAttributes } from '../../support/objects.ts';

describe('faultOf', () => {
  it.each([
    ['NoSuchBucket', 404, 'BucketNotFound'],
    ['NoSuchKey', 404, 'BucketNotFound'],
    ['NoSuchUpload', 404, 'UploadGone'],
    ['PreconditionFailed', 412, 'DestinationConflict'],
    ['InvalidRange', 416, 'SourceChanged'],
    ['ConditionalRequestConflict', 409, 'DestinationConflict'],
    ['BadDigest', 400, 'VerificationFailed'],
    ['InvalidObjectState', 403, 'ArchivedSource'],
    ['NotImplemented', 501, 'NotSupported'],
    ['SlowDown', 503, 'Throttled'],
    ['ThrottlingException', 400, 'Throttled'],
    ['ExecutionLimitExceeded', 400, 'Throttled'],
    ['OverLimit', 403, 'Throttled'],
    ['RequestThrottled', 403, 'Throttled'],
    ['KmsThrottled', 400, 'Throttled'],
    ['KMS.ThrottlingException', 400, 'Throttled'],
    ['InternalError', 503, 'Unavailable'],
    ['KMS.DisabledException', 400, 'AccessDenied'],
    ['ExpiredToken', 400, 'CredentialsRefused'],
    ['InvalidAccessKeyId', 403, 'CredentialsRefused'],
    ['AccessDenied', 403, 'AccessDenied'],
    ['PermanentRedirect', 301, 'InvalidTask'],
    ['Anything', 400, 'Refused'],
    ['InvalidTag', 400, 'Refused'],
    ['XAmzContentSHA256Mismatch', 400, 'Refused'],
    ['Anything', 401, 'AccessDenied'],
    ['Anything', 403, 'AccessDenied'],
    ['Anything', 404, 'BucketNotFound'],
    ['Anything', 405, 'NotSupported'],
    ['Anything', 408, 'Unavailable'],
    ['Anything', 409, 'DestinationConflict'],
    ['Anything', 412, 'DestinationConflict'],
    ['Anything', 425, 'Unavailable'],
    ['Anything', 429, 'Throttled'],
    ['Anything', 500, 'Unavailable'],
    ['Anything', 501, 'NotSupported'],
    ['Anything', 503, 'Throttled'],
    ['Anything', 507, 'Unavailable'],
    ['TemporaryRedirect', 307, 'Unavailable'],
    ['Anything', 307, 'Unavailable'],
    ['Anything', 301, 'InvalidTask'],
    ['TimeoutError', undefined, 'Unavailable'],
  ])('%s (HTTP %s) is %s', (name, httpStatusCode, fault) => {
    const error = Object.assign(new Error('m'), { name, $metadata: { ...(httpStatusCode && { httpStatusCode }) } });
    expect(faultOf(error, 'PutObject b: "k"')).toMatchObject({
      name: fault,
      message: expect.stringContaining(`PutObject b: "k": ${name}`),
    });
  });

  it.each([
    ['HeadObject', 404, 'SourceGone'],
    ['GetObject', 404, 'SourceGone'],
    ['GetObjectTagging', 404, 'SourceGone'],
    ['DeleteObject', 404, 'SourceGone'],
    ['CopyObject', 404, 'SourceGone'],
    ['CreateMultipartUpload', 404, 'BucketNotFound'],
    ['UploadPart', 404, 'UploadGone'],
    ['CompleteMultipartUpload', 404, 'UploadGone'],
    ['HeadBucket', 404, 'BucketNotFound'],
    ['ListObjectsV2', 404, 'BucketNotFound'],
    ['SendMessage', 404, 'Refused'],
    ['constructor', 404, 'Refused'],
    ['GetObject', 412, 'SourceChanged'],
    ['CopyObject', 412, 'SourceChanged'],
    ['CompleteMultipartUpload', 412, 'DestinationConflict'],
    ['GetObject', 409, 'Unavailable'],
    ['CompleteMultipartUpload', 409, 'DestinationConflict'],
  ])('of %s (HTTP %i) is %s: a status means something by its operation', (operation, httpStatusCode, fault) => {
    const error = Object.assign(new Error('m'), { name: 'Unknown', $metadata: { httpStatusCode } });
    expect(faultOf(error, `${operation} b: "k"`).name).toBe(fault);
  });

  it('accepts any thrown value', () => {
    expect(faultOf('text', 'w')).toMatchObject({ name: 'Unavailable', message: 'w: Error: text' });
  });
});

describe('objectInfo', () => {
  const answer = { $metadata: {}, ContentLength: 5, ETag: '"e"' };

  it.each([
    [{ StorageClass: 'GLACIER' }, false],
    [{ StorageClass: 'DEEP_ARCHIVE', Restore: 'ongoing-request="true"' }, false],
    [{ StorageClass: 'GLACIER', Restore: 'ongoing-request="false", expiry-date="x"' }, true],
    [{ StorageClass: 'GLACIER_IR' }, true],
    [{ StorageClass: 'INTELLIGENT_TIERING', ArchiveStatus: 'ARCHIVE_ACCESS' }, false],
    [{}, true],
  ] as const)('%j: readable is %p', (more, readable) => {
    expect(objectInfo(objectKey('k'), { ...answer, ...more }, 'w').readable).toBe(readable);
  });

  it.each([
    [{ ServerSideEncryption: 'aws:kms' }, true],
    [{ ServerSideEncryption: 'aws:kms:dsse' }, true],
    [{ SSECustomerAlgorithm: 'AES256' }, true],
    [{ ServerSideEncryption: 'AES256' }, false],
  ] as const)('%j: the ETag is opaque: %p', (more, opaque) => {
    expect(objectInfo(objectKey('k'), { ...answer, ...more }, 'w').opaqueEtag).toBe(opaque);
  });

  it.each([
    [
      { ChecksumCRC32: 'NhCmhg==', ChecksumType: 'FULL_OBJECT' },
      { algorithm: 'CRC32', value: 'NhCmhg==' },
    ],
    [{ ChecksumCRC64NVME: 'rosUhgqZeIg=' }, { algorithm: 'CRC64NVME', value: 'rosUhgqZeIg=' }],
    [{ ChecksumCRC32: 'NhCmhg==', ChecksumType: 'COMPOSITE' }, undefined],
    [{ ChecksumCRC32C: 'NhCmhg==-3' }, undefined],
    [{ ChecksumCRC32C: 'x'.repeat(10_000) }, undefined],
    [{ ChecksumSHA256: 'x' }, undefined],
  ] as const)('%j: the full checksum is %j', (more, checksum) => {
    expect(objectInfo(objectKey('k'), { ...answer, ...more }, 'w').checksum).toEqual(checksum);
  });

  it('rejects an answer without a size', () => {
    expect(() => objectInfo(objectKey('k'), { $metadata: {} }, 'HeadObject b')).toThrow(
      'HeadObject b: the answer has no valid size',
    );
  });

  it('removes the quotes of ETags', () => {
    expect(['"a"', 'W/"a"', 'a', undefined].map(bareEtag)).toEqual(['a', 'a', 'a', '']);
  });

  it('encodes all of a copy source but its slashes', () => {
    expect(copySourceHeader({ bucket: 'b', key: objectKey('a//ü +%?'), etag: 'e', versionId: 'v/1' })).toBe(
      'b/a//%C3%BC%20%2B%25%3F?versionId=v%2F1',
    );
  });
});

describe('S3ObjectStore with a server that fails', () => {
  let server: LocalS3;
  let store: S3ObjectStore;
  const body = { data: Buffer.from('abc'), size: 3 };
  beforeAll(async () => {
    server = await startLocalS3();
    server.createBucket('bucket');
    const side: Side = {
      bucket: 'bucket',
      prefix: '',
      requestPayer: false,
      endpoint: server.endpoint,
      forcePathStyle: true,
    };
    store = new S3ObjectStore(createS3Client({ ...side, region: 'us-east-1' }, localKeys), side);
  });
  beforeEach(() => {
    server.fault = () => undefined;
    server.requests.length = 0;
  });
  afterAll(() => server.close());

  it.each([
    ['a server error', { kind: 'status', status: 500, code: 'InternalError' }],
    ['SlowDown', { kind: 'status', status: 503, code: 'SlowDown' }],
    ['a reset', { kind: 'reset' }],
    ['a lost answer', { kind: 'lose-answer' }],
  ] as const)('sends a buffered body again after %s', async (_name, fault) => {
    let times = 1;
    server.fault = ({ operation }) => (operation === 'PutObject' && times-- > 0 ? fault : undefined);
    expect(await store.put(objectKey('again'), body, noAttributes)).toMatchObject({
      etag: '900150983cd24fb0d6963f7d28e17f72',
    });
    expect(server.requests.filter(({ operation }) => operation === 'PutObject')).toHaveLength(2);
  });

  it.each(['CompleteMultipartUpload', 'CopyObject'] as const)(
    'finds the error in a 200 of %s',
    async (operation) => {
      const { etag } = await store.put(objectKey('from'), body, noAttributes);
      const { uploadId } = await store.createUpload(objectKey('k'), noAttributes);
      const part = await store.uploadPart({ key: objectKey('k'), uploadId, number: 1 }, body);
      server.fault = (request) =>
        request.operation === operation ? { kind: 'status', status: 200, code: 'InternalError' } : undefined;
      const call =
        operation === 'CopyObject'
          ? store.copy({ bucket: 'bucket', key: objectKey('from'), etag }, objectKey('k'), noAttributes)
          : store.completeUpload(objectKey('k'), uploadId, [part], { size: 3 });
      await expect(call).rejects.toMatchObject({ name: 'Unavailable' });
      expect(await store.head(objectKey('k'))).toBeUndefined();
    },
    60_000,
  );

  it('reports the upload as gone, or completes, if the answer to Complete is lost and the object exists', async () => {
    const { uploadId } = await store.createUpload(objectKey('lost'), noAttributes);
    const part = await store.uploadPart({ key: objectKey('lost'), uploadId, number: 1 }, body);
    let times = 1;
    server.fault = ({ operation }) =>
      operation === 'CompleteMultipartUpload' && times-- > 0 ? { kind: 'lose-answer' } : undefined;
    const end = await store.completeUpload(objectKey('lost'), uploadId, [part], { size: 3 }).then(
      () => 'completed',
      (error: unknown) => (error as Error).name,
    );
    expect(['completed', 'UploadGone']).toContain(end);
    expect((await store.head(objectKey('lost')))?.size).toBe(3);
  });

  it.each(['ListParts', 'UploadPart', 'CompleteMultipartUpload'] as const)(
    'reports UploadGone if %s answers "no such key" for a lost upload',
    async (operation) => {
      const { uploadId } = await store.createUpload(objectKey('gone'), noAttributes);
      const part = await store.uploadPart({ key: objectKey('gone'), uploadId, number: 1 }, body);
      server.fault = (request) =>
        request.operation === operation ? { kind: 'status', status: 404, code: 'NoSuchKey' } : undefined;
      const calls = {
        ListParts: () => store.listParts(objectKey('gone'), uploadId),
        UploadPart: () => store.uploadPart({ key: objectKey('gone'), uploadId, number: 2 }, body),
        CompleteMultipartUpload: () => store.completeUpload(objectKey('gone'), uploadId, [part], { size: 3 }),
      };
      await expect(calls[operation]()).rejects.toMatchObject({ name: 'UploadGone' });
    },
  );

  it('checks the bucket once, however many keys are missing', async () => {
    for (const key of ['no-1', 'no-2', 'no-3']) expect(await store.head(objectKey(key))).toBeUndefined();
    expect(server.requests.filter(({ operation }) => operation === 'HeadBucket').length).toBeLessThanOrEqual(1);
  });

  it('never reveals its keys in an error', async () => {
    const wrong = createS3Client(
      { bucket: 'bucket', prefix: '', requestPayer: false, endpoint: server.endpoint, region: 'us-east-1' },
      { ...localKeys, secretAccessKey: 'TOPSECRET' },
    );
    const side: Side = { bucket: 'bucket', prefix: '', requestPayer: false };
    const failed = await new S3ObjectStore(wrong, side)
      .put(objectKey('k'), body, noAttributes)
      .catch((error: unknown) => error as Error);
    expect(failed).toMatchObject({ name: 'CredentialsRefused' });
    expect((failed as Error).message).not.toContain('TOPSECRET');
  });
});

describe('SfnUploads', () => {
  const job: Job = { task: 't', key: objectKey('ü/😀'), action: 'copy', size: 5, etag: 'e' };
  const arn = 'arn:aws:states:us-east-1:000000000000:stateMachine:m';

  /** Step Functions with executions in these states. */
  function machine(states: Record<string, string>): { uploads: SfnUploads; inputs: string[] } {
    const inputs: string[] = [];
    const client = {
      send: async ({ input }: { input: { name?: string; input?: string; executionArn?: string } }) => {
        if (input.executionArn !== undefined) {
          const status = states[input.executionArn.split(':').at(-1) ?? ''];
          if (status === undefined) throw Object.assign(new Error('no'), { name: 'ExecutionDoesNotExist' });
          return { status };
        }
        if (states[input.name ?? ''] !== undefined) {
          throw Object.assign(new Error('taken'), { name: 'ExecutionAlreadyExists' });
        }
        inputs.push(input.input ?? '');
        return {};
      },
    } as unknown as SFNClient;
    return { uploads: new SfnUploads(client, arn), inputs };
  }

  it('starts one execution per version of an object, under a name made from the version', async () => {
    const { uploads, inputs } = machine({});
    const { execution, started } = await uploads.start(job);
    expect({ execution, started }).toEqual({ execution: executionName(job, 1), started: true });
    expect(JSON.parse(inputs[0]!)).toEqual(job);
    expect(inputs[0]).toMatch(/^[\x20-\x7e]*$/);
    for (const more of [{ key: 'x' }, { task: 'u' }, { etag: 'f' }, { size: 6 }]) {
      expect(executionName({ ...job, ...more }, 1)).not.toBe(execution);
    }
    expect(executionName({ ...job, task: 'x'.repeat(64) }, 100).length).toBeLessThanOrEqual(80);
    expect(executionName({ ...job, run: 'another' }, 1)).toBe(execution);
  });

  it('finds the execution that is running', async () => {
    const { uploads, inputs } = machine({ [executionName(job, 1)]: 'FAILED', [executionName(job, 2)]: 'RUNNING' });
    expect(await uploads.start(job)).toEqual({ execution: executionName(job, 2), started: false });
    expect(inputs).toEqual([]);
  });

  it('retries the job later if the name is taken and its execution is not visible yet', async () => {
    const client = {
      send: async (command: object) => {
        const name = command instanceof StartExecutionCommand ? 'ExecutionAlreadyExists' : 'ExecutionDoesNotExist';
        throw Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } });
      },
    } as unknown as SFNClient;
    const start = new SfnUploads(client, arn).start(job);
    await expect(start).rejects.toMatchObject({ name: 'Unavailable', retry: 'later' });
  });

  it('starts no second execution beside one that is not visible yet', async () => {
    const taken = new Set([executionName(job, 1)]);
    const client = {
      send: async ({ input }: { input: { name?: string } }) => {
        if (input.name !== undefined && !taken.has(input.name)) return taken.add(input.name);
        const name = input.name === undefined ? 'ExecutionDoesNotExist' : 'ExecutionAlreadyExists';
        throw Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } });
      },
    } as unknown as SFNClient;
    await expect(new SfnUploads(client, arn).start(job)).rejects.toMatchObject({ name: 'Unavailable' });
    expect([...taken]).toEqual([executionName(job, 1)]);
  });

  it('does not take one that ended for one that runs', async () => {
    const { uploads } = machine({ [executionName(job, 1)]: 'FAILED', [executionName(job, 2)]: 'SUCCEEDED' });
    expect(await uploads.start(job)).toEqual({ execution: executionName(job, 3), started: true });
  });

  it.each([
    [[], false],
    [['FAILED'], false],
    [['FAILED', 'RUNNING'], true],
    [['PENDING_REDRIVE'], true],
    [['SUCCEEDED', 'ABORTED', 'TIMED_OUT'], false],
  ])('of executions that are %j says that one is running: %p', async (states, running) => {
    const names = Object.fromEntries(states.map((state, index) => [executionName(job, index + 1), state]));
    const { uploads, inputs } = machine(names);
    expect(await uploads.isRunning(job)).toBe(running);
    expect(await uploads.isRunning({ ...job, etag: 'another' })).toBe(false);
    expect(inputs).toEqual([]);
  });
});
