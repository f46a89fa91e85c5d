import { passBody } from '../../flow/body.ts';
import type { Part } from '../../model/part-plan.ts';
import type { PartContext } from '../context.ts';
import type { ObjectPair, SourceVersion } from '../object-pair.ts';
import type { Digest } from './digest.ts';
import { openVersion, partName } from './open-version.ts';

/**
 * Reads a version of the source's object for its digests alone; nothing is kept of its bytes.
 * @param part what to read; by default all
 * @param digests are updated with each piece
 * @throws Fault `SourceGone` or `SourceChanged` if the object is no longer that version; `Truncated`, `Unavailable`
 */
export async function readForDigests(
  context: PartContext,
  pair: ObjectPair,
  { version, part }: { readonly version: SourceVersion; readonly part?: Part },
  digests: readonly Pick<Digest, 'update'>[],
): Promise<void> {
  const { body } = await openVersion(context, pair, version, part);
  const size = part ? part.end - part.start : version.size;
  const data = passBody(body, size, part ? partName(pair, part) : pair.sourceName, () => undefined);
  try {
    for await (const bytes of data as AsyncIterable<Buffer>) for (const digest of digests) digest.update(bytes);
  } finally {
    data.destroy();
  }
}
