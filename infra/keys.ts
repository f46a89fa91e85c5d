import { Aws } from 'aws-cdk-lib';
import type { DestinationSide, Side } from '../shared/model/config/task.ts';
import type { Access } from './policies.ts';

/** The bytes of a side's objects that a role reads or writes. */
export interface BytesUse {
  readonly side: Side | DestinationSide;
  readonly reads: boolean;
  readonly writes: boolean;
}

/**
 * Reading needs `kms:Decrypt`. Writing needs both: S3 decrypts the data key for each part, and to complete an upload.
 */
const readActions = ['kms:Decrypt'];
const writeActions = ['kms:Decrypt', 'kms:GenerateDataKey'];

/**
 * The use of KMS keys for the bytes of objects, in calls that S3 makes for the role. Which key an object or a bucket
 * has is not known at synthesis, so any key may be used, of any account, as far as the key's own policy allows it: a
 * customer key at the source, or the default key of a destination bucket. Only a key that a task names is the only one
 * for writing. The encryption context is the object's ARN, or with a bucket key the bucket's (Amazon S3 User Guide:
 * Using server-side encryption with AWS KMS keys, "Encryption context").
 * @param options `contexts`: false to leave the encryption context out
 */
export function keyAccess(uses: readonly BytesUse[], { contexts }: { readonly contexts: boolean }): Access[] {
  return uses.flatMap(({ side, reads, writes }) =>
    [...(reads || writes ? [anyKey(side, writes)] : []), ...(writes ? namedKey(side) : [])].map((access) => ({
      ...access,
      ...(contexts && { contexts: contextPatterns(side.bucket) }),
    })),
  );
}

/** The ARNs of a bucket and of its objects. The partition, which is always the key's, would only be long. */
function contextPatterns(bucket: string): string[] {
  return [`arn:*:s3:::${bucket}`, `arn:*:s3:::${bucket}/*`];
}

/** Any key. If the task names the key, or asks for keys that S3 owns, others are only for reading what is there. */
function anyKey(side: Side | DestinationSide, writes: boolean): Access {
  const region = side.region ?? Aws.REGION;
  const encryption = 'encryption' in side ? side.encryption : undefined;
  const unnamed = encryption === undefined || (encryption.type === 'aws:kms' && encryption.keyId === undefined);
  return {
    actions: writes && unnamed ? writeActions : readActions,
    resources: [`arn:${Aws.PARTITION}:kms:${region}:*:key/*`],
    conditions: throughS3(region),
  };
}

/** The key that the task names for its copies. */
function namedKey(side: Side | DestinationSide): Access[] {
  const encryption = 'encryption' in side ? side.encryption : undefined;
  if (encryption?.type !== 'aws:kms' || encryption.keyId === undefined) return [];
  const { keyId } = encryption;
  const [, , , keyRegion, , name] = keyId.startsWith('arn:') ? keyId.split(':') : [];
  const region = keyRegion ?? side.region ?? Aws.REGION;
  const keys = keyId.startsWith('arn:')
    ? `${keyId.split(':').slice(0, 5).join(':')}:key/`
    : `arn:${Aws.PARTITION}:kms:${region}:${Aws.ACCOUNT_ID}:key/`;
  const alias = [keyId, name].find((text) => text?.startsWith('alias/'));
  if (alias === undefined) {
    const resources = [keyId.startsWith('arn:') ? keyId : `${keys}${keyId}`];
    return [{ actions: writeActions, resources, conditions: throughS3(region) }];
  }
  // An alias is no resource of these actions. The key's aliases, and not that of the request: only the first call of
  // an object names one.
  const conditions = { ...throughS3(region), 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } };
  return [{ actions: writeActions, resources: [`${keys}*`], conditions }];
}

/** Only in calls that S3 makes: in China its name there has another ending. */
function throughS3(region: string): NonNullable<Access['conditions']> {
  return { StringEquals: { 'kms:ViaService': `s3.${region}.${Aws.URL_SUFFIX}` } };
}
