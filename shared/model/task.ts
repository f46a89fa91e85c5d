import * as v from 'valibot';
import { Fault } from './faults.ts';
import {
  defaultLargeObjectThreshold,
  defaultPartSize,
  defaultUploadConcurrency,
  maxKeyBytes,
  maxPartSize,
  minPartSize,
} from './limits.ts';
import { keySchema } from './job.ts';
import { quoteKey, checksumAlgorithms } from './object.ts';
import { parseJsonWith, parseWith } from './parse.ts';
import { stackSettingsSchema, type StackSettings } from './settings.ts';
import { parseSize } from './size.ts';

/** A task: a configured pair source -> destination with its options (docs/configuration.md explains each). */

/** Bytes as a whole number, or text such as "32 MiB". */
const sizeSchema = v.pipe(
  v.union([v.number(), v.string()], 'expected a number of bytes or a size such as "32 MiB"'),
  v.transform((value) => (typeof value === 'number' ? value : (parseSize(value) ?? NaN))),
  v.number('expected a number of bytes or a size such as "32 MiB"'),
  v.safeInteger('expected a whole number of bytes or a size such as "32 MiB"'),
  v.minValue(0),
);

const bucketSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i, 'expected a bucket name (3 to 63 of a-z, 0-9, "." and "-")'),
);

const prefixSchema = v.union([v.literal(''), keySchema]);

/** One kind of credentials; without any, the role of the function (or the environment) is used. */
const credentialsSchema = v.union(
  [
    v.strictObject({
      /** name of an SSM SecureString holding {"aws_access_key_id", "aws_secret_access_key", "region"?, "session_token"?} */
      ssmParameter: v.pipe(v.string(), v.regex(/^[\w./-]{1,1011}$/, 'expected the name of an SSM parameter')),
    }),
    v.strictObject({ anonymous: v.literal(true) }),
  ],
  'expected {"ssmParameter": NAME} or {"anonymous": true}',
);

const sideEntries = {
  bucket: bucketSchema,
  prefix: v.optional(prefixSchema, ''),
  region: v.exactOptional(v.pipe(v.string(), v.regex(/^[a-z0-9-]{2,32}$/, 'expected a region such as us-east-1'))),
  endpoint: v.exactOptional(
    v.pipe(
      v.string(),
      v.url('expected a URL such as https://s3.oss-cn-hangzhou.aliyuncs.com'),
      v.regex(/^https?:\/\/[^/?#@]+\/?$/, 'expected http(s)://host[:port] without path, user or query'),
    ),
  ),
  forcePathStyle: v.exactOptional(v.boolean()),
  requestPayer: v.optional(v.boolean(), false),
  expectedBucketOwner: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9]{12}$/, 'expected a 12-digit account ID'))),
  credentials: v.exactOptional(credentialsSchema),
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

const encryptionSchema = v.variant('type', [
  v.strictObject({ type: v.literal('AES256') }),
  v.strictObject({
    type: v.literal('aws:kms'),
    keyId: v.exactOptional(
      v.pipe(
        v.string(),
        v.regex(/^(arn:[\w-]+:kms:|alias\/|[0-9a-f-]{36}$|mrk-)/, 'expected a KMS key ID, alias or ARN'),
      ),
    ),
  }),
]);

export const taskSchema = v.strictObject({
  name: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'expected 1 to 64 of A-Z, a-z, 0-9, "_" and "-"'),
  ),
  source: v.strictObject(sideEntries),
  destination: v.strictObject({
    ...sideEntries,
    storageClass: v.exactOptional(v.picklist(storageClasses)),
    acl: v.exactOptional(v.picklist(['private', 'bucket-owner-full-control', 'bucket-owner-read'])),
    encryption: v.exactOptional(encryptionSchema),
    /** checksum to send with parts and bodies; by default the source's own, else Content-MD5 */
    checksumAlgorithm: v.exactOptional(v.picklist(checksumAlgorithms)),
  }),
  /** an EventBridge expression; without one the task runs when it is started or by events */
  schedule: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^(rate\([1-9][0-9]* (minute|hour|day)s?\)|cron\([^()]+\))$/, 'expected rate(...) or cron(...)'),
    ),
  ),
  events: v.optional(v.picklist(['none', 'create', 'create-delete']), 'none'),
  compare: v.optional(v.picklist(['auto', 'size', 'checksum', 'none']), 'auto'),
  /** delete at the destination what is gone at the source */
  deletes: v.optional(v.boolean(), false),
  /** let the store copy by itself where one credential reaches both sides */
  serverSideCopy: v.optional(v.picklist(['auto', 'never']), 'auto'),
  largeObjectThreshold: v.optional(v.pipe(sizeSchema, v.maxValue(maxPartSize)), defaultLargeObjectThreshold),
  partSize: v.optional(v.pipe(sizeSchema, v.minValue(minPartSize), v.maxValue(maxPartSize)), defaultPartSize),
  /** upload-parts calls at once for one large object */
  uploadConcurrency: v.optional(
    v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1000)),
    defaultUploadConcurrency,
  ),
});

export type Task = v.InferOutput<typeof taskSchema>;
export type Side = Task['source'];
export type DestinationSide = Task['destination'];
export type SideCredentials = NonNullable<Side['credentials']>;

const configurationSchema = v.strictObject({
  $schema: v.exactOptional(v.string()),
  stack: v.optional(stackSettingsSchema, {}),
  tasks: v.pipe(v.array(v.unknown()), v.minLength(1, 'at least one task is needed')),
});

/** A task whose configuration is not valid, as far as it could be read: what concerns it must not be lost in silence. */
export interface BrokenTask {
  readonly name: string;
  readonly broken: true;
  /** the source bucket, where it could be read */
  readonly bucket?: string;
}

/** What is known of a task whose configuration text is not valid. */
export function brokenTask(name: string, text: string): BrokenTask {
  const part = v.safeParse(
    v.pipe(v.string(), v.parseJson(), v.object({ source: v.object({ bucket: v.string() }) })),
    text,
  );
  return { name, broken: true, ...(part.success && { bucket: part.output.source.bucket }) };
}

/** One task from a Parameter Store value. @throws Fault `InvalidTask` listing every fault of the task */
export function parseTask(text: string, what: string): Task {
  return checked(parseJsonWith(taskSchema, text, what, 'InvalidTask'), what);
}

/** What a configuration file says. */
export interface Configuration {
  readonly tasks: readonly Task[];
  readonly stack: StackSettings;
}

/** Every task of a configuration file's text. @throws Fault `InvalidTask` listing every fault of every task */
export function parseTaskFile(text: string, what: string): readonly Task[] {
  return parseConfiguration(text, what).tasks;
}

/** A configuration file's text. @throws Fault `InvalidTask` listing every fault of the settings and of every task */
export function parseConfiguration(text: string, what: string): Configuration {
  const file = parseJsonWith(configurationSchema, text, what, 'InvalidTask');
  const faults: string[] = [];
  const tasks: Task[] = [];
  for (const [index, value] of file.tasks.entries()) {
    const name = typeof value === 'object' && value !== null && 'name' in value ? String(value.name).slice(0, 64) : '?';
    const label = `${what}, tasks.${index} (${name})`;
    try {
      tasks.push(checked(parseWith(taskSchema, value, label, 'InvalidTask'), label));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      faults.push(error.message);
    }
  }
  const repeated = tasks.map((task) => task.name).filter((name, index, names) => names.indexOf(name) !== index);
  for (const name of new Set(repeated)) faults.push(`${what}: two tasks are named "${name}", expected unique names`);
  if (faults.length > 0) throw new Fault('InvalidTask', faults.join('\n'));
  return { tasks, stack: file.stack };
}

/** Do both sides name the same bucket of the same store? */
function sameBucket(task: Task): boolean {
  const { source, destination } = task;
  return source.bucket === destination.bucket && source.endpoint === destination.endpoint;
}

/** Rules over more than one field. */
function checked(task: Task, what: string): Task {
  const overlap =
    sameBucket(task) &&
    (task.destination.prefix.startsWith(task.source.prefix) || task.source.prefix.startsWith(task.destination.prefix));
  if (overlap) {
    throw new Fault(
      'InvalidTask',
      `${what} is not valid:\n  destination: found the source's own bucket "${task.source.bucket}" with prefixes ` +
        `"${task.source.prefix}" and "${task.destination.prefix}", expected prefixes of which neither begins with the ` +
        `other (the copies would be copied again, without end)`,
    );
  }
  return task;
}

/** The source key of a destination key that begins with the destination's prefix. */
export function sourceKey({ source, destination }: Pick<Task, 'source' | 'destination'>, key: string): string {
  return source.prefix + key.slice(destination.prefix.length);
}

/** The destination key of a source key: the source's prefix replaced by the destination's, all else byte for byte. */
export function destinationKey(task: Pick<Task, 'source' | 'destination'>, key: string): string {
  if (!key.startsWith(task.source.prefix)) {
    throw new Fault('InvalidInput', `key ${quoteKey(key)} is outside the task's source prefix "${task.source.prefix}"`);
  }
  const mapped = task.destination.prefix + key.slice(task.source.prefix.length);
  const bytes = Buffer.byteLength(mapped);
  if (bytes > maxKeyBytes) {
    throw new Fault(
      'InvalidInput',
      `key ${quoteKey(key)}: with the destination prefix "${task.destination.prefix}" it has ${bytes} bytes, S3 allows ${maxKeyBytes}`,
    );
  }
  return mapped;
}
