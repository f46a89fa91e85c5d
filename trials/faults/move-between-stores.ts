import { createHash, randomBytes } from 'node:crypto';
import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { asFault } from '../../shared/model/faults.ts';
import { maxReceives, MiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { Task } from '../../shared/model/config/task.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { contextOf } from '../../test/support/context.ts';
import type { StoreFault } from './store-faults.ts';
import { Pattern } from './pattern.ts';
import { s3Itself, Stores, type StoreKinds } from './stores.ts';
import { noAttributes } from '../../test/support/objects.ts';
import { taskOf } from '../../test/support/tasks.ts';

export interface StoreMoveOptions {
  /** how: through this process, by copies inside the store, or by deleting */
  readonly way: 'relay' | 'inside' | 'delete';
  /** what the two buckets are at; by default S3 */
  readonly kinds?: StoreKinds;
  /** bytes of each object */
  readonly sizes: readonly number[];
  /** the faults, each with the share of requests that it happens to */
  readonly faults: readonly { readonly kind: StoreFault; readonly rate: number }[];
  readonly seed: number;
  /** objects transferred at once */
  readonly atOnce: number;
}

/** What became of the objects. */
export interface StoreMoveResult {
  readonly objects: number;
  readonly bytes: number;
  /** requests with a fault */
  readonly injected: number;
  readonly lost: number;
  readonly wrong: number;
  /** bytes of bodies that reached the destination, whether they were stored or not */
  readonly bytesSent: number;
  /** objects, parts and deletions that were repeated after they had succeeded */
  readonly duplicates: number;
  readonly seconds: number;
}

interface Sized {
  readonly key: string;
  readonly size: number;
}

const threshold = 5 * MiB;

/** Moves objects through the product's clients between two buckets of a server whose requests fail. */
export async function moveBetweenStores({
  way,
  kinds = s3Itself,
  sizes,
  faults,
  seed,
  atOnce,
}: StoreMoveOptions): Promise<StoreMoveResult> {
  const stores = await Stores.open(kinds, faults.find(({ kind }) => kind.clockAhead !== undefined)?.kind.clockAhead);
  const { watch, source, destination } = stores;
  try {
    const hashes = new Map<string, string>();
    const objects = sizes.map((size, index) => ({ key: `object ${index}`, size }));
    await forEachConcurrently(objects, atOnce, async ({ key, size }) => {
      const data = randomBytes(size);
      hashes.set(key, createHash('sha256').update(data).digest('hex'));
      await (way === 'delete' ? destination : source).put(objectKey(key), { data, size }, noAttributes);
    });
    watch.forget();
    const patterns = faults.map(({ kind, rate }) => ({ kind, pattern: new Pattern(seed, rate, { first: false }) }));
    watch.fault = ({ operation, bucket, key, partNumber }) => {
      for (const { kind, pattern } of patterns) {
        if (kind.operations?.includes(operation) === false) continue;
        const random = pattern.next(`${kind.name} ${operation} ${bucket} ${key} ${partNumber ?? ''}`);
        if (random) return kind.fault(random);
      }
      return undefined;
    };
    // A client learns the store's time from the first answer; these clients have not seen one.
    stores.renewClients();
    const began = performance.now();
    await moveAll(taskFor(way, kinds, stores.endpoint), objects, stores, atOnce);
    const seconds = (performance.now() - began) / 1000;
    watch.fault = () => undefined;
    const { injected, writes } = watch;
    const { bytesSent, duplicates } = writes;
    let [lost, wrong] = [0, 0];
    await forEachConcurrently(objects, atOnce, async ({ key }) => {
      const opened = await stores.destination.get(objectKey(key));
      const hash = createHash('sha256');
      if (opened) for await (const chunk of opened.body as AsyncIterable<Buffer>) hash.update(chunk);
      if (way === 'delete') wrong += opened ? 1 : 0;
      else if (!opened) lost++;
      else if (hash.digest('hex') !== hashes.get(key)) wrong++;
    });
    const bytes = way === 'relay' ? sizes.reduce((sum, size) => sum + size, 0) : 0;
    return { objects: objects.length, bytes, injected, lost, wrong, bytesSent, duplicates, seconds };
  } finally {
    await stores.close();
  }
}

/** Transfers as a consumer does: a job that fails is delivered again, as often as the queue would deliver it. */
async function moveAll(
  task: Task,
  objects: readonly Sized[],
  { source, destination }: Stores,
  atOnce: number,
): Promise<void> {
  const context = contextOf(task, source, destination, { partsAtOnce: 4, buffers: new BufferPool(128 * MiB) });
  await forEachConcurrently(objects, atOnce, async ({ key, size }) => {
    const job = task.deletes
      ? ({ task: task.name, key: objectKey(key), action: 'delete' } as const)
      : ({ task: task.name, key: objectKey(key), action: 'copy', size } as const);
    for (let receives = 1; receives <= maxReceives; receives++) {
      try {
        await transferObject(context, job);
        return;
      } catch (error) {
        // If the last delivery fails too, the object is missing and counts as lost.
        if (asFault(error).retry === 'never') return;
      }
    }
  });
}

/** A task between two buckets, which are reached without TLS. */
function taskFor(way: StoreMoveOptions['way'], { source, destination }: StoreKinds, endpoint: string): Task {
  const task = taskOf({
    name: 'faults',
    serverSideCopy: way === 'inside' ? 'auto' : 'never',
    deletes: way === 'delete',
    largeObjectThreshold: threshold,
    partSize: 5 * MiB,
  });
  return {
    ...task,
    source: { ...task.source, store: source, endpoint },
    destination: { ...task.destination, store: destination, endpoint },
  };
}
