import { isDeepStrictEqual } from 'node:util';
import { Fault, isFault } from '../../model/faults.ts';
import type { ObjectAttributes, ObjectInfo } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import type { PartContext } from '../context.ts';

/**
 * What travels with the bytes: content headers, and user metadata and tags if the task wants them. Tags are asked for only where there are some,
 * or where the store did not say.
 * @throws Fault `AccessDenied` where the object has tags that may not be read: they would be lost without a word
 */
export async function readAttributes(context: PartContext, source: ObjectInfo): Promise<ObjectAttributes> {
  const metadata = context.task.metadata ? source.metadata : {};
  return { headers: source.headers, metadata, tags: await readTags(context, source) };
}

async function readTags({ task, source: store }: PartContext, source: ObjectInfo): Promise<Record<string, string>> {
  if (!task.tags || source.tagCount === 0) return {};
  const { key, versionId, etag } = source;
  let tags: Record<string, string>;
  try {
    tags = await store.tags(key, versionId === undefined ? {} : { versionId });
  } catch (error) {
    const none = isFault(error, 'NotSupported') || (isFault(error, 'AccessDenied') && source.tagCount === undefined);
    if (none) return {};
    throw error;
  }
  // Without versions a read of tags cannot be pinned: they are this version's where the object is still this one.
  const some = source.tagCount !== undefined || Object.keys(tags).length > 0;
  if (versionId !== undefined || !some) return tags;
  const now = await store.head(key);
  // Of the headers, some stores show others by GET than by HEAD.
  if (now?.etag !== etag || !isDeepStrictEqual(now.metadata, source.metadata)) {
    throw new Fault('SourceChanged', `${store.bucket}: ${quoted(key)} changed while its tags were read`);
  }
  return tags;
}

/** Writes with the tags, and once more without them where the destination has no such thing. */
export async function withTagsIfSupported<Result>(
  attributes: ObjectAttributes,
  write: (attributes: ObjectAttributes) => Promise<Result>,
): Promise<Result> {
  try {
    return await write(attributes);
  } catch (error) {
    if (!isFault(error, 'NotSupported') || Object.keys(attributes.tags).length === 0) throw error;
    return write({ ...attributes, tags: {} });
  }
}
