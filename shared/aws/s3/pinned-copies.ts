import { Fault, isFault } from '../../model/faults.ts';
import { quotedEtag } from './inputs.ts';

/** An ETag that no object has: an MD5 of zeros. */
export const impossibleEtag = quotedEtag('0'.repeat(32));

/**
 * Does a store compare the version that a copy is pinned to? Ceph 16 ignores `x-amz-copy-source-if-match`, of
 * CopyObject and of UploadPartCopy. An object could then get the bytes of one version and the metadata of another, or
 * parts of two; such a store has to be given the bytes. The store is asked once per bucket, operation and process.
 */
export class PinnedCopies {
  readonly #onAnswer: (compares: boolean) => void;
  #answer: Promise<boolean> | undefined;

  /** @param onAnswer called once, as soon as the store has answered */
  constructor(onAnswer: (compares: boolean) => void) {
    this.#onAnswer = onAnswer;
  }

  /** true if the store was asked, or is being asked */
  get isAsked(): boolean {
    return this.#answer !== undefined;
  }

  /**
   * @param what the operation and its object, for the message
   * @param probe a copy that is pinned to {@link impossibleEtag}
   * @throws Fault `NotSupported` if the store ignores the version; the probe's fault if that leaves the question open
   */
  async expect(what: string, probe: () => Promise<unknown>): Promise<void> {
    const answer = (this.#answer ??= this.#ask(probe));
    try {
      if (await answer) return;
    } catch (error) {
      if (this.#answer === answer) this.#answer = undefined;
      throw error;
    }
    throw new Fault('NotSupported', `${what}: the store ignores the version that a copy is pinned to`);
  }

  async #ask(probe: () => Promise<unknown>): Promise<boolean> {
    const compares = await isRefused(probe);
    this.#onAnswer(compares);
    return compares;
  }
}

async function isRefused(probe: () => Promise<unknown>): Promise<boolean> {
  try {
    await probe();
    return false;
  } catch (error) {
    if (isFault(error, 'SourceChanged')) return true;
    throw error;
  }
}
