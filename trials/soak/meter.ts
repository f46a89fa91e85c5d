import { readFileSync } from 'node:fs';
import { treeOf, usageOf, type Usage } from '../support/processes.ts';

/** The use of one process, or of all, over time: in thirds of the time after the warm-up. */
export interface Trend {
  readonly process: string;
  /** means of the first third and of the last */
  readonly first: Usage;
  readonly last: Usage;
  readonly most: Usage;
  readonly samples: number;
}

/** All processes together. */
export const everything = 'all together';

interface Sample {
  /** since the meter started */
  readonly atMillis: number;
  readonly usage: ReadonlyMap<string, Usage>;
}

const nothing: Usage = { resident: 0, files: 0, sockets: 0 };

/** Memory, files and sockets of a tree of processes. Processes of the same kind count as one. */
export class Meter {
  readonly #root: number;
  readonly #rootName: string;
  readonly #began = Date.now();
  readonly #samples: Sample[] = [];
  readonly #names = new Map<number, string>();

  constructor(root: number, rootName: string) {
    this.#root = root;
    this.#rootName = rootName;
  }

  /** Takes one sample. @returns the use of each process */
  look(): ReadonlyMap<string, Usage> {
    const usage = new Map<string, Usage>();
    for (const pid of treeOf(this.#root)) {
      const used = usageOf(pid);
      if (!used) continue;
      for (const name of [this.#nameOf(pid), everything]) usage.set(name, sum(usage.get(name) ?? nothing, used));
    }
    this.#samples.push({ atMillis: Date.now() - this.#began, usage });
    return usage;
  }

  /** Summarizes the samples after the warm-up. */
  trends(warmUpMillis: number): Trend[] {
    const kept = this.#samples.filter(({ atMillis }) => atMillis >= warmUpMillis);
    const names = new Set(kept.flatMap(({ usage }) => [...usage.keys()]));
    return [...names].map((process) => {
      const seen = kept.flatMap(({ usage }) => usage.get(process) ?? []);
      const third = Math.max(1, Math.floor(seen.length / 3));
      return {
        process,
        first: mean(seen.slice(0, third)),
        last: mean(seen.slice(-third)),
        most: seen.reduce(most),
        samples: seen.length,
      };
    });
  }

  #nameOf(pid: number): string {
    const known = this.#names.get(pid) ?? (pid === this.#root ? this.#rootName : nameOf(pid));
    this.#names.set(pid, known);
    return known;
  }
}

function nameOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  if (words.some((word) => word.endsWith('/bootstrap.ts'))) return words.at(-1) ?? '';
  return words.at(-1) === 'process' ? 'worker: processes' : 'worker: primary';
}

function combined(a: Usage, b: Usage, how: (a: number, b: number) => number): Usage {
  return {
    resident: how(a.resident, b.resident),
    files: how(a.files, b.files),
    sockets: how(a.sockets, b.sockets),
  };
}

const sum = (a: Usage, b: Usage): Usage => combined(a, b, (x, y) => x + y);
const most = (a: Usage, b: Usage): Usage => combined(a, b, Math.max);

function mean(all: readonly Usage[]): Usage {
  const total = all.reduce(sum, nothing);
  return combined(total, total, (x) => x / all.length);
}
