import { createHash } from 'node:crypto';
import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { Fault } from '../../shared/model/faults.ts';
import { MiB } from '../../shared/model/limits.ts';
import { noDeadline, type Deadline } from '../../shared/ports/clock.ts';
import type { Call } from '../../shared/ports/memory/gate.ts';
import { MemoryDeadLetters, MemoryQueue } from '../../shared/ports/memory/job-queue.ts';
import type { MemoryObject } from '../../shared/ports/memory/storage.ts';
import { free, type Standing } from '../../shared/run/standing.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { LateWrites } from './late-writes.ts';
import { MortalProcess } from './process.ts';
import { MemoryWorld, partSize } from '../../test/support/memory-world.ts';
import type { Random } from '../../test/support/random.ts';
import { Scheduler } from './scheduler.ts';
import { drawTwin, type Twin } from './twins.ts';

/** What is drawn for a world before its history begins. */
export interface WorldTraits {
  readonly deletes: boolean;
  /** one store, the source's, holds both buckets */
  readonly oneStore: boolean;
  readonly source: Twin['name'];
  readonly destination: Twin['name'];
  readonly versions: boolean;
  /** the ETags of the destination are no MD5s */
  readonly opaque: boolean;
  /** does the source evaluate If-Match? */
  readonly conditions: boolean;
  readonly completeEtag: boolean;
  /** do executions wait, as the deployed machine does, until the surroundings recover? */
  readonly patient: boolean;
  /** does the destination compare what a write replaces? Then callers may give up writes that take effect later */
  readonly conditionalWrites: boolean;
}

/** For a while every call to one side, or to the ledger, is refused: an outage, or a quota in a burst. */
export interface Outage {
  readonly of: 'source' | 'destination' | 'ledger';
  readonly fault: 'Unavailable' | 'Throttled';
  /** milliseconds since the epoch */
  readonly until: number;
}

/** Objects over this size are large. */
const thresholdBytes = 20;
const sizes = [0, 8, 19, 20, 21, 40];
/** How long a received message stays hidden. */
const visibilityMillis = 30_000;

/**
 * The world of a history: both buckets, the ledger and executions of {@link MemoryWorld}, and a queue. Every call of a
 * port waits for its turn and may fail. It knows every version that the source ever had, so it can judge the
 * destination.
 */
export class HistoryWorld extends MemoryWorld {
  readonly traits: WorldTraits;
  readonly scheduler: Scheduler;
  readonly queue = new MemoryQueue({ gate: this.gate, clock: this.clock, visibilityMillis });
  readonly deadLetters = new MemoryDeadLetters(this.gate);
  readonly lateWrites: LateWrites;
  readonly violations: string[] = [];
  /** share of all calls that fail */
  faultRate = 0;
  /** what refuses every call at present */
  outage: Outage | undefined;
  /** the pause of the task at present; both in milliseconds since the epoch */
  pause: { readonly since: number; readonly until: number } | undefined;
  /** calls that an outage refused */
  refused = 0;
  /** reports each event of the history, to replay a seed */
  readonly report: ((line: string) => void) | undefined;
  /** calls that were made to fail and may leave an upload that the ledger does not know */
  lostUploads = 0;
  readonly #random: Random;
  /** every version that the source ever had, by its stamp */
  readonly #versions = new Map<string, { readonly key: string; readonly bytes: Buffer }>();
  readonly #checked = new WeakSet<MemoryObject>();

  constructor(random: Random, report?: (line: string) => void) {
    const scheduler = new Scheduler(random);
    const deletes = random.chance(0.7);
    const oneStore = random.chance(0.25);
    const opaque = random.chance(0.25);
    const source = drawTwin(random);
    const destination = oneStore ? source : drawTwin(random);
    super({
      task: {
        name: 'model',
        events: deletes ? 'create-delete' : 'create',
        deletes,
        serverSideCopy: oneStore ? 'auto' : 'never',
        largeObjectThreshold: thresholdBytes,
      },
      source: { ...source.features, minPartBytes: partSize },
      destination: { ...destination.features, minPartBytes: partSize },
      stores: { source: source.store, destination: destination.store },
      opaque: {
        source: !source.features.md5Etags,
        destination: opaque || !destination.features.md5Etags,
      },
      oneStore,
    });
    const { conditionalWrites } = destination.features;
    // What is read in parts is proven by S3's ETags and checksums alone. Elsewhere a changed bit is up to TLS.
    const isProven = source.store === 'aws' && destination.store === 'aws';
    const traits = {
      deletes,
      oneStore,
      source: source.name,
      destination: destination.name,
      versions: source.features.versions,
      opaque,
      conditions: source.features.pinnedReads,
      completeEtag: destination.features.completeEtag,
      patient: random.chance(0.5),
      conditionalWrites,
    };
    this.traits = traits;
    this.scheduler = scheduler;
    this.report = report;
    this.#random = random;
    this.lateWrites = new LateWrites({
      bucket: this.destinationStorage.bucket('destination'),
      gate: this.gate,
      isCut: () => conditionalWrites && this.#fails(),
      mayAppear: (key) => !deletes || this.sourceStorage.bucket('source').get(key) !== undefined,
    });
    this.gate.hooks = {
      before: async (call) => this.#passage(call, 'before'),
      after: async (call) => this.#passage(call, 'after'),
      wire: (call, bytes) => (this.#fails() ? this.#damaged(bytes, call.operation !== 'get' || isProven) : bytes),
    };
  }

  /** The context of a new process: it shares only the world with the others. */
  contextIn(
    process: MortalProcess,
    { uploads, deadline = noDeadline }: { uploads: boolean; deadline?: Deadline },
  ): TransferContext {
    const context = this.context();
    return {
      ...context,
      source: process.port(context.source),
      destination: process.port(this.lateWrites.cutting(context.destination)),
      buffers: new BufferPool(64 * MiB),
      progress: () => undefined,
      deadline,
      ledger: process.port(this.ledger),
      standing: () => Promise.resolve(this.standing()),
      ...(uploads && { uploads: process.port(this.uploads) }),
    };
  }

  /** May the task's work be done now? */
  standing(): Standing {
    const { pause } = this;
    if (pause && this.clock.now() >= pause.until) this.pause = undefined;
    return this.pause ? { kind: 'held', reason: 'the task is paused', since: this.pause.since } : free;
  }

  /** Writes a new version to the source. @returns the message that S3 sends */
  write(key: string): string {
    const stamp = `v${this.#versions.size + 1}`;
    const bucket = this.sourceStorage.bucket('source');
    const { features } = this.sourceStorage;
    const before = bucket.get(key);
    // Some versions differ from the one before only in their metadata.
    const bytes =
      before && this.#random.chance(0.2)
        ? before.bytes
        : Buffer.alloc(this.#random.pick(sizes), createHash('md5').update(stamp).digest());
    const plain = this.sourceStorage.etagOf(bucket, bytes);
    const inParts =
      bytes.length > 0 && (bytes === before?.bytes ? before.parts !== undefined : this.#random.chance(0.3));
    const etag = inParts ? this.sourceStorage.multipartEtagOf(bucket, [{ etag: plain }]) : plain;
    const object: MemoryObject = {
      headers: { contentType: `version/${stamp}` },
      metadata: { stamp },
      tags: this.#random.chance(0.3) && features.tags === 'kept' ? { stamp } : {},
      bytes,
      etag,
      modified: this.sourceStorage.modifiedNow(),
      ...(this.traits.versions && { versionId: this.sourceStorage.next('version') }),
      storageClass: 'STANDARD',
      opaqueEtag: false,
      readable: true,
      ...(inParts && { parts: [bytes.length] }),
      // An asynchronous checksum would come at a moment that the seed does not decide.
      ...(features.checksums === 'checked' && { checksumAlgorithm: 'CRC32' as const }),
    };
    this.#versions.set(stamp, { key, bytes });
    bucket.write(key, object, this.traits.versions);
    this.report?.(`the source: ${key} becomes ${stamp}, ${bytes.length} bytes, ${etag}`);
    return this.#event('ObjectCreated:Put', { key, size: bytes.length, eTag: etag });
  }

  /** Deletes an object of the source. @returns the message that S3 sends */
  remove(key: string): string {
    this.report?.(`the source: ${key} is deleted`);
    this.sourceStorage.bucket('source').write(key, undefined, this.traits.versions);
    return this.#event('ObjectRemoved:Delete', { key });
  }

  /** Can the sweeper find uploads at the destination? */
  get listsUploads(): boolean {
    return this.destinationStorage.features.uploadListing !== 'none';
  }

  sourceKeys(): string[] {
    return this.sourceStorage.bucket('source').keys().sort();
  }

  /** Every object of the destination must be one whole version that the source had: its bytes and its attributes. */
  checkWhole(): void {
    const bucket = this.destinationStorage.bucket('destination');
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
      this.violations.push(`${key}: the destination shows a version that the source never had: ${shown}`);
    }
  }

  /** The destination must be as the source is, once all work has ended. */
  checkSame(): void {
    const [source, destination] = [this.sourceStorage.bucket('source'), this.destinationStorage.bucket('destination')];
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
    if (when === 'before') this.#refuseDuringOutage(call);
    const fails = this.#fails();
    this.report?.(`${when} ${call.operation} ${call.bucket} ${call.key} ${fails ? 'FAILS' : ''}`);
    if (fails) {
      if (['createUpload', 'abortUpload', 'ledger.claimUpload'].includes(call.operation)) this.lostUploads++;
      const name = this.#random.pick(['Unavailable', 'Throttled', 'Unavailable'] as const);
      throw new Fault(name, `${call.operation} of ${call.key} was made to fail ${when} its effect`);
    }
  }

  #refuseDuringOutage({ operation, bucket, key }: Call): void {
    const { outage } = this;
    if (outage && this.clock.now() >= outage.until) this.outage = undefined;
    if (this.outage?.of !== bucket) return;
    this.refused++;
    // An upload whose abort is refused is left to the sweeper.
    if (operation === 'abortUpload') this.lostUploads++;
    this.report?.(`${operation} ${bucket} ${key} is refused: ${this.outage.fault}`);
    throw new Fault(this.outage.fault, `${operation} of ${key} was refused in an outage of ${bucket}`);
  }

  #fails(): boolean {
    return this.faultRate > 0 && this.#random.chance(this.faultRate);
  }

  /** @param bits may bits change? Otherwise the body only ends too early */
  #damaged(bytes: Buffer, bits: boolean): Buffer {
    if (bytes.length === 0) return bytes;
    if (this.#random.chance(0.5) || !bits) return bytes.subarray(0, bytes.length - 1);
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(0) ^ 1, 0);
    return damaged;
  }
}
