import * as v from 'valibot';
import { keySchema } from '../job.ts';
import { maxEtagLength } from '../limits.ts';
import { Fault } from '../faults.ts';
import { parseJsonWith, parseWith } from '../parse.ts';
import { quoted } from '../text.ts';

/** What happened to one object, from a raw S3 event notification. */
export interface ObjectEvent {
  readonly kind: 'created' | 'removed';
  readonly bucket: string;
  /** decoded: the object's own name */
  readonly key: string;
  readonly size?: number;
  readonly etag?: string;
  /** the event's time, in milliseconds since the epoch */
  readonly at?: number;
}

/** `eventVersion` 2.x is the current format; minor versions only add fields. Unknown fields are accepted. */
const recordSchema = v.object({
  eventVersion: v.pipe(v.string(), v.regex(/^2\./, 'expected an S3 event of version 2.x')),
  eventSource: v.exactOptional(v.string()),
  eventName: v.string(),
  eventTime: v.exactOptional(v.string()),
  s3: v.object({
    bucket: v.object({ name: v.pipe(v.string(), v.minLength(1)) }),
    object: v.object({
      key: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
      size: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
      eTag: v.exactOptional(v.pipe(v.string(), v.maxLength(maxEtagLength))),
    }),
  }),
});

/** S3 puts one record into a message; a thousand of the shortest records fill the largest possible message. */
const maxRecords = 1000;

const notificationSchema = v.object({
  Records: v.pipe(v.array(v.unknown()), v.maxLength(maxRecords), v.array(recordSchema)),
});
const testEventSchema = v.object({ Event: v.literal('s3:TestEvent') });

/** Does the text look like an S3 notification rather than a job? Cheap, and never throws. */
export function isS3Notification(body: string): boolean {
  return /^\s*\{\s*"(Records|Service|Event)"/.test(body);
}

/**
 * The objects in one notification, in order. A restored object counts as created: it can be read from now on. A test
 * event and events that change nothing about the bytes (tags, access lists, the beginning of a restore) have none.
 * @throws Fault `InvalidInput` naming the field
 */
export function parseS3Notification(body: string): ObjectEvent[] {
  const what = 'S3 event notification';
  const outer = parseJsonWith(v.looseObject({}), body, what);
  if (!('Records' in outer)) {
    parseWith(testEventSchema, outer, what);
    return [];
  }
  return parseWith(notificationSchema, outer, what).Records.flatMap((record): ObjectEvent[] => {
    const kind = eventKind(record.eventName);
    if (!kind) return [];
    const { key, size, eTag } = record.s3.object;
    const at = record.eventTime === undefined ? NaN : Date.parse(record.eventTime);
    return [
      {
        kind,
        bucket: record.s3.bucket.name,
        key: decodeEventKey(key),
        ...(size !== undefined && { size }),
        ...(eTag !== undefined && { etag: eTag }),
        ...(!Number.isNaN(at) && { at }),
      },
    ];
  });
}

function eventKind(name: string): 'created' | 'removed' | undefined {
  const plain = name.replace(/^s3:/, '');
  if (plain.startsWith('ObjectCreated:') || plain === 'ObjectRestore:Completed') return 'created';
  if (plain.startsWith('ObjectRemoved:') || plain.startsWith('LifecycleExpiration:')) return 'removed';
  return undefined;
}

/** Keys in notifications are URL-encoded once, with `+` for a space. */
function decodeEventKey(encoded: string): string {
  let key: string;
  try {
    key = decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    throw new Fault('InvalidInput', `S3 event notification: key ${quoted(encoded, 80)} is not URL-encoded UTF-8`);
  }
  return parseWith(keySchema, key, 'S3 event notification: key');
}
