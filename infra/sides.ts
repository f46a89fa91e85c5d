import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { identityTokenSeconds } from '../shared/model/limits.ts';
import type { DestinationSide, Side, Task } from '../shared/model/config/task.ts';
import { parameterArn } from './tasks.ts';
import { explainWildcard } from './wildcards.ts';

/** What a function does with one side of each task. */
export interface SideUse {
  /**
   * `within`: lists under the side's prefix. `whole`: needs ListBucket without the condition on a prefix, because it
   * checks the bucket itself or reads objects that may be missing. Without s3:ListBucket, S3 answers 403 instead of
   * 404, and those requests carry no prefix for a condition.
   */
  readonly listing?: (task: Task) => 'within' | 'whole';
  /** single keys that it reads, inside or outside the prefix */
  readonly keys?: (task: Task) => readonly string[];
  /** S3 actions on the objects under the side's prefix */
  readonly objects?: (task: Task) => readonly string[];
  /** true if it lists the bucket's open uploads: S3 has no condition on their prefix */
  readonly uploads?: boolean;
  /** true if it writes bytes, which a KMS key of the destination encrypts */
  readonly encrypts?: boolean;
}

export interface SidesUse {
  readonly source?: SideUse;
  readonly destination?: SideUse;
}

/** For {@link SideUse.listing}. */
export const wholeBucket = (): 'whole' => 'whole';

/** HEAD and GET of the pinned version of an object. */
export const readActions = ['s3:GetObject', 's3:GetObjectVersion'] as const;
/** Reading an object's tags, if the task copies them. */
function tagActions({ tags }: Task): readonly string[] {
  return tags ? ['s3:GetObjectTagging', 's3:GetObjectVersionTagging'] : [];
}
/** Aborting multipart uploads. */
export const abortActions = ['s3:AbortMultipartUpload'] as const;
/** Aborting multipart uploads and listing their parts. */
export const uploadActions = ['s3:ListMultipartUploadParts', ...abortActions] as const;

/** DeleteObject if the task replicates deletes, in runs or by events. */
function deleteActions(task: Task): readonly string[] {
  return task.deletes || task.events === 'create-delete' ? ['s3:DeleteObject'] : [];
}

/** Creating an object: bytes, tags, and the canned ACL if one is configured. */
function createActions(task: Task): readonly string[] {
  const acl = task.destination.acl === undefined ? [] : ['s3:PutObjectAcl'];
  return ['s3:PutObject', ...(task.tags ? ['s3:PutObjectTagging'] : []), ...acl];
}

/** Copying objects: reads the source and its tags, writes whole objects and uploads. */
export const copySides: SidesUse = {
  source: { listing: wholeBucket, objects: (task) => [...readActions, ...tagActions(task)] },
  destination: {
    listing: wholeBucket,
    objects: (task) => ['s3:GetObject', ...createActions(task), ...uploadActions, ...deleteActions(task)],
    encrypts: true,
  },
};

/**
 * Grants what `use` says on the sides of every task. A side with its own credentials grants the role nothing, because
 * the role never touches that bucket. Credentials may be read for both sides, because handlers open both.
 */
export function grantSides(role: Role, tasks: readonly Task[], use: SidesUse): void {
  const statements = tasks.flatMap((task) => [
    ...[task.source, task.destination].flatMap((side) => credentialStatements(role, side)),
    ...(use.source ? sideStatements(task, task.source, use.source) : []),
    ...(use.destination ? sideStatements(task, task.destination, use.destination) : []),
    ...(use.destination?.encrypts ? keyStatements(task.destination) : []),
  ]);
  for (const statement of statements) role.addToPolicy(statement);
  explainWildcard(role, /:s3:::[^/]+\/[^]*\*$/, "the objects under a task's prefix");
  explainWildcard(role, /:kms:.*:key\/\*$/, 'the key behind an alias, which a condition names');
  explainWildcard(role, /^\*$/, 'web identity tokens have no resource; a condition names their audience');
}

/** Obtaining the credentials of a side. The policy of a KMS key that encrypts them must admit the role itself. */
function credentialStatements(scope: Construct, { credentials }: Side): PolicyStatement[] {
  if (!credentials || 'anonymous' in credentials) return [];
  if ('ssmParameter' in credentials) {
    const resources = [parameterArn(scope, credentials.ssmParameter)];
    return [new PolicyStatement({ actions: ['ssm:GetParameter'], resources })];
  }
  if ('secretArn' in credentials) {
    return [new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [credentials.secretArn] })];
  }
  if ('roleArn' in credentials) {
    return [new PolicyStatement({ actions: ['sts:AssumeRole'], resources: [credentials.roleArn] })];
  }
  // A token is not a resource: its audience limits its use. Exchanging it needs no permission in this account.
  const conditions = {
    'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': [credentials.webIdentity.audience] },
    Null: { 'sts:IdentityTokenAudience': 'false' },
    NumericLessThanEquals: { 'sts:DurationSeconds': identityTokenSeconds },
  };
  return [new PolicyStatement({ actions: ['sts:GetWebIdentityToken'], resources: ['*'], conditions })];
}

function sideStatements(task: Task, side: Side, use: SideUse): PolicyStatement[] {
  if (side.credentials) return [];
  const statements: PolicyStatement[] = [];
  const bucketArn = `arn:${Aws.PARTITION}:s3:::${side.bucket}`;
  const pattern = policyPattern(side.prefix);
  if (use.listing) {
    const limited = use.listing(task) === 'within' && side.prefix !== '';
    const conditions = limited ? { StringLike: { 's3:prefix': `${pattern}*` } } : {};
    statements.push(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucketArn], conditions }));
  }
  if (use.uploads) {
    statements.push(new PolicyStatement({ actions: ['s3:ListBucketMultipartUploads'], resources: [bucketArn] }));
  }
  const actions = use.objects?.(task) ?? [];
  if (actions.length > 0) {
    statements.push(new PolicyStatement({ actions: [...actions], resources: [`${bucketArn}/${pattern}*`] }));
  }
  const keys = use.keys?.(task) ?? [];
  if (keys.length > 0) {
    const resources = keys.map((key) => `${bucketArn}/${policyPattern(key)}`);
    statements.push(new PolicyStatement({ actions: ['s3:GetObject'], resources }));
  }
  return statements;
}

/** The task's prefix list, which a run reads. */
export function prefixListOf({ prefixList }: Task): readonly string[] {
  return prefixList === undefined ? [] : [prefixList];
}

/** A KMS key of the destination encrypts every part, and is used again when the upload is completed. */
function keyStatements(destination: DestinationSide): PolicyStatement[] {
  const { encryption, credentials } = destination;
  // Without a key ID it is the account's own key for S3, whose policy already admits callers of S3.
  if (encryption?.type !== 'aws:kms' || encryption.keyId === undefined || credentials) return [];
  const { keyId } = encryption;
  const actions = ['kms:GenerateDataKey', 'kms:Decrypt'];
  const region = destination.region ?? Aws.REGION;
  const keys = `arn:${Aws.PARTITION}:kms:${region}:${Aws.ACCOUNT_ID}:key/`;
  const alias = /(?:^|:)(alias\/.+)$/.exec(keyId)?.[1];
  if (alias !== undefined) {
    const conditions = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } };
    return [new PolicyStatement({ actions, resources: [`${keys}*`], conditions })];
  }
  return [new PolicyStatement({ actions, resources: [keyId.startsWith('arn:') ? keyId : `${keys}${keyId}`] })];
}

/**
 * A prefix as a pattern of a policy: wildcards are escaped, and characters that policies cannot hold (they are Latin-1)
 * become a wildcard.
 */
export function policyPattern(prefix: string): string {
  return prefix.replace(/[$*?]/g, (character) => `\${${character}}`).replace(/[^\x20-\xff]+/g, '*');
}
