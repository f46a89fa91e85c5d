import { createHash } from 'node:crypto';
import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { Fault } from '../../shared/model/faults.ts';
import { MiB } from '../../shared/model/limits.ts';
import { parseTask, type Task } from '../../shared/model/config/task.ts';
import type { Deadline } from '../../shared/ports/clock.ts';
import { noDeadline } from '../../shared/ports/clock.ts';
import { ManualClock } from '../../shared/ports/memory/clock.ts';
import { Gate, type Call } from '../../shared/ports/memory/gate.ts';
import { MemoryDeadLetters, MemoryQueue } from '../../shared/ports/memory/job-queue.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { MemoryObjectStore } from '../../shared/ports/memory/object-store.ts';
import { MemoryStorage, type MemoryObject } from '../../shared/ports/memory/storage.ts';
import { MemoryUploads } from '../../shared/ports/memory/upload-executions.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { MortalProcess } from './process.ts';
import { Scheduler, type Dice } from '../support/scheduler.ts';

/** What is random about a world before anything happens in it. */
export interface WorldTraits {
  readonly deletes: boolean;
  readonly oneStore: boolean;
  readonly versions: boolean;
  readonly opaque: boolean;
  /** does the source look at If-Match? */
  readonly conditions: boolean;
  readonly completeEtag: boolean;
}

/** Objects over this size, in bytes, are large. */
export const threshold = 20;
const sizes = [0, 8, 19, 20, 21, 40];
/** Milliseconds that a received message stays hidden. */
const visibility = 30_000;

/** Two buckets, a queue, a ledger, executions; every call waits for its turn and may fail; time is moved by hand. */
export class HistoryWorld {
  readonly traits: WorldTraits;
  readonly scheduler: Scheduler;
  readonly clock = new ManualClock();
  readonly gate = new Gate();
  readonly ledger = new MemoryLedger(this.gate);
  readonly uploads = new MemoryUploads(this.gate);
  readonly queue = new MemoryQueue({ gate: this.gate, clock: this.clock, visibilityMillis: visibility });
  readonly deadLetters = new MemoryDeadLetters(this.gate);
  readonly task: Task;
  readonly violations: string[] = [];
  /** of all calls: what share fails */
  faultRate = 0;
  /** told of everything that happens, to replay a seed */
  readonly tell: ((line: string) => void) | undefined;
  /** calls that were made to fail and may leave an upload that nobody knows */
  lostUploads = 0;
  readonly #dice: Dice;
  readonly #source: MemoryStorage;
  readonly #destination: MemoryStorage;
  /** every version that the source ever had, by its stamp */
  readonly #versions = new Map<string, { readonly key: string; readonly bytes: Buffer }>();
  readonly #checked = new WeakSet<MemoryObject>();

  constructor(dice: Dice, tell?: (line: string) => void) {
    this.tell = tell;
    this.#dice = dice;
    this.scheduler = new Scheduler(dice);
    this.traits = {
      deletes: dice.chance(0.7),
      oneStore: dice.chance(0.25),
      versions: dice.chance(0.25),
      opaque: dice.chance(0.25),
      conditions: dice.chance(0.8),
      completeEtag: dice.chance(0.8),
    };
    const { oneStore, versions, opaque, conditions, completeEtag } = this.traits;
    const pinnedReads = conditions || oneStore;
    const shared = { clock: this.clock, gate: this.gate };
    this.#source = new MemoryStorage({ ...shared, features: { versions, pinnedReads, pinnedCopies: pinnedReads } });
    this.#destination = oneStore ? this.#source : new MemoryStorage({ ...shared, features: { completeEtag } });
    this.#source.createBucket('source');
    this.#destination.createBucket('destination', { opaque });
    this.task = parseTask(
      JSON.stringify({
        name: 'model',
        source: { bucket: 'source' },
        destination: { bucket: 'destination' },
        events: this.traits.deletes ? 'create-delete' : 'create',
        deletes: this.traits.deletes,
        serverSideCopy: oneStore ? 'auto' : 'never',
        largeObjectThreshold: threshold,
      }),
      'task',
    );
    this.gate.hooks = {
      before: async (call) => this.#passage(call, 'before'),
      after: async (call) => this.#passage(call, 'after'),
      wire: (_call, bytes) => (this.#fails() ? this.#damaged(bytes) : bytes),
    };
  }

  /** What a new process has: nothing is shared with others but the world. */
  context(
    process: MortalProcess,
    large: 'executions' | 'in process',
    deadline: Deadline = noDeadline,
  ): TransferContext {
    return {
      task: this.task,
      source: process.port(new MemoryObjectStore(this.#source, 'source')),
      destination: process.port(new MemoryObjectStore(this.#destination, 'destination')),
      buffers: new BufferPool(64 * MiB),
      clock: this.clock,
      progress: () => undefined,
      deadline,
      partsAtOnce: 3,
      ledger: process.port(this.ledger),
      ...(large === 'executions' && { uploads: process.port(this.uploads) }),
    };
  }

  /** Somebody writes a new version to the source. @returns the messages that S3 sends */
  write(key: string): string {
    const stamp = `v${this.#versions.size + 1}`;
    const bucket = this.#source.bucket('source');
    const before = bucket.get(key);
    // Now and then only the metadata is another.
    const bytes =
      before && this.#dice.chance(0.2)
        ? before.bytes
        : Buffer.alloc(this.#dice.pick(sizes), createHash('md5').update(stamp).digest());
    const plain = this.#source.etagOf(bucket, bytes);
    const inParts = bytes.length > 0 && (bytes === before?.bytes ? before.parts !== undefined : this.#dice.chance(0.3));
    const etag = inParts ? this.#source.multipartEtagOf(bucket, [{ etag: plain }]) : plain;
    const object: MemoryObject = {
      headers: { contentType: `version/${stamp}` },
      metadata: { stamp },
      tags: this.#dice.chance(0.3) ? { stamp } : {},
      bytes,
      etag,
      modified: this.#source.modifiedNow(),
      ...(this.traits.versions && { versionId: this.#source.next('version') }),
      storageClass: 'STANDARD',
      opaqueEtag: false,
      readable: true,
      ...(inParts && { parts: [bytes.length] }),
      // Computed at once: what is computed by and by would come at a moment that no seed decides.
      checksumAlgorithm: 'CRC32',
    };
    this.#versions.set(stamp, { key, bytes });
    bucket.write(key, object, this.traits.versions);
    this.tell?.(`the source: ${key} becomes ${stamp}, ${bytes.length} bytes, ${etag}`);
    return this.#event('ObjectCreated:Put', { key, size: bytes.length, eTag: etag });
  }

  /** Somebody deletes an object of the source. */
  remove(key: string): string {
    this.tell?.(`the source: ${key} is deleted`);
    this.#source.bucket('source').write(key, undefined, this.traits.versions);
    return this.#event('ObjectRemoved:Delete', { key });
  }

  sourceKeys(): string[] {
    return this.#source.bucket('source').keys().sort();
  }

  /** IDs of the uploads that are open at the destination. */
  openUploads(): string[] {
    return [...this.#destination.bucket('destination').uploads.keys()];
  }

  /** Is every object of the destination one whole version that the source had, bytes and attributes together? */
  checkWhole(): void {
    const bucket = this.#destination.bucket('destination');
    for (const key of bucket.keys()) {
      const object = bucket.get(key);
      if (!object || this.#checked.has(object)) continue;
      this.#checked.add(object);
      const stamp = object.metadata['stamp'] ?? '';
      const version = this.#versions.get(stamp);
      const whole =
        version?.key === key &&
        version.bytes.equals(object.bytes) &&
        object.headers.contentType === `version/${stamp}` &&
        (object.tags['stamp'] ?? stamp) === stamp;
      if (whole) continue;
      const shown = JSON.stringify({ ...object, bytes: `${object.bytes.length} bytes` });
      this.violations.push(`${key}: the destination shows what the source never was: ${shown}`);
    }
  }

  /** Is the destination what the source is? Asked when nothing moves any more. */
  checkSame(): void {
    const [source, destination] = [this.#source.bucket('source'), this.#destination.bucket('destination')];
    for (const key of source.keys()) {
      const [there, here] = [source.get(key), destination.get(key)];
      if (!here) this.violations.push(`${key}: missing at the destination`);
      else if (there?.metadata['stamp'] !== here.metadata['stamp']) {
        this.violations.push(`${key}: another version at the destination`);
      }
    }
    for (const key of destination.keys()) {
      if (this.traits.deletes && !source.get(key)) this.violations.push(`${key}: deleted at the source, still there`);
    }
  }

  #event(eventName: string, object: { key: string; size?: number; eTag?: string }): string {
    const eventTime = new Date(this.clock.now()).toISOString();
    const s3 = { bucket: { name: 'source' }, object };
    return JSON.stringify({ Records: [{ eventVersion: '2.1', eventSource: 'aws:s3', eventName, eventTime, s3 }] });
  }

  async #passage(call: Call, when: 'before' | 'after'): Promise<void> {
    await this.scheduler.turn();
    const fails = this.#fails();
    this.tell?.(`${when} ${call.operation} ${call.bucket} ${call.key} ${fails ? 'FAILS' : ''}`);
    if (fails) {
      if (['createUpload', 'abortUpload', 'ledger.claimUpload'].includes(call.operation)) this.lostUploads++;
      const name = this.#dice.pick(['Unavailable', 'Throttled', 'Unavailable'] as const);
      throw new Fault(name, `${call.operation} of ${call.key} was made to fail ${when} its effect`);
    }
  }

  #fails(): boolean {
    return this.faultRate > 0 && this.#dice.chance(this.faultRate);
  }

  #damaged(bytes: Buffer): Buffer {
    if (bytes.length === 0) return bytes;
    if (this.#dice.chance(0.5)) return bytes.subarray(0, bytes.length - 1);
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(0) ^ 1, 0);
    return damaged;
  }
}
