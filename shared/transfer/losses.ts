import { Fault } from '../model/faults.ts';
import { lossTable, type Loss, type LossKind } from '../model/losses.ts';
import type { ObjectInfo } from '../model/object.ts';
import type { PartContext } from './context.ts';
import type { ObjectPair } from './object-pair.ts';

/** What the copy of one object lacks. If the task is strict, the first loss ends the copy. */
export class Losses {
  /** does a loss end the copy? */
  readonly strict: boolean;
  readonly #name: string;
  readonly #store: string;
  readonly #reasons = new Map<LossKind, string>();

  constructor({ task }: Pick<PartContext, 'task'>, pair: ObjectPair) {
    this.strict = task.strict;
    this.#name = pair.destinationName;
    const { bucket, endpoint } = task.destination;
    this.#store = `${bucket} at ${endpoint === undefined ? 'S3' : URL.parse(endpoint)?.host}`;
  }

  /**
   * Call it before a copy is made that would lack something.
   * @param reason what was seen, without the object's key
   * @throws Fault `AttributeLost` if the task is strict
   */
  expect(kind: LossKind, reason: string): void {
    if (!this.strict) return;
    const { what, cure } = lossTable[kind];
    const message = `${this.#name} would lack ${what}: ${reason}; the task is strict: ${cure}, or set "strict": false`;
    throw new Fault('AttributeLost', message);
  }

  /** Notes a loss, once per kind. @throws as {@link expect} */
  note(kind: LossKind, reason: string): void {
    this.expect(kind, reason);
    if (!this.#reasons.has(kind)) this.#reasons.set(kind, reason);
  }

  /** Notes what the object has and no copy carries. @throws Fault `AttributeLost` if the task is strict */
  noteUncarried({ task }: Pick<PartContext, 'task'>, { uncarried = [] }: Pick<ObjectInfo, 'uncarried'>): void {
    for (const kind of uncarried) {
      if (kind !== 'metadata' || task.metadata) this.note(kind, 'the source object has it, and no request carries it');
    }
  }

  get list(): readonly Loss[] {
    return [...this.#reasons].map(([kind, reason]) => ({ kind, store: this.#store, reason }));
  }

  get kinds(): readonly LossKind[] {
    return [...this.#reasons.keys()];
  }
}
