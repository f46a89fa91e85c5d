import * as v from 'valibot';
import { keySchema, objectKey, type ObjectKey } from '../object-key.ts';
import { maxEtagLength } from '../limits.ts';
import { Fault } from '../faults.ts';
import { parseJsonWith, parseWith } from '../parse.ts';
import { quoted } from '../text.ts';

/**
 * Events of S3, as they reach a queue: raw, as S3 sends them to it; in the envelope of an SNS topic; or in the form of
 * EventBridge, which an SNS topic may carry too.
 */

/** What happened to one object. */
export interface ObjectEvent {
  readonly kind: 'created' | 'removed';
  readonly bucket: string;
  /** decoded: the object's own name */
  readonly key: ObjectKey;
  readonly size?: number;
  readonly etag?: string;
  /** the event's time, in milliseconds since the epoch */
  readonly at?: number;
}

const sizeSchema = v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));
const etagSchema = v.exactOptional(v.pipe(v.string(), v.maxLength(maxEtagLength)));

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
      size: sizeSchema,
      eTag: etagSchema,
    }),
  }),
});

/** S3 puts one record into a message; a thousand of the shortest records fill the largest possible message. */
const maxRecords = 1000;

const notificationSchema = v.object({
  Records: v.pipe(v.array(v.unknown()), v.maxLength(maxRecords), v.array(recordSchema)),
});
const testEventSchema = v.object({ Event: v.literal('s3:TestEvent') });

/** SNS: the message of a topic in JSON, which is what a subscription without raw delivery gets. */
const envelopeSchema = v.object({ Type: v.literal('Notification'), Message: v.string() });

/** S3 user guide, EventBridge event message structure: names in lower case, keys not encoded. */
const bridgeSchema = v.object({
  source: v.literal('aws.s3'),
  'detail-type': v.string(),
  time: v.exactOptional(v.string()),
  detail: v.object({
    'event-version': v.exactOptional(v.pipe(v.string(), v.regex(/^1\./, 'expected an S3 event of version 1.x'))),
    bucket: v.object({ name: v.pipe(v.string(), v.minLength(1)) }),
    object: v.object({ key: keySchema, size: sizeSchema, etag: etagSchema }),
  }),
});

/** Does the text look like an event rather than a job? Cheap, and never throws. */
export function isS3Notification(body: string): boolean {
  return !/^\s*\{\s*"job"/.test(body) && /"(Records|Event|Type|detail-type)"\s*:/.test(body);
}

/**
 * The objects in one message about S3 events, in order. A restored object counts as created: it can be read from now
 * on. A test event and events that change nothing about the bytes (tags, access lists, the beginning of a restore) have
 * none.
 * @throws Fault `InvalidInput` naming the form and the field
 */
export function parseS3Notification(body: string): ObjectEvent[] {
  const what = 'S3 event notification';
  const outer = parseJsonWith(v.looseObject({}), body, what);
  if (!('Type' in outer)) return eventsIn(outer, what);
  const inside = `${what} in a message of SNS`;
  if (outer['Type'] === 'SubscriptionConfirmation') {
    throw new Fault('InvalidInput', `${inside}: the topic's subscription is not confirmed yet; confirm it`);
  }
  const { Message } = parseWith(envelopeSchema, outer, inside);
  return eventsIn(parseJsonWith(v.looseObject({}), Message, inside), inside);
}

function eventsIn(message: Record<string, unknown>, what: string): ObjectEvent[] {
  if ('Records' in message) return parseWith(notificationSchema, message, what).Records.flatMap(rawEvent);
  if ('detail-type' in message) return bridgeEvent(message, `${what} of EventBridge`);
  parseWith(testEventSchema, message, `${what} (expected one as S3, SNS or EventBridge sends it)`);
  return [];
}

function rawEvent({ eventName, eventTime, s3 }: v.InferOutput<typeof recordSchema>): ObjectEvent[] {
  const kind = eventKind(eventName);
  if (!kind) return [];
  const { key, size, eTag } = s3.object;
  return [
    {
      kind,
      bucket: s3.bucket.name,
      key: decodeEventKey(key),
      ...(size !== undefined && { size }),
      ...(eTag !== undefined && { etag: eTag }),
      ...timeOf(eventTime),
    },
  ];
}

const bridgeKinds: ReadonlyMap<unknown, ObjectEvent['kind']> = new Map([
  ['Object Created', 'created'],
  ['Object Restore Completed', 'created'],
  ['Object Deleted', 'removed'],
]);

function bridgeEvent(message: Record<string, unknown>, what: string): ObjectEvent[] {
  parseWith(v.object({ source: v.literal('aws.s3') }), message, what);
  const kind = bridgeKinds.get(message['detail-type']);
  if (!kind) return [];
  const { detail, time } = parseWith(bridgeSchema, message, what);
  const { key, size, etag } = detail.object;
  // The ETag of a removal is that of a delete marker.
  const seen = kind === 'created' && { ...(size !== undefined && { size }), ...(etag !== undefined && { etag }) };
  return [{ kind, bucket: detail.bucket.name, key, ...seen, ...timeOf(time) }];
}

function timeOf(text: string | undefined): { at?: number } {
  const at = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(at) ? {} : { at };
}

function eventKind(name: string): 'created' | 'removed' | undefined {
  const plain = name.replace(/^s3:/, '');
  if (plain.startsWith('ObjectCreated:') || plain === 'ObjectRestore:Completed') return 'created';
  if (plain.startsWith('ObjectRemoved:') || plain.startsWith('LifecycleExpiration:')) return 'removed';
  return undefined;
}

/** Keys in notifications are URL-encoded once, with `+` for a space. */
function decodeEventKey(encoded: string): ObjectKey {
  let key: string;
  try {
    key = decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    throw new Fault('InvalidInput', `S3 event notification: key ${quoted(encoded, 80)} is not URL-encoded UTF-8`);
  }
  return objectKey(key, 'S3 event notification: key');
}
