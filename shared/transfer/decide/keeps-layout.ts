import { MiB } from '../../model/limits.ts';

/** The largest parts of a source that are kept in any case: 5 Mbit/s send one in a call of 15 minutes. */
const keptPartBytes = 512 * MiB;

/**
 * Is the source's own layout of parts kept, although they are large? Smaller parts end on slower lines, but have other
 * ETags. So it is given up only where bytes pass through this process, and where something else proves the whole object
 * (docs/decisions/0042-large-parts-on-slow-lines.md).
 * @param copy.proven does the destination compare a checksum of the whole object with the source's?
 */
export function keepsLayout(
  partBytes: number,
  copy: { readonly method: 'relay' | 'server-side copy'; readonly proven: boolean },
): boolean {
  return partBytes <= keptPartBytes || copy.method === 'server-side copy' || !copy.proven;
}
