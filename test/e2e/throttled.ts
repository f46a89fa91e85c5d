import { localNames } from '../../local/run/settings.ts';
import { MiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ServiceFaultHook } from '../../emulator/aws/index.ts';
import { hashOf, type Pipeline, type Wanted } from '../../trials/support/pipeline.ts';
import { bytesOf, noAttributes } from '../support/objects.ts';

/** What the tests of outages and quotas share. */

const { sourceBucket, destinationBucket, credentialsParameter } = localNames;

/** A task from one bucket to the other, over a prefix of its name. Its destination has credentials of its own. */
export function taskOf(name: string, more: object = {}): object {
  return {
    name,
    source: { bucket: sourceBucket, prefix: `${name}/` },
    destination: {
      bucket: destinationBucket,
      prefix: `${name}/`,
      credentials: { ssmParameter: credentialsParameter },
    },
    partSize: 5 * MiB,
    ...more,
  };
}

/** Puts objects of these sizes, in bytes, into the source. @returns what the destination must have in the end */
export async function putObjects(pipeline: Pipeline, prefix: string, sizes: readonly number[]): Promise<Wanted> {
  const wanted: Wanted = new Map();
  for (const [index, size] of sizes.entries()) {
    const key = `${prefix}/${String(index).padStart(3, '0')}`;
    const data = bytesOf(size);
    await pipeline.source.put(objectKey(key), { data, size }, noAttributes);
    wanted.set(key, hashOf(data));
  }
  return wanted;
}

/** Postponed jobs come back after a second instead of up to five minutes. */
export const comeBackSoon: ServiceFaultHook = ({ operation, input }) => {
  if (operation !== 'SendMessage' && operation !== 'SendMessageBatch') return undefined;
  const entries = (input['Entries'] ?? [input]) as readonly { readonly DelaySeconds?: number }[];
  if (!entries.some(({ DelaySeconds = 0 }) => DelaySeconds > 1)) return undefined;
  return { kind: 'deliver', delays: (index) => [Math.min(1, entries[index]?.DelaySeconds ?? 0)] };
};

/** Parts that the destination accepted more than once, as `key part times`. */
export function repeatedParts({ requests }: Pipeline): string[] {
  const times = new Map<string, number>();
  for (const { operation, bucket, key, partNumber, status } of requests) {
    if (operation !== 'UploadPart' || bucket !== destinationBucket || status !== 200) continue;
    const part = `${key} ${partNumber ?? 0}`;
    times.set(part, (times.get(part) ?? 0) + 1);
  }
  return [...times].flatMap(([part, count]) => (count > 1 ? [`${part} ${count}`] : []));
}
