import { Fault, isFault } from '../../model/faults.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import type { Part, StoredPart } from '../../model/part-plan.ts';
import { passBody, readBody } from '../../flow/body.ts';
import type { Deadline } from '../../ports/clock.ts';
import type { OpenObject, PartAddress } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import { meaningOfDifference, noteEtag } from '../decide/etag-trust.ts';
import { copiedInside } from '../decide/inside-copies.ts';
import { listsDigests, needsSecondRead } from '../decide/wire-proof.ts';
import { copySourceOf, versionOf, type ObjectPair, type SourceVersion } from '../object-pair.ts';
import { withAttempts } from './attempts.ts';
import { Md5Digest, startDigest, type Digest } from './digest.ts';
import { openVersion, partName } from './open-version.ts';
import { readForDigests } from './read-digest.ts';
import { partAddress, spoilPart } from './spoil-part.ts';

/** Sends parts of one upload. Every part is read from the source version that the upload is for. */
export class PartSender {
  readonly #context: PartContext;
  readonly #pair: ObjectPair;
  readonly #target: UploadTarget;
  readonly #version: SourceVersion;
  /** the MD5s of parts whose ETag, at a store other than S3, was something else */
  readonly #doubtful = new Map<number, string>();

  constructor(context: PartContext, pair: ObjectPair, target: UploadTarget) {
    this.#context = context;
    this.#pair = pair;
    this.#target = target;
    this.#version = versionOf(target);
  }

  /**
   * @param onBytes called with the bytes of a body as they stream; not for bodies that are buffered
   * @throws the last fault once the retries are used up; `OutOfTime` if the deadline passed
   */
  async send(part: Part, onBytes: (bytes: number) => void = () => undefined): Promise<void> {
    const { progress } = this.#context;
    const { key } = this.#pair;
    const attempt = this.#target.method === 'relay' ? this.#relay.bind(this) : this.#copy.bind(this);
    try {
      await withAttempts(
        this.#context,
        () => attempt(part, onBytes),
        (fault, message) => progress({ type: 'retry', key, fault, message }),
      );
    } catch (error) {
      if (isFault(error, 'VerificationFailed')) await spoilPart(this.#context, this.#pair, this.#target, part);
      throw error;
    }
    progress({ type: 'sent', key, bytes: part.end - part.start, part: part.number });
  }

  /** Copies the part inside the store, or relays it if the store or its permissions rule that out. */
  async #copy(part: Part, onBytes: (bytes: number) => void): Promise<StoredPart> {
    const { task, destination } = this.#context;
    const from = copySourceOf(task, this.#pair.key, this.#version);
    const copied = await copiedInside(this.#context, 'copyPart', () =>
      destination.copyPart(this.#address(part), from, part.start, part.end),
    );
    return copied ?? this.#relay(part, onBytes);
  }

  async #relay(part: Part, onBytes: (bytes: number) => void): Promise<StoredPart> {
    const size = part.end - part.start;
    const pooled = size <= maxBufferedBodyBytes ? await this.#context.buffers.acquire(size) : undefined;
    try {
      // The wait for memory may have been long.
      if (this.#context.deadline.remaining() < 0) {
        throw this.#outOfTime(part, 'started');
      }
      const first = this.#isReadTwice() ? await this.#md5Of(part) : undefined;
      const opened = await openVersion(this.#context, this.#pair, this.#version, part);
      if (!pooled) return await this.#sendStream(part, opened, { first, onBytes });
      await readBody(opened.body, pooled.bytes, this.#nameOf(part));
      if (first !== undefined) this.#expectSame(part, first, Md5Digest.of(pooled.bytes).hex);
      return await this.#sendBuffered(part, pooled.bytes);
    } finally {
      pooled?.release();
    }
  }

  /** Will nothing prove later what is read now? */
  #isReadTwice(): boolean {
    const { task } = this.#context;
    if (!needsSecondRead(task, this.#target)) return false;
    return this.#target.method === 'server-side copy' || !listsDigests(this.#context, this.#target);
  }

  async #md5Of(part: Part): Promise<string> {
    const digest = new Md5Digest();
    await readForDigests(this.#context, this.#pair, { version: this.#version, part }, [digest]);
    return digest.hex;
  }

  #expectSame(part: Part, first: string, second: string): void {
    if (first === second) return;
    throw new Fault('VerificationFailed', `${this.#nameOf(part)}: two reads have the MD5s ${first} and ${second}`);
  }

  async #sendBuffered(part: Part, bytes: Buffer): Promise<StoredPart> {
    const digest = await startDigest(this.#target.checksum);
    digest.update(bytes);
    const stored = await this.#upload(part, bytes, digest);
    // Some stores ignore checksums, but the ETags of their parts may be MD5s.
    const isConfirmed = digest instanceof Md5Digest ? false : this.#confirm(digest, part, stored);
    if (!isConfirmed) this.#confirmMd5(digest instanceof Md5Digest ? digest : Md5Digest.of(bytes), part, stored);
    return stored;
  }

  /** For parts too large to buffer: verified by a trailing checksum, or by the ETag in the store's answer. */
  async #sendStream(
    part: Part,
    opened: OpenObject,
    { first, onBytes }: { first: string | undefined; onBytes: (bytes: number) => void },
  ): Promise<StoredPart> {
    const size = part.end - part.start;
    const digest = await startDigest(this.#target.checksum);
    const second = first === undefined ? undefined : new Md5Digest();
    const ranOut = watchDeadline(this.#context.deadline);
    const data = passBody(opened.body, size, this.#nameOf(part), (bytes) => {
      digest.update(bytes);
      second?.update(bytes);
      onBytes(bytes.length);
      if (ranOut()) throw this.#outOfTime(part, 'sent');
    });
    try {
      const stored = await this.#context.destination.uploadPart(this.#address(part), { data, size });
      if (first !== undefined && second) this.#expectSame(part, first, second.hex);
      if (!this.#confirm(digest, part, stored) && this.#target.checksum) {
        throw new Fault(
          'NotSupported',
          `${this.#nameOf(part)}: the destination does not confirm checksums; remove checksumAlgorithm from the task`,
        );
      }
      return stored;
    } catch (error) {
      // A broken stream makes the request fail with an error of its own; the stream's fault is the cause.
      if (isFault(data.errored)) throw data.errored;
      throw error;
    } finally {
      data.destroy();
    }
  }

  #upload(part: Part, bytes: Buffer, digest: Digest): Promise<StoredPart> {
    const body = { data: bytes, size: bytes.length, ...digest.forBody() };
    return this.#context.destination.uploadPart(this.#address(part), body);
  }

  /**
   * Confirms a part by its ETag. At a store other than S3, an ETag of MD5 form that differs is no proof of damage: the
   * part is read and sent again, and if the store again accepts the same bytes and answers with another ETag, its ETags
   * are no MD5s.
   */
  #confirmMd5(digest: Md5Digest, part: Part, stored: StoredPart): void {
    const { task, destination } = this.#context;
    try {
      if (this.#confirm(digest, part, stored)) noteEtag(destination, 'md5');
    } catch (error) {
      const meaning = isFault(error, 'VerificationFailed')
        ? meaningOfDifference(task.destination, destination)
        : 'damage';
      if (meaning === 'nothing') return;
      if (meaning === 'doubt' && this.#doubtful.get(part.number) === digest.hex) {
        noteEtag(destination, 'other');
        return;
      }
      if (meaning === 'doubt') this.#doubtful.set(part.number, digest.hex);
      throw error;
    }
  }

  #confirm(digest: Digest, part: Part, stored: StoredPart): boolean {
    return digest.confirm({ ...stored, opaqueEtag: this.#target.opaqueEtag }, this.#nameOf(part));
  }

  #outOfTime(part: Part, what: 'started' | 'sent'): Fault {
    return new Fault('OutOfTime', `${this.#nameOf(part)}: time ran out before the part was ${what}`);
  }

  #address(part: Part): PartAddress {
    return partAddress(this.#pair, this.#target, part);
  }

  #nameOf(part: Part): string {
    return partName(this.#pair, part);
  }
}

/** A deadline that was this far away a moment ago has not passed: the process drains, and parts in flight may end. */
const nearMillis = 60_000;

/**
 * Watches a deadline while a body streams, which shows a chunk every half minute at least. A call that is ended in the
 * middle of a part takes what else it sends along, and cannot say what is left.
 * @returns whether time ran out
 */
function watchDeadline(deadline: Deadline): () => boolean {
  let before = deadline.remaining();
  return () => {
    const now = deadline.remaining();
    if (now >= 0) before = now;
    return now < 0 && before < nearMillis;
  };
}
