import { isLastRun, type LedgerEntry, type OpenUpload, type RunRecord } from '../../model/ledger-entry.ts';
import type { Ledger } from '../ledger.ts';
import type { LedgerLookup, LossyCopy } from '../ledger-lookup.ts';
import { Gate } from './gate.ts';

/** A ledger in memory. */
export class MemoryLedger implements Ledger, LedgerLookup {
  readonly #gate: Gate;
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #announced = new Map<string, number[]>();
  readonly #runs = new Map<string, RunRecord>();
  readonly #lastRuns = new Map<string, RunRecord>();

  constructor(gate = new Gate()) {
    this.#gate = gate;
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

  async *lossyCopies(task: string): AsyncGenerator<LossyCopy[]> {
    yield await this.#pass('ledger.lossyCopies', '', () =>
      this.entries().flatMap(({ task: of, key, lost }) => (of === task && lost ? [{ key, lost }] : [])),
    );
  }

  async put(entry: LedgerEntry): Promise<void> {
    await this.#pass('ledger.put', entry.key, () => {
      const id = idOf(entry.task, entry.key);
      const upload = this.#entries.get(id)?.upload;
      this.#entries.set(id, { ...withoutUpload(entry), ...(upload && { upload }) });
    });
  }

  async close(entry: LedgerEntry, ended?: string): Promise<OpenUpload | undefined> {
    return this.#pass('ledger.close', entry.key, () => {
      const id = idOf(entry.task, entry.key);
      const known = this.#entries.get(id)?.upload;
      if (known && known.uploadId !== ended) return known;
      this.#entries.set(id, withoutUpload(entry));
      return undefined;
    });
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
