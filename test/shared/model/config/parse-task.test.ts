import { describe, expect, it } from '@jest/globals';
import { MiB } from '../../../../shared/model/limits.ts';
import { parseTaskFile } from '../../../../shared/model/config/configuration.ts';
import { brokenTask, destinationKey, parseTask } from '../../../../shared/model/config/task.ts';

const sides = { source: { bucket: 'bucket-a' }, destination: { bucket: 'bucket-b' } };

function parsed(more: Record<string, unknown>): ReturnType<typeof parseTask> {
  return parseTask(JSON.stringify({ name: 'n', ...sides, ...more }), 'task n');
}

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ name: 'InvalidTask', retry: 'never' });
    return (error as Error).message;
  }
  throw new Error('no fault');
}

describe('parseTask', () => {
  it('fills in defaults', () => {
    expect(parsed({})).toEqual({
      name: 'n',
      metadata: true,
      tags: true,
      source: { bucket: 'bucket-a', prefix: '', requestPayer: false },
      destination: { bucket: 'bucket-b', prefix: '', requestPayer: false },
      events: 'none',
      compare: 'auto',
      deletes: false,
      strict: false,
      serverSideCopy: 'auto',
      largeObjectThreshold: 256 * MiB,
      partSize: 16 * MiB,
      uploadConcurrency: 40,
      whileBusy: 'supersede',
    });
  });

  it('accepts every documented option', () => {
    const task = parsed({
      source: {
        bucket: 'bucket-a',
        prefix: 'a//b/😀',
        region: 'us-east-1',
        endpoint: 'http://127.0.0.1:4566',
        forcePathStyle: true,
        requestPayer: true,
        expectedBucketOwner: '123456789012',
        credentials: { ssmParameter: '/s3/keys' },
      },
      destination: {
        bucket: 'bucket-b',
        storageClass: 'STANDARD_IA',
        acl: 'bucket-owner-full-control',
        encryption: { type: 'aws:kms', keyId: 'alias/k' },
        checksumAlgorithm: 'CRC32C',
        credentials: { anonymous: true },
      },
      schedule: 'cron(0 12 * * ? *)',
      events: 'none',
      compare: 'checksum',
      deletes: true,
      serverSideCopy: 'never',
      largeObjectThreshold: '5GiB',
      partSize: 5 * MiB,
      uploadConcurrency: 1000,
    });
    expect(task.largeObjectThreshold).toBe(5 * 1024 * MiB);
  });

  const side = (more: object): object => ({ source: { bucket: 'bucket-a', ...more } });
  const target = (more: object): object => ({ destination: { bucket: 'bucket-b', ...more } });

  it.each([
    [{ typo: 1 }, 'typo: unknown option'],
    [side({ buckets: 'x' }), 'source.buckets: unknown option'],
    [target({ encryption: { type: 'AES256', key: 'x' } }), 'destination.encryption.key: unknown option'],
    [target({ encryption: { type: 'ROT13' } }), 'destination.encryption.type: found "ROT13", expected'],
    [target({ encryption: { type: 'aws:kms', keyId: 'k' } }), 'destination.encryption.keyId: expected a KMS key'],
    [{ source: {} }, 'source.bucket: is missing, expected'],
    [{ source: 'bucket' }, 'source: found "bucket", expected Object'],
    [side({ bucket: 'A' }), 'source.bucket: expected a bucket name'],
    [side({ bucket: 7 }), 'source.bucket: found 7, expected string'],
    [side({ prefix: 'x'.repeat(1025) }), 'source.prefix: a key has at most 1024 UTF-8 bytes'],
    [side({ prefix: '\ud800' }), 'source.prefix: a key is well-formed Unicode'],
    [side({ region: 'US East' }), 'source.region: expected a region'],
    [side({ endpoint: 'no url' }), 'source.endpoint: expected a URL'],
    [side({ endpoint: 'http://host/path' }), 'source.endpoint: expected http(s)://host[:port] without path'],
    [side({ expectedBucketOwner: '12' }), 'source.expectedBucketOwner: expected a 12-digit account ID (found "12")'],
    [
      side({ credentials: {} }),
      'source.credentials: found no kind of credentials, expected exactly one of ssmParameter,',
    ],
    [side({ forcePathStyle: 'yes' }), 'source.forcePathStyle: found "yes", expected boolean'],
    [target({ storageClass: 'COLD' }), 'destination.storageClass: found "COLD", expected'],
    [target({ acl: 'public-read' }), 'destination.acl: found "public-read", expected'],
    [target({ checksumAlgorithm: 'SHA1' }), 'destination.checksumAlgorithm: found "SHA1", expected'],
    [side({ storageClass: 'STANDARD' }), 'source.storageClass: unknown option'],
    [{ name: 'a b' }, 'name: expected 1 to 64 of'],
    [{ schedule: 'hourly' }, 'schedule: expected rate(...) or cron(...) (found "hourly")'],
    [
      { schedule: 'rate(1 hours)' },
      'schedule: expected rate(1 hour), the unit in the singular (found "rate(1 hours)")',
    ],
    [{ events: true }, 'events: found true, expected'],
    [{ compare: 'etag' }, 'compare: found "etag", expected'],
    [{ largeObjectThreshold: '5 potatoes' }, 'largeObjectThreshold: '],
    [{ largeObjectThreshold: '6 GiB' }, 'largeObjectThreshold: '],
    [{ largeObjectThreshold: -1 }, 'largeObjectThreshold: '],
    [{ partSize: '1 MiB' }, 'partSize: '],
    [{ partSize: '65 MiB' }, 'partSize: expected at most 64.0 MiB: several parts at once are held in memory'],
    [{ partSize: true }, 'partSize: found true, expected'],
    [{ uploadConcurrency: 0 }, 'uploadConcurrency: '],
    [{ uploadConcurrency: 1.5 }, 'uploadConcurrency: '],
  ])('rejects %j, naming the field: %s', (more, part) => {
    const message = messageOf(() => parsed(more as Record<string, unknown>));
    expect(message).toContain('task n is not valid:\n  ');
    expect(message).toContain(part);
  });

  it('ignores a byte order mark and white space around the text', () => {
    const text = JSON.stringify({ name: 'n', ...sides });
    expect(parseTask(`\ufeff\r\n${text}\r\n`, 'task n')).toEqual(parsed({}));
  });

  it('reports all faults at once', () => {
    const message = messageOf(() => parsed({ typo: 1, compare: 'x', source: {} }));
    for (const field of ['typo', 'compare', 'source.bucket']) expect(message).toContain(`\n  ${field}: `);
  });

  it.each(['', '{', '[]', '"x"', 'null'])('rejects the text %j', (text) => {
    expect(messageOf(() => parseTask(text, 'task n'))).toContain('task n is not');
  });

  it.each([
    [side({ endpoint: 'https://user:TOPSECRET@host' })],
    [side({ credentials: 'TOPSECRET' })],
    [side({ credentials: ['TOPSECRET'] })],
    [side({ credentials: { aws_secret_access_key: 'TOPSECRET' } })],
    [side({ credentials: { ssmParameter: '{"aws_secret_access_key":"TOPSECRET"}' } })],
    [side({ aws_secret_access_key: 'TOPSECRET' })],
    [{ credentials: 'TOPSECRET' }],
  ])('does not repeat a misplaced secret: %j', (more) => {
    expect(messageOf(() => parsed(more as Record<string, unknown>))).not.toContain('TOPSECRET');
  });

  it('truncates a hostile value in the message', () => {
    expect(messageOf(() => parsed({ compare: 'x'.repeat(100_000) })).length).toBeLessThan(500);
  });
});

describe('the rule against overlapping sides', () => {
  const one = { bucket: 'same' };
  it.each([
    ['', ''],
    ['a/', 'a/'],
    ['a/', 'a/b/'],
    ['a/b/', 'a/'],
    ['', 'copy/'],
  ])('rejects %j to %j in one bucket', (from, to) => {
    const message = messageOf(() => parsed({ source: { ...one, prefix: from }, destination: { ...one, prefix: to } }));
    expect(message).toContain('destination: found the source\'s own bucket "same"');
  });

  it.each([
    [
      { ...one, prefix: 'a/' },
      { ...one, prefix: 'b/' },
    ],
    [one, { ...one, endpoint: 'https://other.test' }],
    [one, { bucket: 'other' }],
  ])('accepts %j to %j', (source, destination) => {
    expect(parsed({ source, destination })).toMatchObject({ name: 'n' });
  });
});

describe('parseTaskFile', () => {
  const file = (...tasks: unknown[]): string => JSON.stringify({ tasks });

  it('returns every task', () => {
    const other = { ...sides, destination: { bucket: 'bucket-c' } };
    const tasks = parseTaskFile(file({ name: 'a', ...sides }, { name: 'b', ...other }), 'file');
    expect(tasks.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('reports every fault of every task, and names the task', () => {
    const message = messageOf(() => parseTaskFile(file({ name: 'a', ...sides, x: 1 }, 7, { name: 'c' }), 'file'));
    expect(message).toContain('file, tasks.0 (a) is not valid:\n  x: unknown option');
    expect(message).toContain('file, tasks.1 (?) is not valid:\n  (whole): found 7, expected Object');
    expect(message).toContain('file, tasks.2 (c) is not valid:\n  source: is missing');
  });

  it('rejects duplicate names, an empty list of tasks, and unknown fields', () => {
    const twice = file({ name: 'a', ...sides }, { name: 'a', ...sides });
    expect(messageOf(() => parseTaskFile(twice, 'file'))).toContain('two tasks are named "a"');
    expect(messageOf(() => parseTaskFile(file(), 'file'))).toContain('tasks: at least one task is needed');
    expect(messageOf(() => parseTaskFile('{"task":[]}', 'file'))).toContain('task: unknown option');
  });
});

describe('brokenTask', () => {
  it.each([
    ['{', {}],
    ['7', {}],
    ['{"source":{"bucket":7}}', {}],
    ['{"source":{"bucket":"b"},"x":1}', { bucket: 'b' }],
  ])('returns what can be read of %s', (text, known) => {
    expect(brokenTask('n', text)).toEqual({ name: 'n', broken: true, ...known });
  });
});

describe('destinationKey', () => {
  const task = parsed({
    source: { bucket: 'bucket-a', prefix: 'in/' },
    destination: { bucket: 'bucket-b', prefix: 'out//' },
  });

  it.each([
    ['in/', 'out//'],
    ['in/a//b/../', 'out//a//b/../'],
    ['in/in/ +%2F', 'out//in/ +%2F'],
  ])('maps %j to %j, byte for byte', (key, mapped) => {
    expect(destinationKey(task, key)).toBe(mapped);
  });

  it('rejects keys outside the prefix, and keys that become too long', () => {
    expect(() => destinationKey(task, 'i')).toThrow('key "i" is outside the task\'s source prefix "in/"');
    expect(destinationKey(task, `in/${'x'.repeat(1019)}`)).toHaveLength(1024);
    expect(() => destinationKey(task, `in/${'x'.repeat(1020)}`)).toThrow('it has 1025 bytes, S3 allows 1024');
  });
});
