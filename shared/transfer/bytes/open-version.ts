import { Fault } from '../../model/faults.ts';
import type { Part } from '../../model/part-plan.ts';
import type { OpenObject } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import { pinOf, type ObjectPair, type SourceVersion } from '../object-pair.ts';

/**
 * Opens the bytes of one version of the source's object.
 * @param part the bytes to open; by default all
 * @throws Fault `SourceGone` or `SourceChanged` if the object is no longer that version
 */
export async function openVersion(
  context: PartContext,
  pair: ObjectPair,
  version: SourceVersion,
  part?: Part,
): Promise<OpenObject> {
  const what = part ? partName(pair, part) : pair.sourceName;
  const opened = await context.source.get(pair.key, {
    ifMatch: version.etag,
    ...pinOf(version),
    ...(part && { range: { start: part.start, end: part.end } }),
  });
  if (!opened) throw new Fault('SourceGone', `${what}: the object is gone`);
  // Detects stores that ignore If-Match: bytes of another version must never be sent as this one's.
  if (opened.info.etag !== version.etag || opened.info.size !== version.size) {
    opened.body.destroy();
    const found = `found ETag ${opened.info.etag} and ${opened.info.size} bytes`;
    throw new Fault('SourceChanged', `${what}: expected ETag ${version.etag} and ${version.size} bytes, ${found}`);
  }
  return opened;
}

/** A part as messages name it. */
export function partName(pair: ObjectPair, part: Part): string {
  return `${pair.sourceName}, part ${part.number}`;
}
