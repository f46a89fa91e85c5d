import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LedgerEntry, OpenUpload, RunRecord } from '../../shared/model/ledger-entry.ts';
import type { LossKind } from '../../shared/model/losses.ts';
import { noCounts } from '../../shared/model/run-counts.ts';
import { noEnds } from '../../shared/model/run-ends.ts';
import type { Ledger } from '../../shared/ports/ledger.ts';
import type { LedgerSubject } from './ledger.ts';

/** The obligations of LedgerLookup (shared/ports/ledger-lookup.ts). */
export function describeLedgerLookup(name: string, open: () => Promise<LedgerSubject>): void {
  describe(`LedgerLookup: ${name}`, () => {
    let subject: LedgerSubject;
    let ledger: Ledger;
    beforeAll(async () => {
      subject = await open();
      ({ ledger } = subject);
    });
    afterAll(() => subject.close());

    const entry = (key: string, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
      task: 'task',
      key,
      status: 'DONE',
      updatedAt: 1_700_000_000_000,
      ...more,
    });
    const upload = (uploadId: string): OpenUpload => ({
      uploadId,
      sourceEtag: 'e',
      attributes: 'a',
      partSize: 5,
      sourceLayout: false,
      opaqueEtag: true,
    });
    const claim = (key: string, uploadId: string): LedgerEntry & { upload: OpenUpload } => ({
      ...entry(key, { status: 'STARTED' }),
      upload: upload(uploadId),
    });

    it('reads many entries at once, and returns those that exist', async () => {
      const { lookup } = subject;
      const keys = Array.from({ length: 230 }, (_, index) => `many/${index}/\u{fffe}😀#`);
      for (const key of keys.filter((_, index) => index % 2 === 0)) await ledger.put(entry(key, { reason: key }));
      await ledger.claimUpload({ ...claim(keys[0]!, 'one'), run: 'r' });
      const found = await lookup.getMany('task', keys);
      expect([...found.keys()].sort()).toEqual(keys.filter((_, index) => index % 2 === 0).sort());
      expect(found.get(keys[2]!)).toEqual(entry(keys[2]!, { reason: keys[2]! }));
      expect(found.get(keys[0]!)).toEqual({ ...claim(keys[0]!, 'one'), run: 'r' });
      expect((await lookup.getMany('elsewhere', keys)).size).toBe(0);
      expect((await lookup.getMany('task', [])).size).toBe(0);
    });

    it('lists the failed keys of a task, until they no longer fail', async () => {
      const failedKeys = async (task: string): Promise<string[]> => {
        const keys: string[] = [];
        for await (const page of subject.lookup.failedKeys(task)) keys.push(...page);
        return keys;
      };
      const failed = (key: string, run: string): LedgerEntry => ({
        ...entry(key, { task: 'failing', status: 'FAILED', reason: 'why', run }),
      });
      await ledger.put(failed('second#😀', 'run-2'));
      await ledger.put(failed('first', 'run-1'));
      await ledger.put(failed('cured', 'run-1'));
      await ledger.put(entry('good', { task: 'failing' }));
      await ledger.put(failed('other', 'run-1'));
      await ledger.put({ ...failed('elsewhere', 'run-0'), task: 'other' });
      await ledger.close(entry('cured', { task: 'failing' }));
      expect((await failedKeys('failing')).sort()).toEqual(['first', 'other', 'second#😀']);
      expect(await failedKeys('none')).toEqual([]);
    });

    it('lists some of the keys that failed in a run', async () => {
      const failed = (key: string, run: string, task = 'failing in runs'): LedgerEntry =>
        entry(key, { task, status: 'FAILED', run });
      const keys = Array.from({ length: 40 }, (_, index) => `${index}#😀`);
      for (const key of keys) await ledger.put(failed(key, 'run-1'));
      // A run whose name begins alike, a run of another task, a failure of an event, and one that was cured.
      await ledger.put(failed('alike', 'run-10'));
      await ledger.put(failed('elsewhere', 'run-1', 'failing in runs too'));
      const { run: _none, ...event } = failed('event', '');
      await ledger.put(event);
      await ledger.put(failed('cured', 'run-1'));
      await ledger.close(entry('cured', { task: 'failing in runs', run: 'run-1' }));
      const of = (run: string, limit: number) => subject.lookup.failedKeysOf('failing in runs', run, limit);
      expect([...(await of('run-1', 100))].sort()).toEqual([...keys].sort());
      expect(await of('run-10', 100)).toEqual(['alike']);
      const some = await of('run-1', 7);
      expect(new Set(some).size).toBe(7);
      expect(keys).toEqual(expect.arrayContaining([...some]));
      expect(await of('run', 100)).toEqual([]);
    });

    it('lists the latest records of the runs of a task, the one that started last first', async () => {
      const latest = async (task: string, limit: number): Promise<readonly RunRecord[]> =>
        subject.lookup.latestRuns(task, limit);
      const record = (run: string, minute: number, more: Partial<RunRecord> = {}): RunRecord => ({
        ...{ task: 'listed', run, status: 'RUNNING', dryRun: false, counts: noCounts, updatedAt: 1 },
        startedAt: new Date(Date.UTC(2026, 10, 1, 0, minute)).toISOString(),
        ...more,
      });
      const records = Array.from({ length: 120 }, (_, index) => record(`run-${(index * 7) % 120}`, index));
      for (const one of records.slice(60)) await ledger.putRun(one);
      for (const one of records.slice(0, 60)) await ledger.putRun(one);
      await ledger.putRun(record('other', 500, { task: 'listed-2' }));
      await ledger.put(entry('run-1', { task: 'listed', status: 'FAILED', run: 'run-1' }));
      expect(await latest('listed', 3)).toEqual(records.slice(-3).reverse());
      expect(await latest('listed', 500)).toEqual([...records].reverse());
      expect(await latest('none', 3)).toEqual([]);
      // A later record of a run takes the place of the earlier one.
      const ended = { ...record('run-0', 0), status: 'DONE' as const, ends: { ...noEnds, put: 1 }, endedAt: 5 };
      await ledger.putRun(ended);
      const all = await latest('listed', 500);
      expect(all).toHaveLength(120);
      expect(all.at(-1)).toEqual(ended);
      expect(await latest('listed-2', 5)).toHaveLength(1);
      for await (const page of subject.lookup.failedKeys('listed')) {
        expect(page.filter((key) => key !== 'run-1')).toEqual([]);
      }
    });

    it('lists the copies of a task that lack something, until they no longer do', async () => {
      const lossy = async (task: string): Promise<[string, readonly string[]][]> => {
        const copies: [string, readonly string[]][] = [];
        for await (const page of subject.lookup.lossyCopies(task)) {
          copies.push(...page.map(({ key, lost }) => [key, lost] as [string, readonly string[]]));
        }
        return copies.sort(([one], [other]) => (one < other ? -1 : 1));
      };
      const copy = (key: string, lost: LossKind[]): LedgerEntry => entry(key, { task: 'lossy', run: 'r', lost });
      const keys = Array.from({ length: 40 }, (_, index) => `${String(index).padStart(2, '0')}#😀`);
      for (const key of keys) await ledger.put(copy(key, ['tags']));
      await ledger.put(copy('x', ['tags', 'metadata']));
      await ledger.put(entry('whole', { task: 'lossy' }));
      await ledger.put(copy('later', ['tags']));
      await ledger.close(entry('later', { task: 'lossy' }));
      await ledger.put({ ...copy('elsewhere', ['tags']), task: 'other' });
      expect(await lossy('lossy')).toEqual([...keys.map((key) => [key, ['tags']]), ['x', ['tags', 'metadata']]]);
      expect(await lossy('none')).toEqual([]);
      for await (const page of subject.lookup.failedKeys('lossy')) expect(page).toEqual([]);
    });
  });
}
