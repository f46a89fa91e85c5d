import { accessCheckKey } from '../model/access-check.ts';
import { keyFilter } from '../model/config/key-filter.ts';
import { destinationKey, type Task } from '../model/config/task.ts';
import { asFault, Fault, isFault } from '../model/faults.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { ListedObject } from '../model/object.ts';
import { isObjectKey, type ObjectKey } from '../model/object-key.ts';

/** Objects that are tried on a side. One that is refused may be an exception; a run is not stopped for it. */
const maxSamples = 3;
/** Prefixes that are looked into for objects. */
const maxPrefixes = 3;

export type SideName = 'source' | 'destination';

export interface AccessStores {
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  /** whose permissions the side's requests have, for messages; called only after a refusal */
  readonly principal?: (side: SideName) => Promise<string>;
}

/**
 * Does once what the copies of a run will do millions of times, as far as that leaves nothing behind: reads the first
 * byte and the tags of an object, and begins, lists and aborts an upload with the settings of the destination. Whatever
 * else goes wrong here (a store without the operation, an object that has gone, a busy service) is no reason to stop.
 * @param prefixes whole prefixes of the source, whose objects the run would copy
 * @throws Fault `AccessDenied` that names side, principal, action and resource, if each object tried is refused
 */
export async function checkAccess(stores: AccessStores, task: Task, prefixes: readonly string[]): Promise<void> {
  const samples = await samplesOf(stores.source, task, prefixes);
  if (samples.length === 0) return;
  const tags: Record<string, string> = {};
  const reads = samples.map((sample) => async () => {
    Object.assign(tags, await read(stores.source, task, sample));
  });
  await allowed(reads, (refusal) => explained(refusal, stores, task, 'source'));
  // A bucket policy may admit some names only, so that a refusal of the key that is no object's proves little.
  const keys = [accessCheckKey(task), ...samples.map(({ key }) => destinationKey(task, key))];
  const writes = keys.filter(isObjectKey).map((key) => () => write(stores.destination, key, tags));
  await allowed(writes, (refusal) => explained(refusal, stores, task, 'destination'));
}

/** Some of the objects that the run would copy. */
async function samplesOf(source: ObjectStore, task: Task, prefixes: readonly string[]): Promise<ListedObject[]> {
  const isSelected = keyFilter(task);
  const found: ListedObject[] = [];
  for (const prefix of prefixes.slice(0, maxPrefixes)) {
    const { objects } = await source.firstPage({ prefix });
    found.push(
      ...objects.filter(
        (object) => object.archived === undefined && isSelected(object.key) && isMapped(task, object.key),
      ),
    );
    if (found.length >= maxSamples) break;
  }
  return found.slice(0, maxSamples);
}

/** Can the key exist at the destination? Its job says why not. */
function isMapped(task: Task, key: ObjectKey): boolean {
  try {
    destinationKey(task, key);
    return true;
  } catch {
    return false;
  }
}

/** Reads as a copy does. @returns the object's tags, if the task copies them */
async function read(source: ObjectStore, { tags }: Task, { key, size }: ListedObject): Promise<Record<string, string>> {
  const opened = await source.get(key, size > 0 ? { range: { start: 0, end: 1 } } : {});
  if (!opened) return {};
  opened.body.destroy();
  return tags && opened.info.tagCount !== 0 ? source.tags(key) : {};
}

/** Begins an upload as a copy does, and aborts it. */
async function write(destination: ObjectStore, key: ObjectKey, tags: Record<string, string>): Promise<void> {
  await destination.head(key);
  const { uploadId } = await destination.createUpload(key, { headers: {}, metadata: {}, tags });
  try {
    await destination.listParts(key, uploadId);
  } finally {
    await destination.abortUpload(key, uploadId);
  }
}

/** Makes the attempts until one is not refused. @throws what `explain` makes of the first refusal if all are */
async function allowed(
  attempts: readonly (() => Promise<void>)[],
  explain: (refusal: Fault) => Promise<Fault>,
): Promise<void> {
  let refusal: Fault | undefined;
  for (const attempt of attempts) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!isFault(error, 'AccessDenied')) {
        // Not a question of permissions: the run itself says more. Errors that are no faults are bugs.
        if (isFault(error)) return;
        throw error;
      }
      refusal ??= error;
    }
  }
  if (refusal) throw await explain(refusal);
}

/** What AWS says of a refusal, where it says so: IAM User Guide, Troubleshoot access denied error messages. */
const spoken = /User: (\S+) is not authorized to perform: (\S+)(?: on resource: "?([^\s"]+)"?)?/;

/** The action that a refused operation needs, where the store does not name it. */
const actions: Readonly<Record<string, string>> = {
  GetObject: 's3:GetObject, or kms:Decrypt on the key of the object',
  GetObjectTagging: 's3:GetObjectTagging (or "tags": false in the task)',
  HeadObject: 's3:GetObject',
  CreateMultipartUpload:
    's3:PutObject (s3:PutObjectTagging with tags), or kms:GenerateDataKey on the key of the copies',
  ListParts: 's3:ListMultipartUploadParts',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
};

async function explained(refusal: Fault, { principal }: AccessStores, task: Task, name: SideName): Promise<Fault> {
  const [, who, action, resource] = spoken.exec(refusal.message) ?? [];
  const [operation = ''] = refusal.message.split(' ', 1);
  const { bucket, prefix } = task[name];
  const whose = who ?? (await principal?.(name).catch((error: unknown) => asFault(error).name)) ?? 'this process';
  const what = action ?? (Object.hasOwn(actions, operation) ? actions[operation] : operation);
  return new Fault(
    'AccessDenied',
    `task ${task.name}, ${name}: ${whose} lacks the permission ${what} ` +
      `on ${resource ?? `objects "${prefix}*" of bucket "${bucket}"`} (${refusal.message})`,
    { cause: refusal },
  );
}
