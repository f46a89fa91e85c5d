import { isLastRun, type LedgerEntry, type OpenUpload, type RunRecord } from '../../model/ledger-entry.ts';
import type { Ledger } from '../ledger.ts';
import type { LedgerLookup, LossyCopy } from '../ledger-lookup.ts';
import type { RunScan } from '../run-progress.ts';
import {
  addEnds,
  decodeCounted,
  encodeCounted,
  endOfEntry,
  isLasting,
  noEnds,
  type End,
  type EndChange,
} from '../../model/run-ends.ts';
import { Gate } from './gate.ts';

/** A ledger in memory. */
export class MemoryLedger implements Ledger, LedgerLookup {
  readonly #gate: Gate;
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #announced = new Map<string, number[]>();
  readonly #runs = new Map<string, RunRecord>();
  readonly #lastRuns = new Map<string, RunRecord>();

  readonly #counted = new Map<string, string>();
  readonly #onEnd: (change: EndChange) => void;

  /** @param onEnd called for each end of an object that changes the counts of its run */
  constructor(gate = new Gate(), onEnd: (change: EndChange) => void = () => undefined) {
    this.#gate = gate;
    this.#onEnd = onEnd;
  }

  /** Every entry, for a test to inspect. */
  entries(): LedgerEntry[] {
    return [...this.#entries.values()];
  }

  async get(task: string, key: string): Promise<LedgerEntry | undefined> {
    return this.#pass('ledger.get', key, () => this.#entries.get(idOf(task, key)));
  }

  async getMany(task: string, keys: readonly string[]): Promise<Map<string, LedgerEntry>> {
    return this.#pass('ledger.getMany', keys[0] ?? '', () => {
      const found = keys.map((key) => [key, this.#entries.get(idOf(task, key))] as const);
      return new Map(found.flatMap(([key, entry]) => (entry ? [[key, entry] as const] : [])));
    });
  }

  async *failedKeys(task: string): AsyncGenerator<string[]> {
    yield await this.#pass('ledger.failedKeys', '', () =>
      this.entries()
        .filter((entry) => entry.task === task && entry.status === 'FAILED')
        .map((entry) => ({ key: entry.key, at: `${entry.run ?? ''}#${new Date(entry.updatedAt).toISOString()}` }))
        .sort((one, other) => (one.at < other.at ? -1 : 1))
        .map(({ key }) => key),
    );
  }

  async failedKeysOf(task: string, run: string, limit: number): Promise<string[]> {
    return this.#pass('ledger.failedKeysOf', run, () =>
      this.entries()
        .filter((entry) => entry.task === task && entry.run === run && entry.status === 'FAILED')
        .map(({ key }) => key)
        .slice(0, limit),
    );
  }

  async latestRuns(task: string, limit: number): Promise<RunRecord[]> {
    return this.#pass('ledger.latestRuns', task, () =>
      [...this.#runs.values()]
        .filter((record) => record.task === task)
        .sort((one, other) => (`${one.startedAt}#${one.run}` < `${other.startedAt}#${other.run}` ? 1 : -1))
        .slice(0, limit),
    );
  }

  async *lossyCopies(task: string): AsyncGenerator<LossyCopy[]> {
    yield await this.#pass('ledger.lossyCopies', '', () =>
      this.entries().flatMap(({ task: of, key, lost }) => (of === task && lost ? [{ key, lost }] : [])),
    );
  }

  async put(entry: LedgerEntry, { final } = { final: false }): Promise<void> {
    const change = await this.#pass('ledger.put', entry.key, () => {
      const id = idOf(entry.task, entry.key);
      const upload = this.#entries.get(id)?.upload;
      this.#entries.set(id, { ...withoutUpload(entry), ...(upload && { upload }) });
      return final ? this.#count(entry) : undefined;
    });
    if (change) this.#onEnd(change);
  }

  async countEnd(object: { task: string; key: string; run: string }, end: End): Promise<void> {
    const change = await this.#pass('ledger.countEnd', object.key, () => {
      return this.#countEnd(object, end);
    });
    if (change) this.#onEnd(change);
  }

  /** How the objects of a run ended, as their entries say: the port RunScan, in one piece. */
  readonly scan: RunScan = {
    countEnds: async ({ task, run }) =>
      this.#pass('ledger.countEnds', run, () => {
        let ends = noEnds;
        for (const id of new Set([...this.#entries.keys(), ...this.#counted.keys()])) {
          const entry = this.#entries.get(id);
          if (!id.startsWith(JSON.stringify([task, '']).slice(0, -3))) continue;
          const counted = decodeCounted(this.#counted.get(id), run);
          const failed = entry?.run === run && entry.status === 'FAILED';
          const end = counted ?? (failed ? { kind: 'failed' as const, bytes: 0 } : undefined);
          if (end) ends = addEnds(ends, { [end.kind]: 1, bytes: end.bytes });
        }
        return { parts: [null], ends, done: true };
      }),
  };

  #count(entry: LedgerEntry): EndChange | undefined {
    const end = endOfEntry(entry);
    if (entry.run === undefined || !end) return undefined;
    const { task, key, run, startedAt, updatedAt } = entry;
    const change = this.#countEnd({ task, key, run }, end);
    return change && startedAt !== undefined ? { ...change, tookMillis: Math.max(0, updatedAt - startedAt) } : change;
  }

  #countEnd({ task, key, run }: { task: string; key: string; run: string }, end: End): EndChange | undefined {
    const id = idOf(task, key);
    const before = decodeCounted(this.#counted.get(id), run);
    if (isLasting(before) && end.kind !== 'failed') return undefined;
    this.#counted.set(id, encodeCounted(run, end));
    return { task, run, key, end, ...(before && { before }) };
  }

  async close(entry: LedgerEntry, ended?: string): Promise<OpenUpload | undefined> {
    const { other, change } = await this.#pass('ledger.close', entry.key, () => {
      const id = idOf(entry.task, entry.key);
      const known = this.#entries.get(id)?.upload;
      if (known && known.uploadId !== ended) return { other: known };
      this.#entries.set(id, withoutUpload(entry));
      return { change: this.#count(entry) };
    });
    if (change) this.#onEnd(change);
    return other;
  }

  async claimUpload(entry: LedgerEntry & { readonly upload: OpenUpload }, replaces?: string): Promise<OpenUpload> {
    return this.#pass('ledger.claimUpload', entry.key, () => {
      const id = idOf(entry.task, entry.key);
      const known = this.#entries.get(id)?.upload;
      if (known && known.uploadId !== replaces) return known;
      this.#entries.set(id, entry);
      return entry.upload;
    });
  }

  async announceUpload(task: string, key: string, at: number): Promise<void> {
    await this.#pass('ledger.announceUpload', key, () => {
      const id = idOf(task, key);
      this.#announced.set(id, [...(this.#announced.get(id) ?? []), at]);
    });
  }

  async wasUploadAnnounced(task: string, key: string, from: number, to: number): Promise<boolean> {
    return this.#pass('ledger.wasUploadAnnounced', key, () =>
      (this.#announced.get(idOf(task, key)) ?? []).some((at) => from <= at && at <= to),
    );
  }

  async putRun(record: RunRecord): Promise<void> {
    await this.#pass('ledger.putRun', record.run, () => {
      this.#runs.set(idOf(record.task, record.run), record);
      if (isLastRun(record)) this.#lastRuns.set(idOf(record.task, record.prefix ?? ''), record);
    });
  }

  async getRun(task: string, run: string): Promise<RunRecord | undefined> {
    return this.#pass('ledger.getRun', run, () => this.#runs.get(idOf(task, run)));
  }

  async getLastRun(task: string, prefix = ''): Promise<RunRecord | undefined> {
    return this.#pass('ledger.getLastRun', prefix, () => this.#lastRuns.get(idOf(task, prefix)));
  }

  #pass<Result>(operation: string, key: string, work: () => Result): Promise<Result> {
    return this.#gate.pass({ operation, bucket: 'ledger', key }, work);
  }
}

function withoutUpload(entry: LedgerEntry): LedgerEntry {
  const bare: LedgerEntry & { upload?: OpenUpload } = { ...entry };
  delete bare.upload;
  return bare;
}

function idOf(task: string, name: string): string {
  return JSON.stringify([task, name]);
}
