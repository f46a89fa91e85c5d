import type { ActiveList, ActiveRun, ActiveRuns } from '../active-runs.ts';
import { Gate } from './gate.ts';

/** The lists of runs in memory. */
export class MemoryActiveRuns implements ActiveRuns {
  readonly #gate: Gate;
  readonly #lists = new Map<string, ActiveList>();

  constructor(gate = new Gate()) {
    this.#gate = gate;
  }

  async read(task: string): Promise<ActiveList> {
    return this.#pass('active.read', task, () => this.#lists.get(task) ?? { runs: [], version: 0 });
  }

  async replace(task: string, runs: readonly ActiveRun[], version: number): Promise<boolean> {
    return this.#pass('active.replace', task, () => {
      if ((this.#lists.get(task)?.version ?? 0) !== version) return false;
      this.#lists.set(task, { runs: structuredClone(runs), version: version + 1 });
      return true;
    });
  }

  #pass<Result>(operation: string, key: string, work: () => Result): Promise<Result> {
    return this.#gate.pass({ operation, bucket: 'active', key }, work);
  }
}
