import { asFault, type Fault } from '../model/faults.ts';
import { addEnds, deltaOf, noEnds, type EndChange, type Ends, type SlowCopy } from '../model/run-ends.ts';
import type { RunCounters } from '../ports/run-counters.ts';

interface Pending {
  readonly task: string;
  readonly run: string;
  added: Ends;
  slowest?: SlowCopy;
}

/**
 * Collects the ends of objects in this process, and adds them to the counts of their runs: one write for a batch of
 * messages, not one for an object.
 *
 * The price for a million small objects, in us-east-1: a million messages come in batches of ten, so 100,000 additions.
 * Each writes an item of less than 1 KB, one write request unit: $0.0625 (DynamoDB on-demand pricing page: $0.625 per
 * million write request units). The ledger's own writes, which say what to add, cost nothing more for that: "no read
 * capacity units are consumed" by ReturnValues (DynamoDB API Reference, UpdateItem). A process that ends in between
 * loses what it collected; check-run then counts in the ledger.
 */
export class EndBuffer {
  readonly #counters: RunCounters;
  readonly #onLost: (fault: Fault, lost: { readonly task: string; readonly run: string }) => void;
  #pending = new Map<string, Pending>();

  /** @param onLost called for an addition that may not have been made */
  constructor(counters: RunCounters, onLost: (fault: Fault, lost: { task: string; run: string }) => void) {
    this.#counters = counters;
    this.#onLost = onLost;
  }

  /** Takes an end; the ledger calls it. */
  readonly note = (change: EndChange): void => {
    const { task, run, key, end, tookMillis } = change;
    const pending = this.#of(task, run);
    pending.added = addEnds(pending.added, deltaOf(change));
    if (tookMillis !== undefined && tookMillis > (pending.slowest?.tookMillis ?? -1)) {
      pending.slowest = { key, tookMillis, bytes: end.bytes };
    }
  };

  /** Adds what was collected. What was certainly not added, because of throttling, is kept for the next time. */
  async flush(): Promise<void> {
    const taken = [...this.#pending.values()];
    this.#pending = new Map();
    await Promise.all(taken.map((pending) => this.#add(pending)));
  }

  async #add({ task, run, added, slowest }: Pending): Promise<void> {
    if (Object.values(added).every((count) => count === 0)) return;
    try {
      await this.#counters.add(task, run, added, slowest);
    } catch (error) {
      const fault = asFault(error);
      if (fault.name !== 'Throttled') {
        this.#onLost(fault, { task, run });
        return;
      }
      const pending = this.#of(task, run);
      pending.added = addEnds(pending.added, added);
      if (slowest && slowest.tookMillis > (pending.slowest?.tookMillis ?? -1)) pending.slowest = slowest;
    }
  }

  #of(task: string, run: string): Pending {
    const id = JSON.stringify([task, run]);
    const pending = this.#pending.get(id) ?? { task, run, added: noEnds };
    this.#pending.set(id, pending);
    return pending;
  }
}
