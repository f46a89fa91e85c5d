import * as v from 'valibot';
import { certificatesSchema } from './certificates.ts';
import { credentialsSchema } from './credentials.ts';
import { keyTextSchema } from '../object-key.ts';
import { checksumAlgorithms } from '../object.ts';
import { storeNames } from '../stores/stores.ts';
import { bucketFault } from './pasted.ts';

/** The two sides of a task: a bucket, its store, and how to reach it. */

const sideEntries = {
  bucket: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/, (issue) => bucketFault(issue.input)),
    v.description('name of the bucket'),
  ),
  prefix: v.optional(
    v.pipe(v.union([v.literal(''), keyTextSchema]), v.description('only keys that begin with it, byte for byte')),
    '',
  ),
  verbatimPrefix: v.exactOptional(
    v.pipe(
      v.boolean(),
      v.description('`true`: prefixes are meant as written, even with a leading slash, `*` or white space at an end'),
    ),
  ),
  store: v.exactOptional(
    v.pipe(
      v.picklist(storeNames),
      v.description(
        'the kind of store, from which `endpoint` and `forcePathStyle` follow; ' +
          'without it `aws`, or the one whose host the `endpoint` is',
      ),
    ),
  ),
  region: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^[a-z0-9-]{2,32}$/, 'expected a region such as us-east-1'),
      v.description(
        "where the bucket is, if not where the functions run; another store's regions as its vendor writes them",
      ),
    ),
  ),
  accountId: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9a-f]{32}$/, 'expected an account ID of 32 hexadecimal digits'),
      v.description("the account that is part of Cloudflare R2's endpoint (32 hexadecimal digits)"),
    ),
  ),
  endpoint: v.exactOptional(
    v.pipe(
      v.string(),
      v.url('expected a URL such as https://s3.oss-cn-hangzhou.aliyuncs.com'),
      v.regex(
        /^https?:\/\/[^/?#@]+\/?$/,
        'expected http(s)://host[:port] without path, user or query (the bucket goes into `bucket`)',
      ),
      v.description(
        "the address of a store, if `store` does not say it: a MinIO's, `https://s3.oss-cn-hangzhou-internal.aliyuncs.com`, ...",
      ),
    ),
  ),
  insecure: v.exactOptional(
    v.pipe(v.boolean(), v.description('`true` permits an `http://` endpoint: objects and tokens travel in the clear')),
  ),
  certificateAuthority: v.exactOptional(
    certificatesSchema(
      "certificates, as PEM text, of the authorities that may have signed the store's certificate, instead of the " +
        'public ones',
    ),
  ),
  forcePathStyle: v.exactOptional(
    v.pipe(v.boolean(), v.description('`true` for stores without a host name for each bucket')),
  ),
  dataPlane: v.exactOptional(
    v.pipe(
      v.picklist(['direct', 'sdk']),
      v.description(
        'what makes the frequent requests: S3 Ferry itself (`direct`, the default), or the AWS SDK, ' +
          'which takes twice the CPU time',
      ),
    ),
  ),
  requestPayer: v.optional(v.pipe(v.boolean(), v.description('`true` for buckets whose requester pays')), false),
  expectedBucketOwner: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9]{12}$/, 'expected a 12-digit account ID'),
      v.description('refuse a bucket that does not belong to this account (12 digits)'),
    ),
  ),
  credentials: v.exactOptional(
    v.pipe(
      credentialsSchema,
      v.description('its own credentials, of one kind; without them the role of the functions is used'),
    ),
  ),
};

export const storageClasses = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
] as const;

/** A KMS key: its ID (that of a multi-Region key begins with mrk-), an alias, or the ARN of either. */
const keyId = '([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})';
const alias = 'alias/[a-zA-Z0-9/_-]{1,250}';
const kmsKey = new RegExp(`^(${keyId}|${alias}|arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:(key/${keyId}|${alias}))$`);

const encryptionSchema = v.variant('type', [
  v.strictObject({ type: v.literal('AES256') }),
  v.strictObject({
    type: v.literal('aws:kms'),
    keyId: v.exactOptional(
      v.pipe(v.string(), v.regex(kmsKey, 'expected a KMS key ID, alias/NAME, or the ARN of a key or an alias')),
    ),
  }),
]);

export const sourceSchema = v.strictObject(sideEntries);

export const destinationSchema = v.strictObject({
  ...sideEntries,
  storageClass: v.exactOptional(
    v.pipe(v.picklist(storageClasses), v.description("storage class of the copies; without it the store's default")),
  ),
  acl: v.exactOptional(
    v.pipe(
      v.picklist(['private', 'bucket-owner-full-control', 'bucket-owner-read']),
      v.description('canned ACL of the copies; off unless set, because it fails on buckets with ACLs disabled'),
    ),
  ),
  encryption: v.exactOptional(
    v.pipe(
      encryptionSchema,
      v.description(
        '`{"type": "AES256"}`, or `{"type": "aws:kms", "keyId": KEY}` with a key ID, an alias or an ARN; ' +
          "without `keyId` the account's own key for S3",
      ),
    ),
  ),
  checksumAlgorithm: v.exactOptional(
    v.pipe(
      v.picklist(checksumAlgorithms),
      v.description("checksum sent with parts and bodies; by default the source's own, else `Content-MD5`"),
    ),
  ),
});

export type Side = v.InferOutput<typeof sourceSchema>;
export type DestinationSide = v.InferOutput<typeof destinationSchema>;
