import { isFault } from '../../model/faults.ts';
import { etagIsMd5, sameEtag, type ObjectInfo } from '../../model/object.ts';
import type { Replaces, Stored } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import { noteSurprise } from '../decide/replaces.ts';
import { sameAttributes } from '../decide/version.ts';
import type { ObjectPair } from '../object-pair.ts';

/** What a write is to make of the destination's object. */
interface Wanted {
  readonly source: ObjectInfo;
  /** the bytes' MD5 in hexadecimal, if it is known */
  readonly md5: string | undefined;
  readonly replaces: Replaces | undefined;
}

/**
 * Makes a write that names what it replaces. If it finds something else, that may be what it was to write: if the
 * answer to a request is lost, the client sends it again, and then its own object is there. Bytes are compared by their
 * MD5; an object whose ETag is none counts as a conflict.
 * @returns what the destination holds: the wanted bytes with the wanted attributes
 * @throws Fault; `DestinationConflict`, or `SourceChanged` of a copy inside the store: look at both sides again
 */
export async function writeOver(
  { task, destination }: PartContext,
  pair: ObjectPair,
  { source, md5, replaces }: Wanted,
  write: () => Promise<Stored>,
): Promise<Stored> {
  try {
    return await write();
  } catch (error) {
    if (!isFault(error, 'DestinationConflict', 'SourceChanged')) throw error;
    if (replaces === 'nothing') noteSurprise(destination);
    if (md5 === undefined) throw error;
    const found = await destination.head(pair.destinationKey);
    const isWanted = found && etagIsMd5(found) && sameEtag(found.etag, md5) && found.size === source.size;
    if (!isWanted || !sameAttributes(task, found, source)) throw error;
    return found;
  }
}
