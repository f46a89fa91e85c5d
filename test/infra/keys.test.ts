import { beforeAll, describe, expect, it } from '@jest/globals';
import { evaluate } from '../../emulator/aws/iam/evaluate.ts';
import { account, policiesOfFunction, region } from '../support/policies.ts';
import { synthesize, type Template } from '../support/synthesize.ts';

/** Which keys of KMS a function may use, for which objects: the deployed policies, evaluated. */

const key = 'arn:aws:kms:eu-west-1:999999999999:key/01234567-89ab-cdef-0123-456789abcdef';

describe('keys of KMS', () => {
  let template: Template;
  beforeAll(() => {
    const tasks = [
      { name: 'plain', source: { bucket: 'from', prefix: 'in/' }, destination: { bucket: 'into' } },
      { name: 'checked', source: { bucket: 'left' }, destination: { bucket: 'right' }, compare: 'checksum' },
      {
        name: 'far',
        source: { bucket: 'near' },
        destination: {
          bucket: 'abroad',
          region: 'us-east-1',
          expectedBucketOwner: '999999999999',
          encryption: { type: 'aws:kms', keyId: 'arn:aws:kms:us-east-1:999999999999:alias/theirs' },
        },
      },
    ];
    template = synthesize({ configuration: { tasks } });
  });

  interface Use {
    readonly context?: string;
    readonly via?: string | undefined;
    readonly key?: string;
    readonly aliases?: readonly string[];
  }

  function may(name: string, action: string, { context, via = `s3.${region}.amazonaws.com`, ...use }: Use): boolean {
    const documents = policiesOfFunction(template, name).map(({ document }) => document);
    const verdict = evaluate(documents, {
      action,
      resource: use.key ?? key,
      context: {
        'kms:ViaService': via,
        'kms:ResourceAliases': use.aliases ?? [],
        ...(context !== undefined && { 'kms:EncryptionContext:aws:s3:arn': context }),
      },
    });
    return verdict === 'allowed';
  }

  it.each(['copy-objects', 'plan-upload', 'upload-parts', 'check-upload'])('let %s read and write objects', (name) => {
    // Without a bucket key the context is the object's, with one the bucket's.
    for (const end of ['', '/in/a b']) {
      expect(may(name, 'kms:Decrypt', { context: `arn:aws:s3:::from${end}` })).toBe(true);
      expect(may(name, 'kms:GenerateDataKey', { context: `arn:aws:s3:::into${end}` })).toBe(true);
      // Each part, and completing an upload.
      expect(may(name, 'kms:Decrypt', { context: `arn:aws:s3:::into${end}` })).toBe(true);
    }
    expect(may(name, 'kms:GenerateDataKey', { context: 'arn:aws:s3:::from' })).toBe(false);
  });

  it('are of no use for other buckets, without S3, or in another region', () => {
    expect(may('copy-objects', 'kms:Decrypt', { context: 'arn:aws:s3:::from-elsewhere/a' })).toBe(false);
    expect(may('copy-objects', 'kms:Decrypt', {})).toBe(false);
    expect(
      may('copy-objects', 'kms:Decrypt', { context: 'arn:aws:s3:::from', via: 'ec2.eu-west-1.amazonaws.com' }),
    ).toBe(false);
    expect(
      may('copy-objects', 'kms:Decrypt', { context: 'arn:aws:s3:::from', via: 's3.us-east-1.amazonaws.com' }),
    ).toBe(false);
  });

  it('let find-objects ask for checksums, and nothing else', () => {
    for (const bucket of ['left', 'right']) {
      expect(may('find-objects', 'kms:Decrypt', { context: `arn:aws:s3:::${bucket}/a` })).toBe(true);
      expect(may('find-objects', 'kms:GenerateDataKey', { context: `arn:aws:s3:::${bucket}/a` })).toBe(false);
    }
    expect(may('find-objects', 'kms:Decrypt', { context: 'arn:aws:s3:::from/in/a' })).toBe(false);
  });

  it("behind an alias of another account are that account's, in its region", () => {
    const abroad = { context: 'arn:aws:s3:::abroad/a', via: 's3.us-east-1.amazonaws.com', aliases: ['alias/theirs'] };
    const theirs = 'arn:aws:kms:us-east-1:999999999999:key/k';
    expect(may('copy-objects', 'kms:GenerateDataKey', { ...abroad, key: theirs })).toBe(true);
    expect(may('copy-objects', 'kms:GenerateDataKey', { ...abroad, key: theirs, aliases: ['alias/other'] })).toBe(
      false,
    );
    const ours = `arn:aws:kms:us-east-1:${account}:key/k`;
    expect(may('copy-objects', 'kms:GenerateDataKey', { ...abroad, key: ours })).toBe(false);
  });

  it('are granted to no function that touches no bytes', () => {
    for (const name of ['finish-run', 'abandon-upload', 'sweep-uploads', 'bucket-notifications']) {
      for (const bucket of ['from', 'into', 'left', 'right']) {
        expect([name, may(name, 'kms:Decrypt', { context: `arn:aws:s3:::${bucket}/a` })]).toEqual([name, false]);
      }
    }
  });
});
