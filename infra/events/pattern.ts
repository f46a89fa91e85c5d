import { charactersOf } from '../quotas/characters.ts';
import { quotas } from '../quotas/quotas.ts';
import type { BucketNotifications } from '../notifications.ts';

/** Patterns of EventBridge, as rules have them: fields with lists of what they may be. */

const created = ['Object Created', 'Object Restore Completed'];
const deleted = ['Object Deleted'];

/** The events of S3 that become jobs: shared/model/messages/s3-event.ts reads them. */
export const objectEvents = { source: ['aws.s3'], 'detail-type': [...created, ...deleted] };

/**
 * The events of one bucket that its tasks need. Removals of keys where only creations are needed come too, and are
 * ignored. So does everything if the prefixes do not fit into a pattern.
 */
export function bucketPattern({ bucket, created: prefixes, removed }: BucketNotifications): Record<string, unknown> {
  const types = removed.length > 0 ? [...created, ...deleted] : created;
  const whole = { source: ['aws.s3'], 'detail-type': types, detail: { bucket: { name: [bucket] } } };
  if (prefixes.includes('')) return whole;
  const key = prefixes.map((prefix) => ({ prefix }));
  const limited = { ...whole, detail: { bucket: { name: [bucket] }, object: { key } } };
  return charactersOf(limited) <= quotas.eventPatternCharacters.limit ? limited : whole;
}
