import type { Job } from '../model/job.ts';
import type { UploadTarget } from '../model/messages/payloads.ts';
import type { ObjectInfo } from '../model/object.ts';
import type { ObjectKey } from '../model/object-key.ts';
import { quoted } from '../model/text.ts';
import { destinationKey, type Task } from '../model/config/task.ts';
import type { CopySource } from '../ports/object-store.ts';

/** One object of a task on both sides, as the ledger, progress events and messages name it. */
export interface ObjectPair {
  /** the task's name */
  readonly task: string;
  /** the key at the source */
  readonly key: ObjectKey;
  /** the run that found the object */
  readonly run?: string;
  readonly destinationKey: ObjectKey;
  /** bucket and quoted key, for messages */
  readonly sourceName: string;
  readonly destinationName: string;
}

/** @throws Fault `InvalidInput` if the key is outside the task's source prefix, or too long at the destination */
export function pairOf(task: Task, job: Pick<Job, 'task' | 'key' | 'run'>): ObjectPair {
  const there = destinationKey(task, job.key);
  return {
    task: job.task,
    key: job.key,
    ...(job.run !== undefined && { run: job.run }),
    destinationKey: there,
    sourceName: `${task.source.bucket}: ${quoted(job.key)}`,
    destinationName: `${task.destination.bucket}: ${quoted(there)}`,
  };
}

/** One version of the source's object, which reads are pinned to. */
export type SourceVersion = Pick<ObjectInfo, 'size' | 'etag' | 'versionId'>;

/** The version that an upload is for. */
export function versionOf({ plan, sourceEtag, sourceVersionId }: UploadTarget): SourceVersion {
  return { size: plan.size, etag: sourceEtag, ...(sourceVersionId !== undefined && { versionId: sourceVersionId }) };
}

/** The version ID as an option of a request, if the source has versions. */
export function pinOf({ versionId }: Pick<SourceVersion, 'versionId'>): { versionId?: string } {
  return versionId === undefined ? {} : { versionId };
}

/** One version of the source's object, as the source of a copy inside the store. */
export function copySourceOf(task: Task, key: ObjectKey, { etag, versionId }: SourceVersion): CopySource {
  const { bucket, expectedBucketOwner: owner } = task.source;
  return {
    bucket,
    key,
    etag,
    ...(versionId !== undefined && { versionId }),
    ...(owner !== undefined && { owner }),
  };
}
