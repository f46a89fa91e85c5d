import { asFault } from '../../shared/model/faults.ts';
import { compareBuckets, type Comparison } from './compare-buckets.ts';
import type { AuditContext } from './context.ts';
import { auditFailures } from './audit-failures.ts';
import { auditUploads } from './audit-uploads.ts';
import { auditQueues, type QueueCounts } from './audit-queues.ts';

/** What was looked at; undefined where that failed (a finding says why). */
export interface AuditResult {
  readonly compared: Comparison;
  readonly queue: QueueCounts | undefined;
  /** failures that the ledger tells of */
  readonly failures: number | undefined;
  /** open uploads at the destination */
  readonly uploads: number | undefined;
}

/**
 * Compares source, destination, ledger, queue and open uploads of a task, and changes none of them. Each difference is
 * told as it is found. What cannot be looked at is a finding too, and does not keep the rest from being looked at.
 */
export async function auditTask(context: AuditContext): Promise<AuditResult> {
  if (context.task.compare === 'none') {
    context.found({ kind: 'compare-none', seen: `task ${context.task.name} has "compare": "none"` });
  }
  const compared = await compareBuckets(context);
  const part = async <Result>(what: string, look: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await look();
    } catch (error) {
      const { name, message } = asFault(error);
      context.found({ kind: 'not-compared', seen: `${what}: ${name}: ${message}` });
      return undefined;
    }
  };
  return {
    compared,
    failures: await part('failures in the ledger', () => auditFailures(context, compared.complete)),
    uploads: await part('open uploads', () => auditUploads(context)),
    queue: await part('queues', () => auditQueues(context)),
  };
}
