import { beforeAll, describe, expect, it } from '@jest/globals';
import { keyFor, own, permissionsOf, type Permissions, type Statement } from '../support/permissions.ts';
import { plain, resourcesOf, synthesize, type Template } from '../support/synthesize.ts';

const parameters = 'arn:<Partition>:ssm:<Region>:<AccountId>:parameter';
const taskParameters = { [`${parameters}/s3-ferry/S3Ferry/tasks/*`]: ['ssm:GetParameter'] };
const ledger = { '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'] };
const read = ['s3:GetObject', 's3:GetObjectVersion'];
const readAll = ['s3:GetObject', 's3:GetObjectTagging', 's3:GetObjectVersion', 's3:GetObjectVersionTagging'];
const listing = ['s3:ListBucket'];
const from = 'arn:<Partition>:s3:::from';
const to = 'arn:<Partition>:s3:::into';
const uploads = '<UploadMachine>';
const secretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:keys-a1B2c3';
const roleArn = 'arn:aws:iam::123456789012:role/reader';
const chinaRole = 'arn:aws-cn:iam::123456789012:role/writer';
const keyId = '01234567-89ab-cdef-0123-456789abcdef';

/** A function's log, and its traces, of which X-Ray has no finer resource. */
function logs(name: string): Permissions {
  return {
    [`<${name}Logs.Arn>`]: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    '*': ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
  };
}

/** The actions that AWS has no finer resource for than *: traces, and the delivery of the machines' logs. */
const withoutResource = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

describe('permissions for a task with default options', () => {
  let template: Template;

  beforeAll(() => {
    const source = { bucket: 'from', prefix: 'in/' };
    const destination = { bucket: 'into', prefix: 'out/' };
    template = synthesize({ configuration: { tasks: [{ name: 'one', source, destination, events: 'create' }] } });
  });

  const write = [
    's3:AbortMultipartUpload',
    's3:GetObject',
    's3:ListMultipartUploadParts',
    's3:PutObject',
    's3:PutObjectTagging',
  ];
  // Objects may have a key of the customer; so may the destination by default.
  const keys = { [keyFor(['from'])]: ['kms:Decrypt'], [keyFor(['into'])]: ['kms:Decrypt', 'kms:GenerateDataKey'] };
  const consume = [
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'sqs:GetQueueUrl',
    'sqs:ReceiveMessage',
    'sqs:SendMessage',
  ];
  const table: Readonly<Record<string, Permissions>> = {
    'plan-sync': {
      ...logs('PlanSync'),
      ...taskParameters,
      '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:PutItem'],
      'arn:<Partition>:states:<Region>:<AccountId>:execution:<SyncMachine.Name>:*': ['states:DescribeExecution'],
      [from + own]: listing,
      [`${from}/in/*${own}`]: ['s3:GetObject', 's3:GetObjectTagging'],
      [to + own]: listing,
      [`${to}/out/*${own}`]: write,
      ...keys,
    },
    'cut-ranges': {
      ...logs('CutRanges'),
      ...taskParameters,
      '<QueuesJobs.Arn>': ['sqs:GetQueueAttributes'],
      '<LedgerTable.Arn>': ['dynamodb:GetItem'],
      [`${from}${own} if {"StringLike":{"s3:prefix":"in/*"}}`]: listing,
      [`${to}${own} if {"StringLike":{"s3:prefix":"out/*"}}`]: listing,
    },
    'find-objects': {
      ...logs('FindObjects'),
      ...taskParameters,
      [`${from}${own} if {"StringLike":{"s3:prefix":"in/*"}}`]: listing,
      [`${to}${own} if {"StringLike":{"s3:prefix":"out/*"}}`]: listing,
      '<QueuesJobs.Arn>': ['sqs:GetQueueAttributes', 'sqs:SendMessage'],
      '<LedgerTable.Arn>': ['dynamodb:BatchGetItem', 'dynamodb:GetItem'],
      '<LedgerTable.Arn>/index/failed': ['dynamodb:Query'],
    },
    'check-deletes': { ...logs('CheckDeletes'), '<LedgerTable.Arn>': ['dynamodb:GetItem'] },
    'check-run': {
      ...logs('CheckRun'),
      '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:Scan'],
      '<QueuesJobs.Arn>': ['sqs:GetQueueAttributes'],
      [uploads]: ['states:ListExecutions'],
    },
    'finish-run': {
      ...logs('FinishRun'),
      '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:PutItem'],
      '<LedgerTable.Arn>/index/failed': ['dynamodb:Query'],
    },
    'copy-objects': {
      ...logs('CopyObjects'),
      ...keys,
      ...taskParameters,
      [`${parameters}/s3-ferry/S3Ferry/tasks`]: ['ssm:GetParametersByPath'],
      ...ledger,
      [from + own]: listing,
      [`${from}/in/*${own}`]: readAll,
      [to + own]: listing,
      [`${to}/out/*${own}`]: write,
      '<QueuesDeadLetters.Arn>': ['sqs:SendMessage'],
      // What an event source mapping needs (CDK grants it); the handler changes visibilities itself too.
      '<QueuesJobs.Arn>': consume,
      '<QueuesEvents.Arn>': consume,
      [uploads]: ['states:ListExecutions', 'states:StartExecution'],
      [`arn:<Partition>:states:<Region>:<AccountId>:execution:<6 of ${uploads}>:*`]: ['states:DescribeExecution'],
    },
    'plan-upload': {
      ...logs('PlanUpload'),
      ...keys,
      ...taskParameters,
      ...ledger,
      [from + own]: listing,
      [`${from}/in/*${own}`]: readAll,
      [to + own]: listing,
      [`${to}/out/*${own}`]: write,
    },
    'upload-parts': {
      '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
      ...logs('UploadParts'),
      ...keys,
      ...taskParameters,
      [from + own]: listing,
      [`${from}/in/*${own}`]: read,
      [`${to}/out/*${own}`]: ['s3:ListMultipartUploadParts', 's3:PutObject'],
    },
    'check-upload': {
      ...logs('CheckUpload'),
      ...keys,
      ...taskParameters,
      ...ledger,
      [from + own]: listing,
      [`${from}/in/*${own}`]: read,
      [to + own]: listing,
      [`${to}/out/*${own}`]: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'],
    },
    'abandon-upload': {
      ...logs('AbandonUpload'),
      ...taskParameters,
      ...ledger,
      [`${to}/out/*${own}`]: ['s3:AbortMultipartUpload'],
      '<QueuesDeadLetters.Arn>': ['sqs:SendMessage'],
    },
    'bucket-notifications': {
      ...logs('NotificationsSetter'),
      [from + own]: ['s3:GetBucketNotification', 's3:PutBucketNotification'],
    },
    'sweep-uploads': {
      ...logs('SweepUploads'),
      ...taskParameters,
      [`${parameters}/s3-ferry/S3Ferry/tasks`]: ['ssm:GetParametersByPath'],
      '<LedgerTable.Arn>': ['dynamodb:GetItem'],
      [from + own]: ['s3:GetBucketNotification'],
      [to + own]: ['s3:ListBucketMultipartUploads'],
      [`${to}/out/*${own}`]: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
    },
  };

  it('grants each function exactly the calls that it makes', () => {
    expect(permissionsOf(template)).toEqual(table);
  });

  it('uses no wildcard for an action, and the resource * only if AWS has no finer one', () => {
    const policies = resourcesOf(template, 'AWS::IAM::Policy');
    const statements = policies.flatMap(
      ({ Properties }) => (Properties as { PolicyDocument: { Statement: Statement[] } }).PolicyDocument.Statement,
    );
    expect(statements.length).toBeGreaterThan(20);
    for (const { Action, Resource } of statements) {
      if ([plain(Resource)].flat().includes('*'))
        expect(withoutResource).toEqual(expect.arrayContaining([Action].flat()));
      expect([Action].flat().join()).not.toContain('*');
    }
  });
});

describe('permissions by configuration', () => {
  let template: Template;
  let permissions: Readonly<Record<string, Permissions>>;

  beforeAll(() => {
    const task = (name: string, options: Record<string, unknown>, destination: object, source: object = {}) => ({
      name,
      source: { bucket: `${name}-from`, ...source },
      destination: { bucket: `${name}-to`, ...destination },
      ...options,
    });
    template = synthesize({
      configuration: {
        tasks: [
          task('deletes', { deletes: true }, {}),
          task('removes', { events: 'create-delete' }, {}),
          task('acl', {}, { acl: 'bucket-owner-full-control' }),
          task('checksum', { compare: 'checksum' }, { prefix: 'p/' }, { prefix: 'q/' }),
          task('endpoint', {}, { endpoint: 'https://store.example', prefix: 'p/' }),
          task('remote', {}, { credentials: { ssmParameter: '/other/side' } }, { credentials: { anonymous: true } }),
          task('pulled', {}, {}, { credentials: { ssmParameter: 'pulled-keys' } }),
          task('secret', {}, {}, { credentials: { secretArn } }),
          task('role', {}, {}, { credentials: { roleArn, externalId: 'ours' } }),
          task(
            'china',
            {},
            { region: 'cn-north-1', credentials: { webIdentity: { roleArn: chinaRole, audience: 'ferry' } } },
          ),
          task('wordy', { include: Array.from({ length: 3 }, () => 'ü'.repeat(500)) }, {}),
          task('wordier', { include: Array.from({ length: 8 }, () => 'ü'.repeat(400)) }, {}),
          task('bare', { tags: false }, {}),
          task('listed', { prefixList: 'lists/today *' }, {}, { prefix: 'in/' }),
          task('listed-there', { prefixList: 'list' }, {}, { credentials: { ssmParameter: 'there' } }),
          task('odd', {}, {}, { prefix: '$a*b?/€uro/', verbatimPrefix: true }),
          task(
            'key',
            {},
            { encryption: { type: 'aws:kms', keyId: `arn:aws-cn:kms:cn-north-1:123456789012:key/${keyId}` } },
          ),
          task('uuid', {}, { region: 'eu-west-1', encryption: { type: 'aws:kms', keyId: `mrk-${'0'.repeat(32)}` } }),
          task('alias', {}, { encryption: { type: 'aws:kms', keyId: 'alias/ferry' } }),
          task('aes', {}, { encryption: { type: 'AES256' } }),
          task('owned', {}, { expectedBucketOwner: '210987654321' }),
          task('paid', {}, {}, { requestPayer: true }),
          task(
            'foreign-alias',
            {},
            {
              region: 'cn-north-1',
              encryption: { type: 'aws:kms', keyId: 'arn:aws-cn:kms:cn-north-1:123456789012:alias/theirs' },
            },
          ),
          task('default-key', {}, { encryption: { type: 'aws:kms' } }),
          task(
            'far-key',
            {},
            {
              encryption: { type: 'aws:kms', keyId: 'alias/far' },
              credentials: { ssmParameter: 'far' },
            },
          ),
        ],
      },
    });
    permissions = permissionsOf(template);
  });

  /** What `name` may do on resources that begin with `start`. */
  function on(name: string, start: string): Record<string, readonly string[]> {
    const entries = Object.entries(permissions[name] ?? {});
    return Object.fromEntries(entries.filter(([resource]) => resource.startsWith(start)));
  }

  /** Functions that look at no side of a task. */
  const withoutSides = ['check-deletes', 'check-run', 'finish-run', 'bucket-notifications'];
  const bucket = (name: string) => `arn:<Partition>:s3:::${name}`;
  /** Resources of a bucket that the stack's account owns. */
  const ours = (name: string) => bucket(name) + own;

  it.each(['copy-objects', 'plan-upload'])('lets %s delete only if the task replicates deletes', (name) => {
    expect(on(name, bucket('deletes-to/'))[ours('deletes-to/*')]).toContain('s3:DeleteObject');
    expect(on(name, bucket('removes-to/'))[ours('removes-to/*')]).toContain('s3:DeleteObject');
    expect(on(name, bucket('acl-to/'))[ours('acl-to/*')]).not.toContain('s3:DeleteObject');
    expect(Object.values(on(name, bucket('deletes-from'))).flat()).not.toContain('s3:DeleteObject');
  });

  it('adds s3:PutObjectAcl for a canned ACL', () => {
    expect(on('copy-objects', bucket('acl-to/'))[ours('acl-to/*')]).toContain('s3:PutObjectAcl');
    expect(on('copy-objects', bucket('deletes-to/'))[ours('deletes-to/*')]).not.toContain('s3:PutObjectAcl');
  });

  it('leaves the tier of a task to Parameter Store, which refuses a lower one', () => {
    const tiers = resourcesOf(template, 'AWS::SSM::Parameter').flatMap(({ Properties }) => {
      const { Name, Tier } = plain(Properties) as { Name: string; Tier: string };
      return Name.includes('/tasks/') ? [Tier] : [];
    });
    expect(new Set(tiers)).toEqual(new Set(['Intelligent-Tiering']));
  });

  it('grants nothing for tags if they are not copied', () => {
    for (const name of ['copy-objects', 'plan-upload']) {
      expect(
        Object.values(on(name, bucket('bare-')))
          .flat()
          .join(),
      ).not.toContain('Tagging');
      expect(
        Object.values(on(name, bucket('acl-')))
          .flat()
          .join(),
      ).toContain('s3:PutObjectTagging');
    }
  });

  it('lets only the functions that use a prefix list read it, with the credentials of the source', () => {
    const list = ours('listed-from/lists/today ${*}');
    for (const name of Object.keys(permissions)) {
      const reads = ['plan-sync', 'cut-ranges', 'find-objects'].includes(name);
      expect([name, on(name, list)]).toEqual([name, reads ? { [list]: ['s3:GetObject'] } : {}]);
      expect(on(name, bucket('listed-there-from'))).toEqual({});
    }
  });

  it('lets find-objects read single objects only if listings do not suffice', () => {
    expect(on('find-objects', bucket('checksum-'))).toEqual({
      [ours('checksum-from')]: listing,
      [ours('checksum-from/q/*')]: ['s3:GetObject'],
      [ours('checksum-to')]: listing,
      [ours('checksum-to/p/*')]: ['s3:GetObject'],
    });
    expect(on('find-objects', bucket('endpoint-'))).toEqual({
      [ours('endpoint-from')]: listing,
      [ours('endpoint-from/*')]: ['s3:GetObject'],
      [ours('endpoint-to')]: listing,
      [ours('endpoint-to/p/*')]: ['s3:GetObject'],
    });
    expect(on('find-objects', bucket('deletes-'))).toEqual({
      [ours('deletes-from')]: listing,
      [ours('deletes-to')]: listing,
    });
  });

  it('lets handlers read the credentials of a side, and grants nothing on its bucket', () => {
    for (const [name, granted] of Object.entries(permissions)) {
      const buckets = Object.keys(granted).filter((resource) => /remote-|pulled-from/.test(resource));
      expect([name, buckets]).toEqual([name, []]);
      for (const parameter of [`${parameters}/other/side`, `${parameters}/pulled-keys`]) {
        expect(on(name, parameter)).toEqual(withoutSides.includes(name) ? {} : { [parameter]: ['ssm:GetParameter'] });
      }
    }
    const parts = ['s3:ListMultipartUploadParts', 's3:PutObject'];
    expect(on('upload-parts', bucket('pulled-to'))).toEqual({ [ours('pulled-to/*')]: parts });
  });

  it('grants one permission per kind of credentials, on exactly the named resource', () => {
    const audience = {
      'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': ['ferry'] },
      Null: { 'sts:IdentityTokenAudience': 'false' },
      NumericLessThanEquals: { 'sts:DurationSeconds': '300' },
    };
    const expected = {
      [secretArn]: ['secretsmanager:GetSecretValue'],
      [roleArn]: ['sts:AssumeRole'],
      // A token has no ARN that a policy could name; what it may be for is its audience.
      [`* if ${JSON.stringify(audience)}`]: ['sts:GetWebIdentityToken'],
    };
    for (const [name, granted] of Object.entries(permissions)) {
      const found = Object.entries(granted).filter(([, actions]) => /^(sts|secretsmanager):/.test(actions.join()));
      expect([name, Object.fromEntries(found)]).toEqual([
        name,
        ['check-deletes', 'check-run', 'finish-run', 'bucket-notifications'].includes(name) ? {} : expected,
      ]);
      const buckets = Object.keys(granted).filter((resource) => /secret-from|role-from|china-to/.test(resource));
      expect([name, buckets]).toEqual([name, []]);
    }
  });

  it('escapes wildcards of a prefix, and uses a wildcard for characters that policies cannot hold', () => {
    expect(on('upload-parts', bucket('odd-from/'))).toEqual({ [ours('odd-from/${$}a${*}b${?}/*uro/*')]: read });
  });

  describe('of KMS keys', () => {
    const use = ['kms:Decrypt', 'kms:GenerateDataKey'];
    /** Keys of a function for the buckets of some tasks only. */
    const keys = (name: string, buckets: RegExp) =>
      Object.entries(permissions[name] ?? {})
        .filter(([, actions]) => actions.join().includes('kms:'))
        .filter(([resource]) => buckets.test(resource));

    it.each(['copy-objects', 'plan-upload', 'upload-parts', 'check-upload'])(
      'lets %s write with the key that the task names',
      (name) => {
        const account = 'arn:aws-cn:kms:cn-north-1:123456789012';
        const alias = (text: string) => ({ 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': text } });
        expect(Object.fromEntries(keys(name, /:key\/[^*]|ResourceAliases/))).toEqual({
          [keyFor(['key-to'], 'cn-north-1', `${account}:key/${keyId}`)]: use,
          [keyFor(['uuid-to'], 'eu-west-1', `arn:<Partition>:kms:eu-west-1:<AccountId>:key/mrk-${'0'.repeat(32)}`)]:
            use,
          [keyFor(['alias-to'], '<Region>', 'arn:<Partition>:kms:<Region>:<AccountId>:key/*', alias('alias/ferry'))]:
            use,
          // Of the account and region in its ARN, not of the stack's.
          [keyFor(['foreign-alias-to'], 'cn-north-1', `${account}:key/*`, alias('alias/theirs'))]: use,
        });
      },
    );

    it.each(['copy-objects', 'plan-upload', 'upload-parts', 'check-upload'])(
      'lets %s read sources, and write destinations of which no key is known',
      (name) => {
        const actionsFor = (bucket: string) =>
          keys(name, new RegExp(`:\\*:key/.*:s3:::${bucket}"`)).map(([, actions]) => actions);
        expect(actionsFor('bare-from')).toEqual([['kms:Decrypt']]);
        for (const bucket of ['bare-to', 'default-key-to'])
          expect([bucket, actionsFor(bucket)]).toEqual([bucket, [use]]);
        // Objects that are there already may have any key.
        for (const bucket of ['key-to', 'aes-to'])
          expect([bucket, actionsFor(bucket)]).toEqual([bucket, [['kms:Decrypt']]]);
        expect(actionsFor('far-key-to')).toEqual([]);
      },
    );

    it('lets find-objects decrypt only what it reads', () => {
      const buckets = (name: string) =>
        keys(name, /./).flatMap(([resource]) => resource.match(/(?<=:s3:::)[\w-]+(?=")/g) ?? []);
      expect(buckets('find-objects')).toEqual(expect.arrayContaining(['checksum-from', 'checksum-to', 'listed-from']));
      expect(buckets('find-objects')).not.toContain('bare-from');
      for (const [, actions] of keys('find-objects', /./)) expect(actions).toEqual(['kms:Decrypt']);
    });

    it('grants other functions none', () => {
      for (const name of [
        'check-deletes',
        'check-run',
        'finish-run',
        'abandon-upload',
        'sweep-uploads',
        'bucket-notifications',
      ])
        expect([name, keys(name, /./)]).toEqual([name, []]);
    });
  });

  it('lets the sweep read the notification of source buckets with events, in the own account, and of no other', () => {
    const read = Object.entries(permissions['sweep-uploads'] ?? {}).filter(([, actions]) =>
      actions.includes('s3:GetBucketNotification'),
    );
    expect(read).toEqual([[`${bucket('removes-from')} of <AccountId>`, ['s3:GetBucketNotification']]]);
  });

  it('grants nothing on a bucket of another owner than the task says, or than the stack itself', () => {
    expect(on('copy-objects', bucket('owned-to'))).toEqual({
      [`${bucket('owned-to')} of 210987654321`]: listing,
      [`${bucket('owned-to/*')} of 210987654321`]: expect.any(Array),
    });
    // Who owns a bucket whose requester pays, only its task can know.
    expect(Object.keys(on('copy-objects', bucket('paid-from')))).toEqual([bucket('paid-from'), bucket('paid-from/*')]);
    for (const [name, granted] of Object.entries(permissions)) {
      const unowned = Object.keys(granted).filter(
        (resource) =>
          resource.includes(':s3:::') &&
          !resource.includes(':kms:') &&
          !/ of (<AccountId>|210987654321)/.test(resource),
      );
      expect([name, unowned.filter((resource) => !resource.includes('paid-from'))]).toEqual([name, []]);
    }
  });
});
