import { isDeepStrictEqual } from 'node:util';
import { Fault, isFault } from '../../model/faults.ts';
import { sameEtag, type ObjectAttributes, type ObjectInfo } from '../../model/object.ts';
import { traitsOf } from '../../model/stores/stores.ts';
import type { PartContext } from '../context.ts';
import type { Losses } from '../losses.ts';
import { pinOf, type ObjectPair } from '../object-pair.ts';

/**
 * What the copy is created with: the source's content headers, and its user metadata and tags if the task copies them.
 * Tags are requested only if the object has some, or if the store does not say.
 * @param losses receives what cannot be read or carried
 * @throws Fault `AccessDenied` if the object has, or may have, tags that may not be read: they would be lost. From a
 *   store that may have no tags at all, an object without a stated number is copied without;
 *   `SourceChanged` if the object changed while its tags were read; `AttributeLost` if the task is strict
 */
export async function readAttributes(
  context: PartContext,
  pair: ObjectPair,
  source: ObjectInfo,
  losses: Losses,
): Promise<ObjectAttributes> {
  losses.noteUncarried(context, source);
  const metadata = context.task.metadata ? source.metadata : {};
  const tags = await readTags(context, pair, source, losses);
  return { headers: source.headers, metadata, tags: withoutUnknown(context, tags, losses) };
}

/** The tags, if the destination has tags: some stores accept them, and keep none. */
function withoutUnknown({ task }: PartContext, tags: Record<string, string>, losses: Losses): Record<string, string> {
  const known = traitsOf(task.destination).tags;
  if (known.is !== 'no' || Object.keys(tags).length === 0) return tags;
  losses.note('tags', `the destination has none (${known.why})`);
  return {};
}

async function readTags(
  { task, source: store }: PartContext,
  pair: ObjectPair,
  source: ObjectInfo,
  losses: Losses,
): Promise<Record<string, string>> {
  if (!task.tags || source.tagCount === 0 || traitsOf(task.source).tags.is === 'no') return {};
  let tags: Record<string, string>;
  try {
    tags = await store.tags(pair.key, pinOf(source));
  } catch (error) {
    if (isFault(error, 'NotSupported')) {
      if (source.tagCount !== undefined) losses.note('tags', 'the source counts them, and does not show them');
      return {};
    }
    // Some stores without tags refuse to show them, with 400 or 403. Where there are tags, a refusal means that there
    // may be some.
    const mayHaveNone = traitsOf(task.source).tags.is === 'unknown' && source.tagCount === undefined;
    if (!isFault(error, 'AccessDenied', 'Refused') || !mayHaveNone) throw error;
    losses.note('tags', 'the source refuses to show whether there are some');
    return {};
  }
  // Without versions, a read of tags cannot be pinned: they belong to this version only if the object is still that.
  const some = source.tagCount !== undefined || Object.keys(tags).length > 0;
  if (source.versionId !== undefined || !some) return tags;
  const now = await store.head(pair.key);
  // The content headers are left out: some stores show others by GET than by HEAD.
  if (!now || !sameEtag(now.etag, source.etag) || !isDeepStrictEqual(now.metadata, source.metadata)) {
    throw new Fault('SourceChanged', `${pair.sourceName} changed while its tags were read`);
  }
  return tags;
}
