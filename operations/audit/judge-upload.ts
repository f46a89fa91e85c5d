import type { ListedUpload } from '../../shared/ports/object-store.ts';
import { sweptAfterDays } from '../../shared/model/limits.ts';
import type { UploadOwner } from '../../shared/transfer/upload/sweep-uploads.ts';
import type { Judgement } from './finding.ts';
import { formatDuration, formatTime } from './format.ts';
import { stalledAfterMillis, type Activity } from './judge-object.ts';

const sweptAfterMillis = sweptAfterDays * 24 * 3600_000;

/**
 * Judges an upload that is open below the task's destination prefix:
 *
 * | the ledger   | more                                                   | kind           |
 * |--------------|--------------------------------------------------------|----------------|
 * | names it     | its execution runs, or activity within two hours       | upload-in-use  |
 * | names it     |                                                        | upload-left    |
 * | announced it | started within two hours: it may be claimed any moment | upload-in-use  |
 * | announced it |                                                        | upload-left    |
 * | knows nothing|                                                        | upload-foreign |
 *
 * @param activity of an upload that the ledger names, else undefined
 * @param now milliseconds since the epoch
 */
export function judgeUpload(
  { uploadId, initiated }: ListedUpload,
  owner: UploadOwner,
  activity: Activity | undefined,
  now: number,
): Judgement {
  const age = formatDuration(Math.max(0, now - initiated));
  const upload = `upload ${uploadId}, started ${formatTime(initiated)} (${age} ago)`;
  switch (owner.kind) {
    case 'foreign':
      return { kind: 'upload-foreign', seen: `${upload}; the sweep will not abort it` };
    case 'announced': {
      const left = now - initiated >= stalledAfterMillis;
      const seen = `${upload}; this task announced it, and no execution claimed it; ${swept(initiated, now)}`;
      return { kind: left ? 'upload-left' : 'upload-in-use', seen };
    }
    case 'named': {
      const { entry } = owner;
      const lastActivity = Math.max(entry.updatedAt, activity?.lastPart ?? 0);
      const isActive = activity?.running === true || now - lastActivity < stalledAfterMillis;
      const state = activity?.running === true ? 'its execution runs' : 'no execution runs for it';
      const seen = `${upload}; the ledger says ${entry.status}, last activity ${formatTime(lastActivity)}, ${state}`;
      // The sweep uses the ledger's time alone.
      return isActive
        ? { kind: 'upload-in-use', seen }
        : { kind: 'upload-left', seen: `${seen}; ${swept(entry.updatedAt, now)}` };
    }
  }
}

function swept(since: number, now: number): string {
  const at = since + sweptAfterMillis;
  return at <= now
    ? 'the next daily sweep aborts it'
    : `the daily sweep aborts it after ${formatTime(at)} unless it continues`;
}
