import type { Event, NotificationConfiguration, QueueConfiguration } from '@aws-sdk/client-s3';
import { filterPrefix, outermost } from '../../model/config/prefixes.ts';
import type { Task } from '../../model/config/task.ts';
import type { NotificationHolder, NotificationProperties } from '../../model/messages/custom-resource.ts';

/**
 * The document of a bucket's notifications: which entries are ours, and whether two documents are equal. Calls nothing.
 */

const kinds = ['QueueConfigurations', 'TopicConfigurations', 'LambdaFunctionConfigurations'] as const;

type Entry = NonNullable<NotificationConfiguration[(typeof kinds)[number]]>[number];

/** An archived object cannot be copied when it is created, but when it is restored. */
const createdEvents: readonly Event[] = ['s3:ObjectCreated:*', 's3:ObjectRestore:Completed'];

/** S3 does not report what lifecycle rules delete as removed (S3 user guide: "Supported event types"). */
const removedEvents: readonly Event[] = ['s3:ObjectRemoved:*', 's3:LifecycleExpiration:*'];

/**
 * Who wants our entries, in their IDs. A bucket moves from a resource of its own to that of a group, or back, when a
 * configuration grows or shrinks: CloudFormation creates the one and then deletes the other, or, if the update fails,
 * the new one again. The entries stay until neither needs them.
 */
const marks = { bucket: '', group: 'g-', both: 'b-' } as const;

/** The resources that want the entries under `idPrefix`. */
export function holdersOf(present: NotificationConfiguration, idPrefix: string): Set<NotificationHolder> {
  const own = (present.QueueConfigurations ?? []).filter((entry) => isOwn(entry, idPrefix));
  return new Set(
    own.flatMap(({ Id = '' }): NotificationHolder[] => {
      const rest = Id.slice(idPrefix.length);
      if (rest.startsWith(marks.both)) return ['bucket', 'group'];
      return rest.startsWith(marks.group) ? ['group'] : ['bucket'];
    }),
  );
}

function markOf(holders: ReadonlySet<NotificationHolder>): string {
  if (holders.size > 1) return marks.both;
  return holders.has('group') ? marks.group : marks.bucket;
}

/** Our present entries as the remaining holders want them; none if there are no holders. */
export function heldBy(
  present: NotificationConfiguration,
  idPrefix: string,
  holders: ReadonlySet<NotificationHolder>,
): QueueConfiguration[] {
  if (holders.size === 0) return [];
  const own = (present.QueueConfigurations ?? []).filter((entry) => isOwn(entry, idPrefix));
  return own.map((entry) => ({
    ...entry,
    Id: idPrefix + markOf(holders) + (entry.Id ?? '').slice(idPrefix.length).replace(/^[gb]-/, ''),
  }));
}

/** Our own entries: one per prefix and kind of event. */
export function ownNotifications(
  idPrefix: string,
  properties: NotificationProperties,
  holders: ReadonlySet<NotificationHolder>,
): QueueConfiguration[] {
  const { QueueArn, Created, Removed } = properties;
  const entries = (name: string, events: readonly Event[], prefixes: readonly string[]): QueueConfiguration[] =>
    prefixes.map((prefix, index) => ({
      Id: `${idPrefix}${markOf(holders)}${name}-${index + 1}`,
      QueueArn,
      Events: [...events],
      ...(prefix !== '' && { Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: prefix }] } } }),
    }));
  return [...entries('created', createdEvents, Created), ...entries('removed', removedEvents, Removed)];
}

/** Events that a task can do without: a run finds what they would have reported. */
const optionalEvents: readonly Event[] = ['s3:ObjectRestore:Completed', 's3:LifecycleExpiration:*'];

/**
 * Our own entries without the optional events that entries of others already receive: S3 allows one receiver per event.
 * @returns the entries, and descriptions of what was left out
 */
export function withoutTaken(
  present: NotificationConfiguration,
  idPrefix: string,
  own: readonly QueueConfiguration[],
): { entries: QueueConfiguration[]; leftOut: string[] } {
  const foreign = foreignEntries(present, idPrefix);
  const leftOut: string[] = [];
  const entries = own.map((mine) => {
    const isTaken = (event: Event): boolean =>
      optionalEvents.includes(event) &&
      foreign.some((entry) => {
        const overlaps = eventsOverlap({ Events: [event] }, entry);
        return overlaps && prefixesOverlap(prefixOf(mine), prefixOf(entry));
      });
    const taken = (mine.Events ?? []).filter(isTaken);
    leftOut.push(...taken.map((event) => `${event} under "${prefixOf(mine)}"`));
    return { ...mine, Events: (mine.Events ?? []).filter((event) => !taken.includes(event)) };
  });
  return { entries, leftOut };
}

/** `present` with everything under `idPrefix` replaced by `own`; all other entries stay. */
export function mergeNotifications(
  present: NotificationConfiguration,
  idPrefix: string,
  own: readonly QueueConfiguration[],
): NotificationConfiguration {
  const foreign = (present.QueueConfigurations ?? []).filter((entry) => !isOwn(entry, idPrefix));
  return { ...present, QueueConfigurations: [...foreign, ...own] };
}

/** Are both documents equal, apart from their order and the case of their rules' names? */
export function sameNotifications(one: NotificationConfiguration, other: NotificationConfiguration): boolean {
  return canonical(one) === canonical(other);
}

/** Descriptions of the foreign entries that overlap with one of `own` by S3's rules. */
export function overlapping(
  present: NotificationConfiguration,
  idPrefix: string,
  own: readonly QueueConfiguration[],
): string[] {
  return foreignEntries(present, idPrefix)
    .filter((entry) =>
      own.some((mine) => eventsOverlap(mine, entry) && prefixesOverlap(prefixOf(mine), prefixOf(entry))),
    )
    .map((entry) => {
      const id = JSON.stringify(entry.Id ?? '');
      return `entry ${id} sends ${(entry.Events ?? []).join(', ')} to ${receiverOf(entry)} under "${prefixOf(entry)}"`;
    });
}

/**
 * What a task needs and the bucket does not report to the queue. An entry counts by what it does, whatever its ID. The
 * optional events are not missed.
 * @returns a description for each kind of event and prefix; none if all is there
 */
export function missingEvents(
  present: NotificationConfiguration,
  queueArn: string,
  { source, prefixes = [''], events }: Pick<Task, 'source' | 'prefixes' | 'events'>,
): string[] {
  const needed: Event[] = events === 'none' ? [] : ['s3:ObjectCreated:*'];
  if (events === 'create-delete') needed.push('s3:ObjectRemoved:*');
  const entries = (present.QueueConfigurations ?? []).filter(
    (entry) => entry.QueueArn === queueArn && !hasSuffix(entry),
  );
  const places = outermost(prefixes.map((more) => source.prefix + more));
  return needed.flatMap((event) => {
    const filters = entries.filter(({ Events }) => Events?.includes(event)).map(prefixOf);
    return places
      .filter((prefix) => !filters.some((filter) => filterPrefix(prefix).startsWith(filter)))
      .map((prefix) => `${event} under "${prefix}"`);
  });
}

function hasSuffix(entry: Entry): boolean {
  const rules = entry.Filter?.Key?.FilterRules ?? [];
  return rules.some(({ Name, Value = '' }) => Name?.toLowerCase() === 'suffix' && Value !== '');
}

function foreignEntries(present: NotificationConfiguration, idPrefix: string): Entry[] {
  return kinds.flatMap((kind): Entry[] => present[kind] ?? []).filter((entry) => !isOwn(entry, idPrefix));
}

function isOwn(entry: Entry, idPrefix: string): boolean {
  return entry.Id?.startsWith(idPrefix) === true;
}

function canonical(configuration: NotificationConfiguration): string {
  const entries = kinds.flatMap((kind) => (configuration[kind] ?? []).map((entry) => [kind, ...plainEntry(entry)]));
  const eventBridge = configuration.EventBridgeConfiguration !== undefined;
  return JSON.stringify([entries.map((entry) => JSON.stringify(entry)).sort(), eventBridge]);
}

function plainEntry(entry: Entry): unknown[] {
  const rules = (entry.Filter?.Key?.FilterRules ?? []).map(
    ({ Name, Value }) => `${Name?.toLowerCase() ?? ''}=${Value ?? ''}`,
  );
  return [
    entry.Id,
    receiverOf(entry),
    [...(entry.Events ?? [])].sort(),
    rules.filter((rule) => !rule.endsWith('=')).sort(),
  ];
}

function receiverOf(entry: Entry): string {
  if ('QueueArn' in entry) return entry.QueueArn ?? '';
  if ('TopicArn' in entry) return entry.TopicArn ?? '';
  return 'LambdaFunctionArn' in entry ? (entry.LambdaFunctionArn ?? '') : '';
}

function prefixOf(entry: Entry): string {
  return entry.Filter?.Key?.FilterRules?.find(({ Name }) => Name?.toLowerCase() === 'prefix')?.Value ?? '';
}

function prefixesOverlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

/** `s3:ObjectCreated:*` contains every event with this prefix. */
function eventsOverlap(one: Pick<Entry, 'Events'>, other: Pick<Entry, 'Events'>): boolean {
  const bare = (entry: Pick<Entry, 'Events'>): string[] =>
    (entry.Events ?? []).map((event) => event.replace(/\*$/, ''));
  return bare(one).some((a) => bare(other).some((b) => a.startsWith(b) || b.startsWith(a)));
}
