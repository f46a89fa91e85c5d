import { createHash, randomBytes } from 'node:crypto';
import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { asFault } from '../../shared/model/faults.ts';
import { maxReceives, MiB } from '../../shared/model/limits.ts';
import { parseTask, type Task } from '../../shared/model/task.ts';
import { noDeadline, systemClock } from '../../shared/ports/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import type { FaultKind } from './kinds.ts';
import type { Dice } from './scheduler.ts';
import { Stores } from './stores.ts';

export interface CrossingOptions {
  /** bytes of each object */
  readonly sizes: readonly number[];
  /** what goes wrong, each with the share of the requests that it happens to */
  readonly faults: readonly { readonly kind: FaultKind; readonly rate: number }[];
  readonly dice: Dice;
  /** objects at once */
  readonly atOnce: number;
}

/** What became of objects that crossed while requests went wrong. */
export interface Crossing {
  readonly objects: number;
  readonly bytes: number;
  /** requests that something was done to */
  readonly injected: number;
  /** objects that were there in the end, whole */
  readonly survived: number;
  readonly lost: number;
  readonly wrong: number;
  /** deliveries of jobs beyond the first */
  readonly redeliveries: number;
  /** bytes of bodies that reached the destination, whatever became of them */
  readonly bytesSent: number;
  readonly seconds: number;
}

const threshold = 5 * MiB;

/** Moves objects through real clients between two buckets of a real server that does things wrong. */
export async function cross({ sizes, faults, dice, atOnce }: CrossingOptions): Promise<Crossing> {
  const stores = await Stores.open();
  const { watch, source, destination } = stores;
  try {
    const hashes = new Map<string, string>();
    const objects = sizes.map((size, index) => ({ key: `object ${index}`, size }));
    await forEachConcurrently(objects, atOnce, async ({ key, size }) => {
      const data = randomBytes(size);
      hashes.set(key, createHash('sha256').update(data).digest('hex'));
      await source.put(key, { data, size }, { headers: {}, metadata: {}, tags: {} });
    });
    watch.fault = (request) => {
      for (const { kind, rate } of faults) {
        const meant = kind.operations?.includes(request.operation) ?? true;
        if (meant && dice.chance(rate)) return kind.fault(dice);
      }
      return undefined;
    };
    const began = performance.now();
    const redeliveries = await moveAll(objects, stores, atOnce);
    const seconds = (performance.now() - began) / 1000;
    watch.fault = () => undefined;
    let [lost, wrong] = [0, 0];
    await forEachConcurrently(objects, atOnce, async ({ key }) => {
      const opened = await destination.get(key);
      const hash = createHash('sha256');
      if (opened) for await (const chunk of opened.body as AsyncIterable<Buffer>) hash.update(chunk);
      if (!opened) lost++;
      else if (hash.digest('hex') !== hashes.get(key)) wrong++;
    });
    return {
      objects: objects.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      injected: watch.injected,
      survived: objects.length - lost - wrong,
      lost,
      wrong,
      redeliveries,
      bytesSent: watch.bytesSent,
      seconds,
    };
  } finally {
    await stores.close();
  }
}

/** As a consumer does: a job that fails is delivered again, as often as the queue would. @returns redeliveries */
async function moveAll(
  objects: readonly { readonly key: string; readonly size: number }[],
  { source, destination }: Stores,
  atOnce: number,
): Promise<number> {
  const context = {
    task,
    source,
    destination,
    buffers: new BufferPool(128 * MiB),
    clock: systemClock,
    progress: () => undefined,
    deadline: noDeadline,
    partsAtOnce: 4,
    ledger: new MemoryLedger(),
    large: 'in process',
  } as const;
  let redeliveries = 0;
  await forEachConcurrently(objects, atOnce, async ({ key, size }) => {
    for (let receives = 1; receives <= maxReceives; receives++) {
      try {
        await transferObject(context, { task: task.name, key, action: 'copy', size });
        return;
      } catch (error) {
        // Counted as lost, by its absence, where the last delivery fails too.
        if (asFault(error).retry === 'never') return;
        redeliveries++;
      }
    }
  });
  return redeliveries;
}

/** As between two buckets of S3 itself: the clients know where the server is. */
const task: Task = parseTask(
  JSON.stringify({
    name: 'faults',
    source: { bucket: 'source' },
    destination: { bucket: 'destination' },
    serverSideCopy: 'never',
    largeObjectThreshold: threshold,
    partSize: 5 * MiB,
  }),
  'task',
);
