/** Configurations of any size, to see what a stack of that size needs. */

/** How a task reaches its buckets, where that makes a difference to a template. */
export const sampleKinds = [
  'plain',
  'a parameter with keys each',
  'a secret with keys each',
  'a role each',
  'a role in another partition each',
  'sources in 20 other accounts',
  'sources in 3 other regions',
  'a KMS key each',
] as const;

export interface SampleKind {
  readonly workerMode: 'lambda' | 'ec2' | 'both';
  readonly kind: (typeof sampleKinds)[number];
}

/** Characters of a bucket's name, on average, for which a stack of 200 tasks has room. */
const bucketCharacters = 45;

/** A configuration of `count` tasks. Each has two buckets of its own, and everything that needs resources. */
export function sampleConfiguration(count: number, { workerMode, kind }: SampleKind): object {
  const tasks = Array.from({ length: count }, (_, index) => {
    const { source = {}, destination = {} } = sidesOf(kind, index);
    return {
      name: `task-${index}`,
      source: { bucket: bucketName('source', index), prefix: 'data/', ...source },
      destination: { bucket: bucketName('destination', index), prefix: 'mirror/', ...destination },
      events: 'create-delete',
      deletes: true,
      schedule: `cron(${index % 60} ${Math.floor(index / 60)} * * ? *)`,
    };
  });
  return { tasks, stack: { workerMode } };
}

function bucketName(side: string, index: number): string {
  return `the-company-${side}-bucket-${index}-`.padEnd(bucketCharacters, 'x');
}

function sidesOf(kind: SampleKind['kind'], index: number): { source?: object; destination?: object } {
  const region = 'cn-northwest-1';
  switch (kind) {
    case 'plain':
      return {};
    case 'a parameter with keys each':
      return { destination: { region, credentials: { ssmParameter: `keys-of-the-other-side-${index}` } } };
    case 'a secret with keys each': {
      const secretArn = `arn:aws:secretsmanager:us-east-1:111122223333:secret:other-side-${index}-a1B2c3`;
      return { destination: { region, credentials: { secretArn } } };
    }
    case 'a role each': {
      const roleArn = `arn:aws:iam::444455556666:role/s3-ferry-writer-${index}`;
      return { destination: { credentials: { roleArn, externalId: `contract-${index}` } } };
    }
    case 'a role in another partition each': {
      const webIdentity = {
        roleArn: `arn:aws-cn:iam::777788889999:role/s3-ferry-${index}`,
        audience: 's3-ferry',
      };
      return { destination: { region, credentials: { webIdentity } } };
    }
    case 'sources in 20 other accounts':
      return { source: { expectedBucketOwner: String(100_000_000_000 + (index % 20)) } };
    case 'sources in 3 other regions':
      return { source: { region: ['us-west-2', 'eu-west-1', 'ap-northeast-1'][index % 3] } };
    case 'a KMS key each': {
      const keyId = `arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-${String(index).padStart(12, '0')}`;
      return { destination: { region: 'us-east-1', encryption: { type: 'aws:kms', keyId } } };
    }
  }
}
