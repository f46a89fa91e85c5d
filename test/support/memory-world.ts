import { createHash } from 'node:crypto';
import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import type { Job } from '../../shared/model/job.ts';
import { KiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ObjectAttributes } from '../../shared/model/object.ts';
import type { Task } from '../../shared/model/config/task.ts';
import type { StoreName } from '../../shared/model/stores/stores.ts';
import { ManualClock } from '../../shared/ports/memory/clock.ts';
import { Gate, type Call } from '../../shared/ports/memory/gate.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { MemoryObjectStore, type View } from '../../shared/ports/memory/object-store.ts';
import type { StoreFeatures } from '../../shared/ports/memory/features.ts';
import { MemoryStorage, type MemoryObject } from '../../shared/ports/memory/storage.ts';
import { MemoryUploads } from '../../shared/ports/memory/upload-executions.ts';
import type { Outcome, ProgressEvent } from '../../shared/ports/progress.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { contextOf } from './context.ts';
import { noAttributes } from './objects.ts';
import { taskOf, type TaskSettings } from './tasks.ts';

/**
 * A world in memory for the transfer core: a store on each side, a ledger, executions, and a clock that the test moves.
 * Use it to decide the order of calls and to fail any of them; see README.md for the other worlds.
 */

export interface MemoryWorldOptions {
  /** laid over a task that relays, with the smallest part as the threshold and as the part size */
  readonly task?: TaskSettings;
  readonly source?: Partial<StoreFeatures>;
  readonly destination?: Partial<StoreFeatures>;
  /** the destination's (or the source's) ETags are no MD5s */
  readonly opaque?: { readonly source?: boolean; readonly destination?: boolean };
  readonly views?: { readonly source?: View; readonly destination?: View };
  /** one store holds both buckets */
  readonly oneStore?: boolean;
  /** what the task knows of the stores; by default they are S3 */
  readonly stores?: { readonly source?: StoreName; readonly destination?: StoreName };
  /** bytes of the smallest part that the stores take; S3's is 5 MiB, the default is `partSize` */
  readonly minPartBytes?: number;
}

/**
 * A MiB of S3, shrunk. The stores of a world take parts of 320 KiB where S3 takes 5 MiB, so that a multipart upload is
 * quick to make. Such a part still arrives in several pieces and still comes from the pool of buffers.
 */
export const shrunkMiB = 64 * KiB;
export const partSize = 5 * shrunkMiB;

export class MemoryWorld {
  readonly clock = new ManualClock();
  readonly gate = new Gate();
  readonly ledger = new MemoryLedger(this.gate);
  readonly uploads = new MemoryUploads(this.gate);
  readonly buffers = new BufferPool(64 * shrunkMiB);
  readonly events: ProgressEvent[] = [];
  readonly sourceStorage: MemoryStorage;
  readonly destinationStorage: MemoryStorage;
  readonly task: Task;
  readonly #options: MemoryWorldOptions;

  constructor(options: MemoryWorldOptions = {}) {
    this.#options = options;
    const shared = { clock: this.clock, gate: this.gate };
    const { minPartBytes = partSize } = options;
    this.sourceStorage = new MemoryStorage({ ...shared, features: { minPartBytes, ...options.source } });
    this.destinationStorage = options.oneStore
      ? this.sourceStorage
      : new MemoryStorage({ ...shared, features: { minPartBytes, ...options.destination } });
    this.sourceStorage.createBucket('source', { opaque: options.opaque?.source ?? false });
    this.destinationStorage.createBucket('destination', { opaque: options.opaque?.destination ?? false });
    this.task = taskAt(options.stores, taskWithParts(minPartBytes, options.task));
  }

  /** A context as a new process would have: nothing is shared with earlier ones but the world itself. */
  context(overrides: Partial<TransferContext> = {}): TransferContext {
    const { views } = this.#options;
    const source = new MemoryObjectStore(this.sourceStorage, 'source', views?.source);
    const destination = new MemoryObjectStore(this.destinationStorage, 'destination', views?.destination);
    return contextOf(this.task, source, destination, {
      buffers: this.buffers,
      clock: this.clock,
      progress: (event) => this.events.push(event),
      partsAtOnce: 3,
      ledger: this.ledger,
      ...overrides,
    });
  }

  job(key = 'k', more: Partial<Job> = {}): Job {
    return { task: this.task.name, key: objectKey(key), action: 'copy', ...more };
  }

  transfer(key = 'k', overrides: Partial<TransferContext> = {}): Promise<Outcome> {
    return transferObject(this.context(overrides), this.job(key));
  }

  /** Puts an object into the source, without the hooks and counts of the test seeing it. */
  async putSource(bytes: Buffer, options: { key?: string; attributes?: ObjectAttributes } = {}): Promise<void> {
    await this.#unseen(async () => {
      const store = new MemoryObjectStore(this.sourceStorage, 'source');
      const { key = 'k', attributes = noAttributes } = options;
      await store.put(objectKey(key), { data: bytes, size: bytes.length }, attributes);
    });
  }

  /** Uploads an object into the source in parts of these sizes. */
  async uploadSource(bytes: Buffer, sizes: readonly number[], attributes = noAttributes): Promise<void> {
    await this.#unseen(async () => {
      const store = new MemoryObjectStore(this.sourceStorage, 'source');
      const { uploadId } = await store.createUpload(objectKey('k'), attributes);
      const parts = [];
      let start = 0;
      for (const [index, size] of sizes.entries()) {
        const data = bytes.subarray(start, start + size);
        parts.push(await store.uploadPart({ key: objectKey('k'), uploadId, number: index + 1 }, { data, size }));
        start += size;
      }
      await store.completeUpload(objectKey('k'), uploadId, parts, { size: bytes.length });
    });
  }

  async deleteSource(key = 'k'): Promise<void> {
    await this.#unseen(() => new MemoryObjectStore(this.sourceStorage, 'source').delete(objectKey(key)));
  }

  async #unseen(work: () => Promise<void>): Promise<void> {
    const { hooks } = this.gate;
    this.gate.hooks = {};
    try {
      await work();
    } finally {
      this.gate.hooks = hooks;
      this.gate.forgetCounts();
    }
  }

  sourceObject(key = 'k'): MemoryObject | undefined {
    return this.sourceStorage.bucket('source').get(key);
  }

  copied(key = 'k'): MemoryObject | undefined {
    return this.destinationStorage.bucket('destination').get(key);
  }

  /** The MD5 of the copy's n-th part (from 0), all before it having `partSize` bytes. */
  partEtag(index: number, size: number, key = 'k'): string {
    const bytes = this.copied(key)?.bytes.subarray(index * partSize, index * partSize + size) ?? Buffer.alloc(0);
    return createHash('md5').update(bytes).digest('hex');
  }

  /** IDs of the uploads that are open at the destination. */
  openUploads(): string[] {
    return [...this.destinationStorage.bucket('destination').uploads.keys()];
  }

  finished(): Outcome[] {
    return this.events.flatMap((event) => (event.type === 'finished' ? [event.outcome] : []));
  }

  /** Ends the process: no call of it gets through any more. */
  kill(): never {
    const dead = (): never => {
      throw new Error('killed');
    };
    this.gate.hooks = { before: dead };
    return dead();
  }

  revive(): void {
    this.gate.hooks = {};
  }

  /** Calls `act` once, at the n-th call of the operation in this bucket, before or after it takes effect. */
  at(
    when: 'before' | 'after',
    operation: string,
    act: (call: Call) => void | Promise<void>,
    { nth = 1, bucket }: { nth?: number; bucket?: string } = {},
  ): void {
    let seen = 0;
    this.gate.hooks = {
      ...this.gate.hooks,
      [when]: async (call: Call) => {
        if (call.operation !== operation || (bucket !== undefined && call.bucket !== bucket)) return;
        if (++seen === nth) await act(call);
      },
    };
  }
}

/** The world's task: it relays, and asks for parts that S3 would take. Only the stores here may take smaller ones. */
function taskWithParts(minPartBytes: number, settings: TaskSettings = {}): Task {
  const task = taskOf({ largeObjectThreshold: minPartBytes, ...settings });
  return 'partSize' in settings ? task : { ...task, partSize: minPartBytes };
}

/** A task at stores of these kinds. They have no endpoint, as they are in memory; a configuration would need one. */
function taskAt({ source, destination }: MemoryWorldOptions['stores'] = {}, task: Task): Task {
  return {
    ...task,
    source: { ...task.source, ...(source && { store: source }) },
    destination: { ...task.destination, ...(destination && { store: destination }) },
  };
}
