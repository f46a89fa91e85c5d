import { isS3Itself } from '../../model/config/s3-itself.ts';
import type { DestinationSide } from '../../model/config/task.ts';
import { isFault } from '../../model/faults.ts';
import type { LossKind } from '../../model/losses.ts';
import { sameEtag, type ChecksumAlgorithm, type ObjectAttributes, type ObjectInfo } from '../../model/object.ts';
import type { ObjectStore, Stored } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import type { Losses } from '../losses.ts';
import type { ObjectPair } from '../object-pair.ts';

/**
 * Does a store keep what an object is created with? S3 does, or refuses the request. Other stores ignore some headers
 * (Ceph 16: tags of CreateMultipartUpload and CopyObject). So the first object of a process that is created with
 * something is looked at, for each call that creates objects; what was kept once is not looked for again.
 */

/** The calls that create objects. A store may ignore with one what it keeps with another. */
export type CreatingCall = 'put' | 'copy' | 'upload';

/** What an object was created with, beside the destination's settings. */
export interface Sent extends Pick<ObjectAttributes, 'headers' | 'metadata'> {
  readonly tagCount: number;
  readonly checksum?: ChecksumAlgorithm | undefined;
}

export function sentOf(
  { headers, metadata, tags }: ObjectAttributes,
  checksum?: { readonly algorithm: ChecksumAlgorithm },
): Sent {
  return { headers, metadata, tagCount: Object.keys(tags).length, checksum: checksum?.algorithm };
}

/** One thing that an object was created with. */
interface Facet {
  readonly kind: LossKind;
  /** name and form; what is true of one object with it is true of the others. Bounded in length */
  readonly shape: string;
  /** true if values of this form may fare differently: each is looked at */
  readonly unusual?: boolean;
  isKept(shown: ObjectInfo): boolean;
}

/** What was seen of one call of a store in this process. */
interface Seen {
  readonly kept: Set<string>;
  /** by shape: until when it counts as lost, in milliseconds since the epoch */
  readonly lost: Map<string, number>;
}

/** Shapes that are remembered per store and call: metadata may have any names. Others are looked at each time. */
const maxShapes = 1000;
/** How long a strict task refuses what the store was seen to lose: it may be reconfigured while a worker runs. */
const lostMillis = 10 * 60_000;

const seenOf = new WeakMap<ObjectStore, Map<CreatingCall, Seen>>();

/** An object that was created. */
export interface Creation {
  readonly call: CreatingCall;
  readonly sent: Sent;
  readonly stored: Stored;
  /** the new object, if a HEAD has shown it already */
  readonly shown?: ObjectInfo | undefined;
}

/** A strict task creates nothing if the store was seen to lose part of it. @throws Fault `AttributeLost` */
export function expectKept(context: PartContext, losses: Losses, call: CreatingCall, sent: Sent): void {
  if (!context.task.strict) return;
  const { lost } = seenBy(context.destination, call);
  for (const { kind, shape } of facetsOf(context.task.destination, sent)) {
    if ((lost.get(shape) ?? -Infinity) > context.clock.now()) losses.note(kind, 'the destination was seen to lose it');
  }
}

/**
 * Notes what the destination did not keep of what an object was created with.
 * @throws Fault `AttributeLost` if the task is strict
 */
export async function noteUnkept(
  context: PartContext,
  pair: ObjectPair,
  { call, sent, stored, shown: seenObject }: Creation,
  losses: Losses,
): Promise<void> {
  const { task, destination, clock } = context;
  if (isS3Itself(task.destination)) return;
  const seen = seenBy(destination, call);
  const open = facetsOf(task.destination, sent).filter(({ shape }) => !seen.kept.has(shape));
  if (open.length === 0) return;
  const usable = seenObject && (sent.checksum === undefined || seenObject.checksum);
  const shown = usable
    ? seenObject
    : await destination.head(pair.destinationKey, sent.checksum ? { checksum: true } : {});
  // Another writer replaced or deleted it: the look at the source that follows covers that.
  if (!shown || (stored.etag !== '' && !sameEtag(shown.etag, stored.etag))) return;
  const unkept: { kind: LossKind; reason: string }[] = [];
  for (const { kind, shape, isKept, unusual } of await shownFacets(context, pair, open, shown)) {
    if (isKept) {
      if (seen.kept.size < maxShapes && !unusual) seen.kept.add(shape);
      seen.lost.delete(shape);
      continue;
    }
    if (seen.lost.size < maxShapes) seen.lost.set(shape, clock.now() + lostMillis);
    unkept.push({ kind, reason: `the destination accepted it, and does not show it (${shape})` });
  }
  for (const { kind, reason } of unkept) losses.note(kind, reason);
}

/**
 * Notes what an object that needs no copy lacks: the process that copied it may have died before it recorded that.
 * @throws Fault `AttributeLost` if the task is strict
 */
export async function noteLacking(
  context: PartContext,
  pair: ObjectPair,
  { source, destination: shown }: { readonly source: ObjectInfo; readonly destination: ObjectInfo },
  losses: Losses,
): Promise<void> {
  losses.noteUncarried(context, source);
  const { task } = context;
  if (isS3Itself(task.destination)) return;
  const tagCount = task.tags ? (source.tagCount ?? 0) : 0;
  // Headers and metadata were compared.
  const facets = facetsOf(task.destination, { headers: {}, metadata: {}, tagCount });
  for (const { kind, shape, isKept } of await shownFacets(context, pair, facets, shown)) {
    if (!isKept) losses.note(kind, `the destination does not show it (${shape})`);
  }
}

async function shownFacets(
  context: PartContext,
  pair: ObjectPair,
  facets: readonly Facet[],
  shown: ObjectInfo,
): Promise<(Omit<Facet, 'isKept'> & { readonly isKept: boolean })[]> {
  const asksForTags = shown.tagCount === undefined && facets.some(({ kind }) => kind === 'tags');
  const tagCount = asksForTags ? await countTags(context, pair) : shown.tagCount;
  const full = tagCount === undefined ? shown : { ...shown, tagCount };
  return facets.map((facet) => ({ ...facet, isKept: facet.isKept(full) }));
}

/** @returns undefined if the destination does not show them: its acceptance is all there is then */
async function countTags({ destination }: PartContext, pair: ObjectPair): Promise<number | undefined> {
  try {
    return Object.keys(await destination.tags(pair.destinationKey)).length;
  } catch (error) {
    if (isFault(error, 'AccessDenied', 'Refused')) return undefined;
    if (isFault(error, 'NotSupported')) return 0;
    throw error;
  }
}

function facetsOf({ storageClass, encryption }: DestinationSide, sent: Sent): Facet[] {
  const { headers, metadata, tagCount, checksum } = sent;
  const facets: Facet[] = Object.entries(headers).map(([name, value]: [string, string]) => ({
    kind: name === 'websiteRedirect' ? 'websiteRedirect' : 'headers',
    ...formOf(name, value),
    isKept: (shown) => shown.headers[name as keyof typeof headers] === value,
  }));
  for (const [name, value] of Object.entries(metadata)) {
    const form = formOf(`x-amz-meta-${name}`, value);
    facets.push({ kind: 'metadata', ...form, isKept: (shown) => shown.metadata[name] === value });
  }
  if (tagCount > 0) {
    const isKept = (shown: ObjectInfo): boolean => shown.tagCount === undefined || shown.tagCount === tagCount;
    facets.push({ kind: 'tags', shape: 'tags', isKept });
  }
  if (checksum) {
    facets.push({ kind: 'checksum', shape: checksum, isKept: (shown) => shown.checksum?.algorithm === checksum });
  }
  if (storageClass !== undefined) {
    const isKept = (shown: ObjectInfo): boolean => (shown.storageClass ?? 'STANDARD') === storageClass;
    facets.push({ kind: 'storageClass', shape: storageClass, isKept });
  }
  if (encryption) {
    const { type } = encryption;
    facets.push({ kind: 'encryption', shape: type, isKept: (shown) => shown.encryption === type });
  }
  return facets;
}

/** Is the value one that stores and proxies pass on alike: short, and of printable ASCII? */
function formOf(name: string, value: string): Pick<Facet, 'shape' | 'unusual'> {
  const unusual = !/^[\x21-\x7e]([\x20-\x7e]{0,254}[\x21-\x7e])?$/.test(value);
  return { shape: `${name.slice(0, 100)}${unusual ? ' with an unusual value' : ''}`, unusual };
}

function seenBy(store: ObjectStore, call: CreatingCall): Seen {
  const calls = seenOf.get(store) ?? new Map<CreatingCall, Seen>();
  seenOf.set(store, calls);
  const seen = calls.get(call) ?? { kept: new Set<string>(), lost: new Map<string, number>() };
  calls.set(call, seen);
  return seen;
}
