import { Fault } from '../../model/faults.ts';
import { statesChecksums } from '../../model/stores/stores.ts';
import { sameEtag } from '../../model/object.ts';
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
    ...(part ? { range: { start: part.start, end: part.end } } : { checksum: statesChecksums(context.task.source) }),
  });
  if (!opened) throw new Fault('SourceGone', `${what}: the object is gone`);
  // Detects stores that ignore If-Match: bytes of another version must never be sent as this one's.
  const difference = differenceOf(version, opened.info);
  if (difference !== undefined) {
    opened.body.destroy();
    throw new Fault('SourceChanged', `${what}: ${difference}`);
  }
  return opened;
}

/** How what was opened differs from the expected version; undefined if it does not. */
function differenceOf(
  expected: SourceVersion,
  { etag, size }: Pick<SourceVersion, 'etag' | 'size'>,
): string | undefined {
  if (!sameEtag(etag, expected.etag)) return `expected ETag ${expected.etag}, found ${etag === '' ? 'none' : etag}`;
  if (size !== expected.size) return `expected ${expected.size} bytes, found ${size} with the same ETag`;
  return undefined;
}

/** A part as messages name it. */
export function partName(pair: ObjectPair, part: Part): string {
  return `${pair.sourceName}, part ${part.number}`;
}
