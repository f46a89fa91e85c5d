import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { keyFilter } from '../../shared/model/config/key-filter.ts';
import { findingKinds } from './finding.ts';
import { checksAtOnce, type AuditContext } from './context.ts';
import { formatTime } from './format.ts';
import { recheckObject } from './recheck.ts';

/** Entries that are read with one BatchGetItem, which takes 100 keys. */
const batchSize = 100;

const agreed = 'both sides are the same now, or neither has the object';
const onlyThere = 'the object is gone from the source, and deletes are not replicated';

/**
 * Checks every object that the ledger says failed. A complete comparison has reported those that still differ, with
 * their reasons. This part reports the cured ones, and, after an incomplete comparison, all others.
 * @param compared was the comparison complete?
 * @returns the number of failures in the ledger
 */
export async function auditFailures(context: AuditContext, compared: boolean): Promise<number> {
  const { task } = context;
  const isWanted = keyFilter(task);
  let failures = 0;
  for await (const page of context.lookup.failedKeys(task.name)) {
    for (let from = 0; from < page.length; from += batchSize) {
      const keys = page.slice(from, from + batchSize);
      const entries = await context.lookup.getMany(task.name, keys);
      await forEachConcurrently(entries.values(), checksAtOnce, async (entry) => {
        if (entry.status !== 'FAILED') return;
        failures++;
        const { key } = entry;
        const failure = `failed (${formatTime(entry.updatedAt)}): ${entry.reason ?? 'no reason was given'}`;
        if (!key.startsWith(task.source.prefix) || !isWanted(key)) {
          context.found({ kind: 'cured', key, seen: `the task no longer covers the key; ${failure}` });
          return;
        }
        const judgement = await recheckObject(context, key, entry);
        if (judgement && findingKinds[judgement.kind].severity === 'difference') {
          if (!compared) context.found({ ...judgement, key });
        } else context.found({ kind: 'cured', key, seen: `${judgement ? onlyThere : agreed}; ${failure}` });
      });
    }
  }
  return failures;
}
