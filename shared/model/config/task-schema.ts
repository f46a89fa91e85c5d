import * as v from 'valibot';
import {
  defaultLargeObjectBytes,
  defaultPartBytes,
  defaultUploadConcurrency,
  maxBufferedBodyBytes,
  maxPartBytes,
  minPartBytes,
} from '../limits.ts';
import { taskNameSchema } from '../job.ts';
import { keySchema, keyTextSchema } from '../object-key.ts';
import { scheduleFault } from './schedule.ts';
import { destinationSchema, sourceSchema } from './side.ts';
import { windowSchema } from './windows.ts';
import { parseShare } from '../delete-guard.ts';
import { formatSize, parseSize } from '../size.ts';

/** The fields of a task. Their descriptions are the documentation: docs/configuration.md and the JSON Schema. */

/** A size in bytes, or as text such as "32 MiB". The description precedes the transformation: editors see it. */
const size = (description: string) =>
  v.pipe(
    v.union([v.number(), v.string()], 'expected a number of bytes or a size such as "32 MiB"'),
    v.description(description),
    v.transform((value) => (typeof value === 'number' ? value : (parseSize(value) ?? NaN))),
    v.number('expected a number of bytes or a size such as "32 MiB"'),
    v.safeInteger('expected a whole number of bytes or a size such as "32 MiB"'),
    v.minValue(0),
  );

const patterns = (description: string) =>
  v.pipe(
    v.array(keyTextSchema),
    v.minLength(1, 'expected at least one pattern'),
    v.maxLength(100, 'expected at most 100 patterns'),
    v.description(description),
  );

export const taskSchema = v.strictObject({
  name: v.pipe(taskNameSchema, v.description('1 to 64 of A-Z, a-z, 0-9, `_`, `-`; unique')),
  source: v.pipe(sourceSchema, v.description('where objects come from')),
  destination: v.pipe(
    destinationSchema,
    v.description('where they go: an object `<source.prefix>x` becomes `<destination.prefix>x`, byte for byte'),
  ),
  prefixes: v.exactOptional(
    v.pipe(
      v.array(keyTextSchema),
      v.minLength(1, 'expected at least one prefix'),
      v.maxLength(100, 'expected at most 100 prefixes; prefixList takes more'),
      v.description('only objects whose key after `source.prefix` begins with one of these'),
    ),
  ),
  prefixList: v.exactOptional(
    v.pipe(
      keySchema,
      v.description(
        'key of an object in the source bucket that lists such prefixes, one per line, at most 10,000 in 1 MiB; ' +
          'every run reads it again; not with `events` or `prefixes`',
      ),
    ),
  ),
  include: v.exactOptional(
    patterns(
      'only objects whose key after `source.prefix` matches one of these patterns: `*` is anything without a slash, ' +
        '`**` anything, `?` one character',
    ),
  ),
  exclude: v.exactOptional(
    patterns('no objects whose key after `source.prefix` matches one of these patterns, not even to delete them'),
  ),
  schedule: v.exactOptional(
    v.pipe(
      v.string(),
      v.check(
        (text) => scheduleFault(text) === undefined,
        (issue) => scheduleFault(issue.input) ?? '',
      ),
      v.description(
        'when the task runs, in UTC: `rate(1 hour)`, `cron(0 3 * * ? *)`; ' +
          'without one it runs only when it is started, or by events',
      ),
    ),
  ),
  enabled: v.exactOptional(
    v.pipe(
      v.boolean(),
      v.description('`false`: nothing is done for the task; what is queued waits, its schedule starts no run'),
    ),
  ),
  windows: v.exactOptional(
    v.pipe(
      v.array(windowSchema),
      v.minLength(1, 'expected at least one window: without any, nothing would ever be done'),
      v.maxLength(50, 'expected at most 50 windows'),
      v.description('the hours in which the task works, and its runs start; outside of them what is queued waits'),
    ),
  ),
  whileBusy: v.optional(
    v.pipe(
      v.picklist(['supersede', 'run']),
      v.description(
        'what becomes of a run that starts while another run of the task is under way over some of the same keys: ' +
          'it ends as superseded, or it runs beside the other',
      ),
    ),
    'supersede',
  ),
  events: v.optional(
    v.pipe(
      v.picklist(['none', 'create', 'create-delete']),
      v.description('`create`: new objects are copied immediately; `create-delete`: deletions are replicated too'),
    ),
    'none',
  ),
  compare: v.optional(
    v.pipe(
      v.picklist(['auto', 'size', 'checksum', 'none']),
      v.description('how a run decides that two objects differ'),
    ),
    'auto',
  ),
  deletes: v.optional(
    v.pipe(v.boolean(), v.description('a run also deletes at the destination what the source does not have')),
    false,
  ),
  maxDeletes: v.exactOptional(
    v.pipe(
      v.union(
        [v.pipe(v.number(), v.safeInteger(), v.minValue(0)), v.string()],
        'expected a number of objects or a share such as "10%"',
      ),
      v.check(
        (value) => typeof value === 'number' || parseShare(value) !== undefined,
        'expected a number of objects or a share such as "10%"',
      ),
      v.description(
        'a run that would delete more objects than this, or than this share of those at the destination (`"10%"`), ' +
          'deletes none and fails; without it, more than 1,000 and more than 10%',
      ),
    ),
  ),
  allowEmptySource: v.exactOptional(
    v.pipe(
      v.boolean(),
      v.description(
        '`true`: a run may delete although its source lists nothing, or less than half of what the last run listed',
      ),
    ),
  ),
  metadata: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'user metadata (`x-amz-meta-...`) travels with the object; content headers and the website redirect always do',
      ),
    ),
    true,
  ),
  tags: v.optional(
    v.pipe(
      v.boolean(),
      v.description('tags travel with the object; `false` needs fewer permissions, and no request for tags'),
    ),
    true,
  ),
  strict: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        '`true`: an object that would lose something (tags, a header, metadata, a checksum) fails; `false`: it is ' +
          'copied, and the ledger, the metrics and the audit name what it lacks',
      ),
    ),
    false,
  ),
  serverSideCopy: v.optional(
    v.pipe(
      v.picklist(['auto', 'never']),
      v.description('let the store copy if one credential reaches both sides of one store'),
    ),
    'auto',
  ),
  largeObjectThreshold: v.optional(
    v.pipe(
      size(
        'larger objects take the UPLOAD machine; at most 5 GiB (inside S3, what was uploaded in one part is copied in ' +
          'one request up to 1 GiB)',
      ),
      v.maxValue(maxPartBytes),
    ),
    defaultLargeObjectBytes,
  ),
  partSize: v.optional(
    v.pipe(
      size(
        'size of parts if the source was not uploaded in (equal) parts, 5 to 64 MiB; ' +
          'larger if the limit of 10,000 parts requires it, and 256 MiB for copies inside S3',
      ),
      v.minValue(minPartBytes),
      v.maxValue(
        maxBufferedBodyBytes,
        `expected at most ${formatSize(maxBufferedBodyBytes)}: ` +
          'several parts at once are held in memory until the store has them',
      ),
    ),
    defaultPartBytes,
  ),
  uploadConcurrency: v.optional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(1),
      v.maxValue(1000),
      v.description('concurrent upload-parts calls for one large object, 1 to 1,000'),
    ),
    defaultUploadConcurrency,
  ),
});

export type Task = v.InferOutput<typeof taskSchema>;
