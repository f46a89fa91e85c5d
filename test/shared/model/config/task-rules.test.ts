import { describe, expect, it } from '@jest/globals';
import { parseConfiguration } from '../../../../shared/model/config/configuration.ts';
import { parseTask } from '../../../../shared/model/config/task.ts';

type Options = Record<string, unknown>;

const role = 'arn:aws:iam::123456789012:role/reader';
const chinaRole = 'arn:aws-cn:iam::123456789012:role/path/writer';
const key = '01234567-89ab-cdef-0123-456789abcdef';

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ name: 'InvalidTask', retry: 'never' });
    return (error as Error).message;
  }
  return '';
}

function task(source: Options, destination: Options, more: Options = {}): Options {
  return { name: 'n', source: { bucket: 'from', ...source }, destination: { bucket: 'into', ...destination }, ...more };
}

function faultOf(source: Options, destination: Options, more: Options = {}): string {
  return messageOf(() => parseTask(JSON.stringify(task(source, destination, more)), 'task n'));
}

describe('credentials of a side', () => {
  it.each([
    { ssmParameter: '/other/side' },
    { secretArn: 'arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:dir/keys-a1B2c3' },
    { roleArn: role },
    { roleArn: role, externalId: 'our=id' },
    { anonymous: true },
  ])('accepts %j', (credentials) => {
    expect(parseTask(JSON.stringify(task({ credentials }, {})), 'task').source.credentials).toEqual(credentials);
  });

  it('need a region if they are a web identity', () => {
    const webIdentity = { roleArn: chinaRole, audience: 'sts' };
    expect(faultOf({}, { region: 'cn-north-1', credentials: { webIdentity } })).toBe('');
    expect(faultOf({}, { credentials: { webIdentity } })).toContain(
      "destination.region: is missing, expected the region whose STS issues the role's credentials",
    );
  });

  it.each([
    [
      { ssmParameter: 'x', roleArn: role },
      ': found two kinds of credentials, ssmParameter and roleArn, expected exactly',
    ],
    [{ anonymous: true, webIdentity: {} }, ': found two kinds of credentials, webIdentity and anonymous, expected'],
    [{ externalId: 'xx' }, ': found no kind of credentials, expected exactly one of ssmParameter, secretArn, roleArn,'],
    [{ anonymous: false }, '.anonymous: found a boolean (not shown), expected true'],
    [{ ssmParameter: 'a b' }, '.ssmParameter: expected the name of an SSM parameter'],
    [{ secretArn: 'my-secret' }, '.secretArn: expected the ARN of a secret'],
    [{ roleArn: 'reader' }, '.roleArn: expected the ARN of a role'],
    [{ roleArn: role, externalId: 'x' }, '.externalId: expected an external ID'],
    [{ ssmParameter: 'x', externalId: 'xx' }, '.externalId: unknown option'],
    [{ webIdentity: { roleArn: chinaRole } }, '.webIdentity.audience: is missing'],
    [{ webIdentity: { roleArn: role, audience: 'a b' } }, '.webIdentity.audience: expected an audience'],
    ['x', ': found a string (not shown)'],
    [[], ': found an array'],
  ])('rejects %j, naming the field: %s', (credentials, part) => {
    expect(faultOf({}, { credentials })).toContain(`destination.credentials${part}`);
  });

  it('rejects a role of another partition than the region', () => {
    expect(faultOf({ region: 'us-east-1', credentials: { roleArn: chinaRole } }, {})).toContain(
      'source.credentials.roleArn: found a role of partition aws-cn, ' +
        'expected one of aws, the partition of region us-east-1',
    );
    const webIdentity = { roleArn: role, audience: 'a' };
    expect(faultOf({}, { region: 'cn-north-1', credentials: { webIdentity } })).toContain(
      'destination.credentials.webIdentity.roleArn: found a role of partition aws, expected one of aws-cn',
    );
    expect(faultOf({ region: 'us-gov-west-1', credentials: { roleArn: role } }, {})).toContain('aws-us-gov');
  });

  it('rejects anonymous credentials of a requester who pays', () => {
    expect(faultOf({ requestPayer: true, credentials: { anonymous: true } }, {})).toContain('source.requestPayer: ');
    expect(faultOf({ requestPayer: true }, {})).toBe('');
  });
});

describe('the KMS key of a destination', () => {
  const encrypted = (keyId: string, more: Options = {}) =>
    faultOf({}, { encryption: { type: 'aws:kms', keyId }, ...more });

  it.each([
    key,
    `mrk-${'a'.repeat(32)}`,
    'alias/ferry',
    'alias/aws/s3',
    `arn:aws-cn:kms:cn-north-1:123456789012:key/${key}`,
    'arn:aws:kms:us-east-1:123456789012:alias/a',
  ])('accepts %s', (keyId) => {
    expect(encrypted(keyId)).toBe('');
  });

  it.each([
    'ferry',
    'key/x',
    `key/${key}`,
    'alias/',
    'mrk-1',
    'arn:aws:kms:us-east-1:1:key/x',
    `arn:aws:kms:us-east-1:123456789012:${key}`,
    'arn:aws:s3:::bucket',
    key.toUpperCase(),
  ])('rejects %s', (keyId) => {
    expect(encrypted(keyId)).toContain('destination.encryption.keyId: expected a KMS key ID, alias/NAME, or the ARN');
  });

  it('must be in the region of the bucket', () => {
    const arn = `arn:aws:kms:us-east-1:123456789012:key/${key}`;
    expect(encrypted(arn, { region: 'us-east-1' })).toBe('');
    expect(encrypted(arn, { region: 'eu-west-1' })).toContain(
      'found a key of region us-east-1, expected one of eu-west-1',
    );
  });
});

describe('events of a task', () => {
  it.each([
    [{ endpoint: 'https://store.example' }, 'for a source with an endpoint, whose store cannot notify'],
    [{ credentials: { anonymous: true } }, 'for a source with credentials of its own'],
    [{ credentials: { roleArn: role } }, 'for a source with credentials of its own'],
  ])('rejects them for a source with %j', (source, part) => {
    for (const events of ['create', 'create-delete']) {
      expect(faultOf(source, {}, { events })).toContain(`events: found "${events}" ${part}`);
    }
    expect(faultOf(source, {}, { events: 'none', schedule: 'rate(1 hour)' })).toBe('');
  });
});

describe('patterns of a task', () => {
  it.each([
    ['include: expected at least one pattern', { include: [] }],
    ['exclude.0: a key has at least one character', { exclude: [''] }],
    ['exclude.0: a key has at most 1024 UTF-8 bytes', { exclude: ['x'.repeat(1025)] }],
    ['exclude: found "x", expected Array', { exclude: 'x' }],
    ['include: expected at most 100 patterns', { include: Array(101).fill('x') }],
    [
      'prefixes, include, exclude, certificateAuthority: found a task of 93',
      { include: Array(9).fill('x'.repeat(1000)) },
    ],
  ])('rejects %s', (part, more) => {
    expect(faultOf({}, {}, more)).toContain(part);
  });
});

describe('prefixes of a task', () => {
  it.each([
    ['prefixes: expected at least one prefix', { prefixes: [] }],
    ['prefixes.1: a key has at least one character', { prefixes: ['a', ''] }],
    ['prefixes: expected at most 100 prefixes; prefixList takes more', { prefixes: Array(101).fill('x') }],
    ['prefixList: a key has at least one character', { prefixList: '' }],
    ['prefixList: found beside prefixes, expected one of the two', { prefixList: 'list', prefixes: ['a'] }],
    ['events: found "create" with a prefixList, which only runs read', { prefixList: 'list', events: 'create' }],
  ])('rejects %s', (part, more) => {
    expect(faultOf({}, {}, more)).toContain(part);
  });

  it('allow tasks to share a bucket if the prefixes are known and do not overlap', () => {
    const here = { bucket: 'bucket' };
    const copies = { bucket: 'bucket', prefix: 'copies/' };
    expect(faultOf(here, copies, { prefixes: ['in/', 'more/'] })).toBe('');
    expect(faultOf(here, copies, { prefixes: ['in/', 'cop'] })).toContain('destination: found the source');
    expect(faultOf(here, copies, { prefixList: 'list' })).toContain('destination: found the source');
    const source = { bucket: 'a-bucket' };
    const into = { bucket: 'b-bucket' };
    const both = (one: Options, other: Options): string =>
      messageOf(() =>
        parseConfiguration(
          JSON.stringify({
            tasks: [
              { name: 'one', source, destination: into, ...one },
              { name: 'two', source, destination: into, ...other },
            ],
          }),
          'file',
        ),
      );
    expect(both({ prefixes: ['a/', 'b/'] }, { prefixes: ['c/'] })).toBe('');
    expect(both({ prefixes: ['a/', 'b/'] }, { prefixes: ['b/x'] })).toContain('tasks "one" and "two", destination');
    expect(both({ prefixes: ['a/'] }, { prefixList: 'list' })).toContain('tasks "one" and "two", destination');
  });
});

describe('rules between tasks', () => {
  function faultsOf(...pairs: readonly (readonly [Options, Options])[]): string {
    const tasks = pairs.map(([source, destination], index) => ({ name: `t${index}`, source, destination }));
    return messageOf(() => parseConfiguration(JSON.stringify({ tasks }), 'file'));
  }
  const at = (bucket: string, prefix = '', more: Options = {}): Options => ({
    bucket: `bucket-${bucket}`,
    prefix,
    ...more,
  });

  it.each([
    [at('c'), at('c')],
    [at('c', 'x/'), at('c')],
    [at('c', 'x'), at('c', 'x/y')],
    [at('c', '', { endpoint: 'https://store.example' }), at('c', '', { endpoint: 'https://store.example/' })],
    [at('c', '', { region: 'us-east-1' }), at('c', '', { region: 'eu-west-1' })],
    [at('c', '', { region: 'us-east-1' }), at('c')],
    [at('c'), at('c', '', { endpoint: 'https://s3.us-east-1.amazonaws.com' })],
    [
      at('c', '', { store: 'aliyun-oss', region: 'cn-hangzhou' }),
      at('c', '', { endpoint: 'https://s3.oss-cn-hangzhou-internal.aliyuncs.com' }),
    ],
  ])('reject %j and %j as overlapping destinations', (one, other) => {
    const message = faultsOf([at('a'), one], [at('b'), other]);
    expect(message).toContain('file: tasks "t0" and "t1", destination: found "bucket-c/');
    expect(message).toContain('expected destinations that do not contain each other');
  });

  it.each([
    [at('c', 'x/'), at('c', 'y/')],
    [at('c'), at('d')],
    [at('c'), at('c', '', { endpoint: 'https://store.example' })],
    [at('c'), at('c', '', { store: 'gcs' })],
    [
      at('c', '', { store: 'minio', endpoint: 'https://one.example' }),
      at('c', '', { store: 'minio', endpoint: 'https://two.example' }),
    ],
    [at('c', '', { store: 'r2', accountId: '1'.repeat(32) }), at('c', '', { store: 'r2', accountId: '2'.repeat(32) })],
    [at('c', '', { region: 'us-east-1' }), at('c', '', { region: 'cn-north-1' })],
    [at('c'), at('c', '', { region: 'cn-north-1', credentials: { ssmParameter: 'p' } })],
  ])('accept %j and %j as destinations', (one, other) => {
    expect(faultsOf([at('a'), one], [at('b'), other])).toBe('');
  });

  it.each([
    [
      [at('a'), at('b')],
      [at('b'), at('a')],
    ],
    [
      [at('a', 'x/'), at('b', 'x/')],
      [at('b', 'x/1/'), at('a', 'x/1/')],
    ],
    [
      [at('a'), at('b')],
      [at('b'), at('a', 'back/')],
    ],
    [
      [at('a'), at('b')],
      [at('b'), at('c')],
      [at('c', 'deep/'), at('a', 'x/')],
    ],
    [
      [at('d'), at('e')],
      [at('a'), at('b')],
      [at('b'), at('a')],
    ],
  ] as const)('reject the loop %j', (...pairs) => {
    const message = faultsOf(...pairs);
    expect(message).toMatch(/^file: tasks "t[01]", "t[12]"(, "t2")?, destination: found a loop, "bucket-a\//);
    expect(message.split('\n')).toHaveLength(1);
  });

  it.each([
    [
      [at('a'), at('b')],
      [at('b'), at('c')],
    ],
    [
      [at('a', 'x/'), at('b', 'x/')],
      [at('b', 'y/'), at('a', 'y/')],
    ],
    [
      [at('a'), at('b', 'in/')],
      [at('b', 'out/'), at('a-copy')],
    ],
    [
      [at('a'), at('b')],
      [at('b', '', { endpoint: 'https://store.example' }), at('a')],
    ],
  ] as const)('accept %j, which makes no loop', (...pairs) => {
    expect(faultsOf(...pairs)).toBe('');
  });

  it('check many tasks that all feed each other quickly', () => {
    const tasks = Array.from({ length: 40 }, () => [at('a'), at('a-other')] as const);
    expect(faultsOf(...tasks)).toContain('tasks "t38" and "t39"');
    const ring = Array.from({ length: 40 }, (_, index) => [at(`n${index}`), at(`n${(index + 1) % 40}`)] as const);
    expect(faultsOf(...ring)).toContain('found a loop');
  });

  it('report all faults at once, with those of each task and of the settings', () => {
    const good = { source: { bucket: 'bucket-a' }, destination: { bucket: 'bucket-b' } };
    const text = JSON.stringify({
      stack: { workerMode: 'x' },
      tasks: [
        { name: 'a', ...good, schedule: 'rate(1 hours)' },
        { name: 'b', ...good, source: { bucket: 'bucket-b' } },
        { name: 'c', ...good },
        { name: 'd', ...good },
      ],
    });
    const message = messageOf(() => parseConfiguration(text, 'file'));
    for (const part of [
      'stack.workerMode: found "x"',
      'tasks.0 (a) is not valid:\n  schedule: expected rate(1 hour)',
      "tasks.1 (b) is not valid:\n  destination: found the source's own bucket",
      'tasks "c" and "d", destination: found',
    ]) {
      expect(message).toContain(part);
    }
  });
});
