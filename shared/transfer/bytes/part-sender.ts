import { Fault, isFault } from '../../model/faults.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import type { Part, StoredPart } from '../../model/part-plan.ts';
import { passBody, readBody } from '../../flow/body.ts';
import type { OpenObject, PartAddress } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import { meaningOfDifference, noteEtag } from '../decide/etag-trust.ts';
import { copiedInside } from '../decide/inside-copies.ts';
import { copySourceOf, versionOf, type ObjectPair, type SourceVersion } from '../object-pair.ts';
import { withAttempts } from './attempts.ts';
import { Md5Digest, startDigest, type Digest } from './digest.ts';
import { openVersion, partName } from './open-version.ts';

/** Sends parts of one upload. Every part is read from the source version that the upload is for. */
export class PartSender {
  readonly #context: PartContext;
  readonly #pair: ObjectPair;
  readonly #target: UploadTarget;
  readonly #version: SourceVersion;
  /** parts whose ETag, at a store other than S3, was once not the MD5 of what was sent */
  readonly #doubtful = new Set<number>();

  constructor(context: PartContext, pair: ObjectPair, target: UploadTarget) {
    this.#context = context;
    this.#pair = pair;
    this.#target = target;
    this.#version = versionOf(target);
  }

  /** @throws the last fault once the retries are used up; `OutOfTime` if the deadline passed before the first byte */
  async send(part: Part): Promise<void> {
    const { progress } = this.#context;
    const { key } = this.#pair;
    const attempt = this.#target.method === 'relay' ? this.#relay.bind(this) : this.#copy.bind(this);
    try {
      await withAttempts(
        this.#context,
        () => attempt(part),
        (fault, message) => progress({ type: 'retry', key, fault, message }),
      );
    } catch (error) {
      if (isFault(error, 'VerificationFailed')) await this.#spoil(part);
      throw error;
    }
    progress({ type: 'sent', key, bytes: part.end - part.start, part: part.number });
  }

  /** Copies the part inside the store, or relays it if the store or its permissions rule that out. */
  async #copy(part: Part): Promise<StoredPart> {
    const { task, destination } = this.#context;
    const from = copySourceOf(task, this.#pair.key, this.#version);
    const copied = await copiedInside(this.#context, 'copyPart', () =>
      destination.copyPart(this.#address(part), from, part.start, part.end),
    );
    return copied ?? this.#relay(part);
  }

  async #relay(part: Part): Promise<StoredPart> {
    const size = part.end - part.start;
    const pooled = size <= maxBufferedBodyBytes ? await this.#context.buffers.acquire(size) : undefined;
    try {
      // The wait for memory may have been long.
      if (this.#context.deadline.remaining() < 0) {
        throw new Fault('OutOfTime', `${this.#nameOf(part)}: time ran out before the part was started`);
      }
      const opened = await openVersion(this.#context, this.#pair, this.#version, part);
      if (!pooled) return await this.#sendStream(part, opened);
      await readBody(opened.body, pooled.bytes, this.#nameOf(part));
      return await this.#sendBuffered(part, pooled.bytes);
    } finally {
      pooled?.release();
    }
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
  async #sendStream(part: Part, opened: OpenObject): Promise<StoredPart> {
    const size = part.end - part.start;
    const digest = await startDigest(this.#target.checksum);
    const data = passBody(opened.body, size, this.#nameOf(part), (bytes) => digest.update(bytes));
    try {
      const stored = await this.#context.destination.uploadPart(this.#address(part), { data, size });
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

  /**
   * Overwrites a part with one of the wrong size. A store that ignores checksums keeps a part that arrived damaged.
   * ListParts would show it as present, and a caller that resumes the upload compares only numbers and sizes, so it
   * would complete the upload with it. No call removes a part.
   */
  async #spoil(part: Part): Promise<void> {
    const bytes = Buffer.alloc(part.end - part.start === 1 ? 2 : 1);
    const digest = await startDigest(this.#target.checksum);
    digest.update(bytes);
    await this.#upload(part, bytes, digest);
  }

  #upload(part: Part, bytes: Buffer, digest: Digest): Promise<StoredPart> {
    const body = { data: bytes, size: bytes.length, ...digest.forBody() };
    return this.#context.destination.uploadPart(this.#address(part), body);
  }

  /**
   * Confirms a part by its ETag. At a store other than S3, an ETag of MD5 form that differs is no proof of damage: the
   * part is sent again, and if the store again accepts it and answers with another ETag, its ETags are no MD5s.
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
      if (meaning === 'doubt' && this.#doubtful.has(part.number)) {
        noteEtag(destination, 'other');
        return;
      }
      if (meaning === 'doubt') this.#doubtful.add(part.number);
      throw error;
    }
  }

  #confirm(digest: Digest, part: Part, stored: StoredPart): boolean {
    return digest.confirm({ ...stored, opaqueEtag: this.#target.opaqueEtag }, this.#nameOf(part));
  }

  #address({ number }: Part): PartAddress {
    const { uploadId, checksum } = this.#target;
    return { key: this.#pair.destinationKey, uploadId, number, ...(checksum && { checksum }) };
  }

  #nameOf(part: Part): string {
    return partName(this.#pair, part);
  }
}
