import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';
import type { EndsScan } from '../../shared/model/messages/payloads.ts';
import { noEnds, type Ends } from '../../shared/model/run-ends.ts';
import type { Deadline } from '../../shared/ports/clock.ts';
import type { Ledger } from '../../shared/ports/ledger.ts';
import type { RunScan } from '../../shared/ports/run-progress.ts';

export interface RunScanSubject {
  readonly ledger: Ledger;
  readonly scan: RunScan;
  close(): Promise<void>;
}

/** The obligations of RunScan (shared/ports/run-progress.ts). */
export function describeRunScan(name: string, open: () => Promise<RunScanSubject>): void {
  describe(`RunScan: ${name}`, () => {
    let subject: RunScanSubject;
    let ledger: Ledger;
    beforeAll(async () => {
      subject = await open();
      ({ ledger } = subject);
    });
    afterAll(() => subject.close());

    const entry = (task: string, key: string, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
      ...{ task, key, status: 'DONE', run: 'run', updatedAt: 1_700_000_000_000 },
      ...more,
    });

    /** Calls until it is done, each time with the state as the machine keeps it: as JSON. */
    async function count(task: string, run = 'run', remaining = 1000): Promise<{ ends: Ends; calls: number }> {
      const deadline: Deadline = { remaining: () => remaining };
      let state: EndsScan | undefined;
      let calls = 0;
      do {
        const next: EndsScan = await subject.scan.countEnds({ task, run }, state, deadline);
        state = JSON.parse(JSON.stringify(next)) as EndsScan;
        calls++;
      } while (!state.done && calls < 1000);
      return { ends: state.ends, calls };
    }

    it('counts nothing of a run that it does not know', async () => {
      expect((await count('none')).ends).toEqual(noEnds);
    });

    it('counts each object once, as it ended last in the run', async () => {
      const task = 'kinds';
      await ledger.close(entry(task, 'put', { route: 'put', size: 5 }));
      await ledger.close(entry(task, 'put', { status: 'SKIPPED' }));
      await ledger.close(entry(task, 'multipart', { route: 'multipart', size: 7 }));
      await ledger.close(entry(task, 'inside', { route: 'server-side copy', size: 11 }));
      await ledger.close(entry(task, 'skip', { status: 'SKIPPED', size: 13 }));
      await ledger.close(entry(task, 'delete', { status: 'DELETED' }));
      await ledger.put(entry(task, 'failed', { status: 'FAILED' }), { final: true });
      await ledger.countEnd({ task, key: 'cancelled', run: 'run' }, { kind: 'cancelled', bytes: 0 });
      await ledger.put(entry(task, 'started', { status: 'STARTED' }));
      const all = { put: 1, multipart: 1, 'server-side copy': 1, skip: 1, delete: 1, failed: 1, cancelled: 1 };
      expect((await count(task)).ends).toEqual({ ...all, bytes: 23 });
      await ledger.close(entry(task, 'failed', { route: 'put', size: 17 }));
      expect((await count(task)).ends).toEqual({ ...all, failed: 0, put: 2, bytes: 40 });
    });

    it('counts an object that failed before its last delivery died', async () => {
      await ledger.put(entry('buried', 'k', { status: 'FAILED' }));
      expect((await count('buried')).ends).toEqual({ ...noEnds, failed: 1 });
    });

    it('counts what an event wrote about afterwards', async () => {
      await ledger.close(entry('events', 'k', { size: 5 }));
      const { run: _none, ...event } = entry('events', 'k', { status: 'FAILED' });
      await ledger.put(event, { final: true });
      expect((await count('events')).ends).toEqual({ ...noEnds, put: 1, bytes: 5 });
    });

    it('keeps tasks and runs apart whose names begin alike', async () => {
      for (const [task, run] of [
        ['alike', 'run'],
        ['alike', 'run-2'],
        ['alike-2', 'run'],
        ['al', 'run'],
      ] as const) {
        await ledger.close(entry(task, `${task} ${run}`, { run, size: 1 }));
      }
      for (const run of ['run', 'run-2']) {
        expect((await count('alike', run)).ends).toEqual({ ...noEnds, put: 1, bytes: 1 });
      }
      // An object that another run ended last is that one's.
      await ledger.close(entry('alike', 'alike run', { run: 'run-3', size: 1 }));
      expect((await count('alike', 'run')).ends).toEqual(noEnds);
    });

    it('gets on with each call though no time is left, and counts the same', async () => {
      const keys = Array.from({ length: 100 }, (_, index) => `\u{1f600}#${index}`);
      for (const key of keys) await ledger.close(entry('many', key, { size: 2 }));
      const { ends, calls } = await count('many', 'run', 0);
      expect(ends).toEqual({ ...noEnds, put: 100, bytes: 200 });
      expect(calls).toBeLessThan(1000);
    });
  });
}
