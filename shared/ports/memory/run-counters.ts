import { addEnds, noEnds, type Ends, type SlowCopy } from '../../model/run-ends.ts';
import type { RunCounters, RunTotals } from '../run-counters.ts';
import { Gate } from './gate.ts';

/** The counts of runs in memory. */
export class MemoryRunCounters implements RunCounters {
  readonly #gate: Gate;
  readonly #totals = new Map<string, RunTotals>();

  constructor(gate = new Gate()) {
    this.#gate = gate;
  }

  async add(task: string, run: string, added: Ends, slowest?: SlowCopy): Promise<void> {
    await this.#gate.pass({ operation: 'counters.add', bucket: 'counters', key: run }, () => {
      const { ends, slowest: before } = this.#of(task, run);
      const all = [...before, ...(slowest ? [slowest] : [])].sort((a, b) => b.tookMillis - a.tookMillis);
      this.#totals.set(idOf(task, run), { ends: addEnds(ends, added), slowest: all.slice(0, 16) });
    });
  }

  async read(task: string, run: string): Promise<RunTotals> {
    const call = { operation: 'counters.read', bucket: 'counters', key: run };
    return this.#gate.pass(call, () => this.#of(task, run));
  }

  #of(task: string, run: string): RunTotals {
    return this.#totals.get(idOf(task, run)) ?? { ends: noEnds, slowest: [] };
  }
}

function idOf(task: string, run: string): string {
  return JSON.stringify([task, run]);
}
