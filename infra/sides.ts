import { Aws } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { identityTokenSeconds } from '../shared/model/limits.ts';
import type { Side, Task } from '../shared/model/config/task.ts';
import { keyAccess } from './keys.ts';
import { fitsRole, grantAccess, type Access, type Conditions } from './policies.ts';
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
  /** true if it reads the notification of a bucket of the stack's own account whose events a task needs */
  readonly notification?: boolean;
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
  },
};

/**
 * Looking at both sides before a run, and at the prefix list: reads an object, and begins and aborts an upload
 * (shared/find/check-access.ts). What only a copy needs, such as deletes, is left out.
 */
export const checkSides: SidesUse = {
  source: {
    listing: wholeBucket,
    keys: prefixListOf,
    objects: ({ tags }) => ['s3:GetObject', ...(tags ? ['s3:GetObjectTagging'] : [])],
  },
  destination: { listing: wholeBucket, objects: (task) => ['s3:GetObject', ...createActions(task), ...uploadActions] },
};

/**
 * Grants what `use` says on the sides of every task, and the KMS keys of the objects that it reads or writes there. A
 * side with its own credentials grants the role nothing, because the role never touches that bucket. Credentials may be
 * read for both sides, because handlers open both.
 */
export function grantSides(role: Role, tasks: readonly Task[], use: SidesUse): void {
  const accesses = tasks.flatMap((task) => [
    ...[task.source, task.destination].flatMap((side) => credentialAccess(role, side)),
    ...(use.source ? sideAccess(task, task.source, use.source) : []),
    ...(use.destination ? sideAccess(task, task.destination, use.destination) : []),
  ]);
  const uses = tasks.flatMap((task) =>
    (['source', 'destination'] as const).map((name) => ({
      side: task[name],
      ...bytesUse(task, task[name], use[name]),
    })),
  );
  const all = [...accesses, ...keyAccess(uses, { contexts: true })];
  // A role that may use a key only through S3 can use it only for objects that it may read or write. So with so many
  // buckets that their names do not fit twice, the objects are not named a second time.
  grantAccess(role, fitsRole(all) ? all : [...accesses, ...keyAccess(uses, { contexts: false })]);
  explainWildcard(role, /:s3:::[^/]+\/[^]*\*$/, "the objects under a task's prefix");
  explainWildcard(
    role,
    /:kms:.*:key\/\*$/,
    'keys of the objects of tasks, which conditions limit to S3 and its buckets',
  );
  explainWildcard(role, /^\*$/, 'web identity tokens have no resource; a condition names their audience');
}

/** Obtaining the credentials of a side. The policy of a KMS key that encrypts them must admit the role itself. */
function credentialAccess(scope: Construct, { credentials }: Side): Access[] {
  if (!credentials || 'anonymous' in credentials) return [];
  if ('ssmParameter' in credentials) {
    return [{ actions: ['ssm:GetParameter'], resources: [parameterArn(scope, credentials.ssmParameter)] }];
  }
  if ('secretArn' in credentials) {
    return [{ actions: ['secretsmanager:GetSecretValue'], resources: [credentials.secretArn] }];
  }
  if ('roleArn' in credentials) return [{ actions: ['sts:AssumeRole'], resources: [credentials.roleArn] }];
  // A token is not a resource: its audience limits its use. Exchanging it needs no permission in this account.
  const conditions = {
    'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': [credentials.webIdentity.audience] },
    Null: { 'sts:IdentityTokenAudience': 'false' },
    // As text: AWS takes numbers too, other readers of templates do not.
    NumericLessThanEquals: { 'sts:DurationSeconds': String(identityTokenSeconds) },
  };
  return [{ actions: ['sts:GetWebIdentityToken'], resources: ['*'], conditions }];
}

function sideAccess(task: Task, side: Side, use: SideUse): Access[] {
  if (side.credentials) return [];
  const bucketArn = `arn:${Aws.PARTITION}:s3:::${side.bucket}`;
  const pattern = policyPattern(side.prefix);
  const conditions = ownerCondition(side);
  const accesses: Access[] = [];
  if (use.listing) {
    const limited = use.listing(task) === 'within' && side.prefix !== '';
    const within = limited ? { ...conditions, StringLike: { 's3:prefix': `${pattern}*` } } : conditions;
    accesses.push({ actions: ['s3:ListBucket'], resources: [bucketArn], conditions: within });
  }
  if (use.uploads) {
    accesses.push({ actions: ['s3:ListBucketMultipartUploads'], resources: [bucketArn], conditions });
  }
  if (use.notification && task.events !== 'none') {
    const ofOwnAccount = { StringEquals: { 'aws:ResourceAccount': Aws.ACCOUNT_ID } };
    accesses.push({ actions: ['s3:GetBucketNotification'], resources: [bucketArn], conditions: ofOwnAccount });
  }
  const actions = use.objects?.(task) ?? [];
  if (actions.length > 0) accesses.push({ actions, resources: [`${bucketArn}/${pattern}*`], conditions });
  const keys = use.keys?.(task) ?? [];
  if (keys.length > 0) {
    const resources = keys.map((key) => `${bucketArn}/${policyPattern(key)}`);
    accesses.push({ actions: ['s3:GetObject'], resources, conditions });
  }
  return accesses;
}

/**
 * A bucket's name says nothing about its owner: after it was deleted, anyone can create a bucket of that name, and
 * would receive the copies. So only the account that a task names, or the stack's own, may own it. Of a bucket whose
 * requester pays, which belongs to another account, only a task can know the owner.
 */
export function ownerCondition({ expectedBucketOwner, requestPayer }: Side): Conditions {
  if (expectedBucketOwner === undefined && requestPayer) return {};
  return { StringEquals: { 'aws:ResourceAccount': expectedBucketOwner ?? Aws.ACCOUNT_ID } };
}

/** Does the role read or write bytes of objects on a side with its own permissions? */
function bytesUse(task: Task, side: Side, use: SideUse | undefined): { reads: boolean; writes: boolean } {
  const actions = side.credentials ? [] : (use?.objects?.(task) ?? []);
  const keys = side.credentials ? [] : (use?.keys?.(task) ?? []);
  return {
    // Also a HEAD that asks for checksums needs the key (Amazon S3 API Reference: HeadObject).
    reads: actions.includes('s3:GetObject') || keys.length > 0,
    writes: actions.includes('s3:PutObject'),
  };
}

/** The task's prefix list, which a run reads. */
export function prefixListOf({ prefixList }: Task): readonly string[] {
  return prefixList === undefined ? [] : [prefixList];
}

/**
 * A prefix as a pattern of a policy: wildcards are escaped, and characters that policies cannot hold (they are Latin-1)
 * become a wildcard.
 */
export function policyPattern(prefix: string): string {
  return prefix.replace(/[$*?]/g, (character) => `\${${character}}`).replace(/[^\x20-\xff]+/g, '*');
}
