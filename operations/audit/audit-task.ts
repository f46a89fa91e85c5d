import { asFault } from '../../shared/model/faults.ts';
import { compareBuckets, type Comparison } from './compare-buckets.ts';
import type { AuditContext } from './context.ts';
import { auditFailures } from './audit-failures.ts';
import { auditLosses } from './audit-losses.ts';
import { auditUploads } from './audit-uploads.ts';
import { auditQueues, type QueueCounts } from './audit-queues.ts';

/**
 * `audit/` compares everything that a task is about, and changes nothing.
 *
 * {@link auditTask} has five parts: both buckets (compare-buckets.ts), failures in the ledger (audit-failures.ts),
 * copies that lack something (audit-losses.ts), open uploads (audit-uploads.ts) and the queues (audit-queues.ts). Pure
 * functions judge what was read (judge-object.ts, judge-upload.ts); an object that seems to differ is read again first
 * (recheck.ts). Each finding has a row in finding.ts, and report.ts writes it.
 */

/** The counts of an audit; undefined for a part that failed (a finding says why). */
export interface AuditResult {
  readonly compared: Comparison;
  readonly queue: QueueCounts | undefined;
  /** objects that failed, according to the ledger */
  readonly failures: number | undefined;
  /** objects whose copies lack something, according to the ledger */
  readonly incomplete: number | undefined;
  /** open uploads at the destination */
  readonly uploads: number | undefined;
}

/**
 * Audits a task. Each finding is reported as it is made. A part that cannot be read is a finding too, and the other
 * parts continue.
 */
export async function auditTask(context: AuditContext): Promise<AuditResult> {
  if (context.task.compare === 'none') {
    context.found({ kind: 'compare-none', seen: `task ${context.task.name} has "compare": "none"` });
  }
  const compared = await compareBuckets(context);
  const part = async <Result>(what: string, audit: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await audit();
    } catch (error) {
      const { name, message } = asFault(error);
      context.found({ kind: 'not-compared', seen: `${what}: ${name}: ${message}` });
      return undefined;
    }
  };
  return {
    compared,
    failures: await part('failures in the ledger', () => auditFailures(context, compared.complete)),
    incomplete: await part('losses in the ledger', () => auditLosses(context)),
    uploads: await part('open uploads', () => auditUploads(context)),
    queue: await part('queues', () => auditQueues(context)),
  };
}
