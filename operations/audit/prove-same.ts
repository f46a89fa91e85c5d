import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { sameChecksum } from '../../shared/find/pairs.ts';
import { isFault } from '../../shared/model/faults.ts';
import { sameEtag, type ObjectInfo } from '../../shared/model/object.ts';
import { destinationKey } from '../../shared/model/config/task.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { sameAttributes } from '../../shared/transfer/decide/version.ts';
import type { AuditContext } from './context.ts';
import type { Judgement } from './finding.ts';
import type { ObjectKey } from '../../shared/model/object-key.ts';

/**
 * Verifies an object that a run would treat as unchanged: its headers and user metadata by HEAD, its bytes by the first
 * of these that gives an answer:
 * 1. equal ETags and sizes;
 * 2. stored full-object checksums of the same algorithm;
 * 3. the SHA-256 of the bytes, read from both sides and pinned to the versions that HEAD showed.
 *
 * With depth "bytes" only the last counts.
 * @returns undefined if the object is proven, or was changed or deleted meanwhile (a run will find that)
 */
export async function proveSame(context: AuditContext, key: ObjectKey): Promise<Judgement | undefined> {
  const { task, source, destination, depth } = context;
  const there = destinationKey(task, key);
  const [a, b] = await Promise.all([source.head(key, { checksum: true }), destination.head(there, { checksum: true })]);
  if (!a || !b) return undefined;
  const pair = `source ${a.size} bytes, ETag ${a.etag}; destination ${b.size} bytes, ETag ${b.etag}`;
  const skipped = 'a run would skip it';
  if (a.size !== b.size) return { kind: 'different', seen: `the size differs: ${pair}` };
  if (!sameAttributes(task, a, b)) {
    return { kind: 'different', seen: `headers or user metadata differ, and ${skipped}: ${pair}` };
  }
  if (depth === 'proof') {
    if (a.etag !== '' && sameEtag(a.etag, b.etag)) return undefined;
    const same = sameChecksum(a, b);
    if (same === true) return undefined;
    if (same === false) {
      const sums = `${a.checksum?.value ?? ''} and ${b.checksum?.value ?? ''}`;
      return {
        kind: 'different',
        seen: `the stored ${a.checksum?.algorithm ?? ''} differs, ${sums}, and ${skipped}: ${pair}`,
      };
    }
  }
  if (!a.readable || !b.readable) {
    const which = !a.readable ? 'source' : 'destination';
    return {
      kind: 'unproven',
      seen: `the object at the ${which} is archived, and the two sides have no checksum of the same kind`,
    };
  }
  try {
    const [x, y] = await digests([source, a], [destination, b]);
    return x === y ? undefined : { kind: 'different', seen: `the bytes differ, and ${skipped}: ${pair}` };
  } catch (error) {
    if (!isFault(error, 'SourceChanged', 'SourceGone')) throw error;
    return undefined;
  }
}

/** The SHA-256 of both objects, read at the same time. If one cannot be read, the other stops. */
async function digests(...sides: [[ObjectStore, ObjectInfo], [ObjectStore, ObjectInfo]]): Promise<string[]> {
  const bodies: Readable[] = [];
  try {
    return await Promise.all(
      sides.map(async ([store, { key, etag, versionId }]) => {
        const version = { ifMatch: etag, ...(versionId !== undefined && { versionId }) };
        const opened = await store.get(key, version);
        if (!opened) return 'gone';
        bodies.push(opened.body);
        const hash = createHash('sha256');
        for await (const chunk of opened.body) hash.update(chunk as Uint8Array);
        return hash.digest('hex');
      }),
    );
  } finally {
    for (const body of bodies) body.destroy();
  }
}
