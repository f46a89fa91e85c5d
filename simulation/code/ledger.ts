import type { LedgerEntry, OpenUpload, RunRecord } from '../../shared/model/ledger-entry.ts';
import type { Ledger } from '../../shared/ports/ledger.ts';
import type { FinderLookup } from '../../shared/find/recorded-pairs.ts';
import type { Table } from '../aws/dynamo.ts';

/**
 * The ledger on a modelled table. Each call counts for as many objects as its key stands for. Entries that no later
 * call asks for, those of objects that are done, are counted and not kept.
 */
export class SimulatedLedger implements Ledger, FinderLookup {
  readonly #table: Table;
  readonly #countOf: (task: string, key: string) => number;
  readonly #entries = new Map<string, LedgerEntry>();
  readonly runs = new Map<string, RunRecord>();

  constructor(table: Table, countOf: (task: string, key: string) => number) {
    this.#table = table;
    this.#countOf = countOf;
  }

  async get(task: string, key: string): Promise<LedgerEntry | undefined> {
    await this.#table.read(this.#countOf(task, key));
    return this.#entries.get(idOf(task, key));
  }

  async getMany(task: string, keys: readonly string[]): Promise<Map<string, LedgerEntry>> {
    await this.#table.read(keys.reduce((sum, key) => sum + this.#countOf(task, key), 0));
    const found = keys.map((key) => [key, this.#entries.get(idOf(task, key))] as const);
    return new Map(found.flatMap(([key, entry]) => (entry ? [[key, entry] as const] : [])));
  }

  async *failedKeys(task: string): AsyncGenerator<string[]> {
    await this.#table.read(1);
    yield [...this.#entries.values()]
      .filter((entry) => entry.task === task && entry.status === 'FAILED')
      .map(({ key }) => key);
  }

  async put(entry: LedgerEntry): Promise<void> {
    await this.#write(entry);
    const upload = entry.upload ?? this.#uploadOf(entry);
    this.#keep({ ...entry, ...(upload && { upload }) });
  }

  async countEnd({ task, key }: { task: string; key: string }): Promise<void> {
    await this.#table.write(this.#countOf(task, key));
  }

  async close(entry: LedgerEntry, ended?: string): Promise<OpenUpload | undefined> {
    await this.#write(entry);
    const open = this.#uploadOf(entry);
    if (open && open.uploadId !== ended) return open;
    this.#keep(entry);
    return undefined;
  }

  async claimUpload(entry: LedgerEntry & { readonly upload: OpenUpload }, replaces?: string): Promise<OpenUpload> {
    await this.#write(entry);
    const open = this.#uploadOf(entry);
    if (open && open.uploadId !== replaces) return open;
    this.#keep(entry);
    return entry.upload;
  }

  async announceUpload(task: string, key: string): Promise<void> {
    await this.#table.write(this.#countOf(task, key));
  }

  async wasUploadAnnounced(task: string, key: string): Promise<boolean> {
    await this.#table.read(this.#countOf(task, key));
    return true;
  }

  async putRun(record: RunRecord): Promise<void> {
    await this.#table.write(1);
    this.runs.set(idOf(record.task, record.run), record);
  }

  async getRun(task: string, run: string): Promise<RunRecord | undefined> {
    await this.#table.read(1);
    return this.runs.get(idOf(task, run));
  }

  async getLastRun(): Promise<RunRecord | undefined> {
    await this.#table.read(1);
    return undefined;
  }

  async #write({ task, key }: LedgerEntry): Promise<void> {
    await this.#table.write(this.#countOf(task, key));
  }

  #uploadOf({ task, key }: LedgerEntry): OpenUpload | undefined {
    return this.#entries.get(idOf(task, key))?.upload;
  }

  #keep(entry: LedgerEntry): void {
    const id = idOf(entry.task, entry.key);
    if (entry.upload || entry.status === 'FAILED') this.#entries.set(id, entry);
    else this.#entries.delete(id);
  }
}

function idOf(task: string, key: string): string {
  return `${task} ${key}`;
}
