import { lossTable } from '../../shared/model/losses.ts';
import type { AuditContext } from './context.ts';

/**
 * Reports each object whose copy lacks something, according to the ledger.
 * @returns the number of such objects
 */
export async function auditLosses(context: AuditContext): Promise<number> {
  let objects = 0;
  for await (const page of context.lookup.lossyCopies(context.task.name)) {
    for (const { key, lost } of page) {
      objects++;
      const what = lost.length === 0 ? 'something that this version does not know' : lost.map(nameOf).join(', ');
      context.found({ kind: 'incomplete', key, seen: `the copy lacks ${what}` });
    }
  }
  return objects;
}

function nameOf(kind: keyof typeof lossTable): string {
  return `${lossTable[kind].what} (${kind})`;
}
