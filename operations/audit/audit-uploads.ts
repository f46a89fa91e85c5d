import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { isFault } from '../../shared/model/faults.ts';
import { ownerOf } from '../../shared/transfer/upload/sweep-uploads.ts';
import { checksAtOnce, type AuditContext } from './context.ts';
import { judgeUpload } from './judge-upload.ts';
import { activityOf } from './recheck.ts';

/**
 * Reports every open multipart upload below the task's destination prefix.
 * @returns their number; undefined if the store does not list them, which is reported
 */
export async function auditUploads(context: AuditContext): Promise<number | undefined> {
  try {
    return await auditListed(context);
  } catch (error) {
    if (!isFault(error, 'NotSupported')) throw error;
    context.found({ kind: 'uploads-unlisted', seen: error.message });
    return undefined;
  }
}

async function auditListed(context: AuditContext): Promise<number> {
  const { task, destination, ledger, clock } = context;
  let listed = 0;
  for await (const page of destination.listUploads(task.destination.prefix)) {
    listed += page.length;
    await forEachConcurrently(page, checksAtOnce, async (upload) => {
      const owner = await ownerOf({ task, ledger }, upload);
      const activity = owner.kind === 'named' ? await activityOf(context, owner.entry) : undefined;
      // It ended after it was listed.
      if (activity?.upload === 'gone') return;
      context.found({ ...judgeUpload(upload, owner, activity, clock.now()), key: upload.key });
    });
  }
  return listed;
}
