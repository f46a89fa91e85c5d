import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { keyFilter } from '../../shared/model/config/key-filter.ts';
import { findingKinds } from './finding.ts';
import { checksAtOnce, type AuditContext } from './context.ts';
import { formatTime } from './format.ts';
import { recheckObject } from './recheck.ts';

/** Entries that are read at once. */
const batchSize = 100;

const agreed = 'both sides are the same by now, or neither has the object';
const onlyThere = 'the object is gone from the source, and deletes are not replicated';

/**
 * Looks at everything that the ledger says failed. What differs still was told by the comparison, with its reason, where
 * that came to its end; here it is told what is cured, and what the comparison did not come to.
 * @returns failures that the index named
 */
export async function auditFailures(context: AuditContext, compared: boolean): Promise<number> {
  const { task } = context;
  const isWanted = keyFilter(task);
  let named = 0;
  for await (const page of context.lookup.failedKeys(task.name)) {
    for (let from = 0; from < page.length; from += batchSize) {
      const keys = page.slice(from, from + batchSize);
      const entries = await context.lookup.getMany(task.name, keys);
      await forEachConcurrently(entries.values(), checksAtOnce, async (entry) => {
        if (entry.status !== 'FAILED') return;
        named++;
        const { key } = entry;
        const failure = `failed (${formatTime(entry.updatedAt)}): ${entry.reason ?? 'no reason was given'}`;
        if (!key.startsWith(task.source.prefix) || !isWanted(key)) {
          context.found({ kind: 'cured', key, seen: `the key is none of the task's any more; ${failure}` });
          return;
        }
        const judgement = await recheckObject(context, key, entry);
        if (judgement && findingKinds[judgement.kind].severity === 'difference') {
          if (!compared) context.found({ ...judgement, key });
        } else context.found({ kind: 'cured', key, seen: `${judgement ? onlyThere : agreed}; ${failure}` });
      });
    }
  }
  return named;
}
