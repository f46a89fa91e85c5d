import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ActiveRuns } from '../../shared/ports/active-runs.ts';

export interface ActiveRunsSubject {
  readonly active: ActiveRuns;
  close(): Promise<void>;
}

/** The obligations of ActiveRuns (shared/ports/active-runs.ts). */
export function describeActiveRuns(name: string, open: () => Promise<ActiveRunsSubject>): void {
  describe(`ActiveRuns: ${name}`, () => {
    let subject: ActiveRunsSubject;
    let active: ActiveRuns;
    beforeAll(async () => {
      subject = await open();
      ({ active } = subject);
    });
    afterAll(() => subject.close());

    const one = { run: 'one', prefix: 'a/ü\n', admittedAt: 1_800_000_000_000 };
    const other = { run: 'other', prefix: '', admittedAt: 1_800_000_000_001 };

    it('has no runs for a task that never had one', async () => {
      expect(await active.read('new')).toEqual({ runs: [], version: 0 });
    });

    it('replaces the list of one task, with a new version', async () => {
      expect(await active.replace('t', [one], 0)).toBe(true);
      const first = await active.read('t');
      expect(first.runs).toEqual([one]);
      expect(await active.replace('t', [one, other], first.version)).toBe(true);
      const second = await active.read('t');
      expect(second.runs).toEqual([one, other]);
      expect(second.version).not.toBe(first.version);
      expect((await active.read('u')).runs).toEqual([]);
    });

    it('replaces nothing if another caller was faster', async () => {
      expect(await active.replace('raced', [one], 0)).toBe(true);
      expect(await active.replace('raced', [other], 0)).toBe(false);
      const { version } = await active.read('raced');
      expect(await active.replace('raced', [], version)).toBe(true);
      expect(await active.replace('raced', [one], version)).toBe(false);
      expect((await active.read('raced')).runs).toEqual([]);
    });
  });
}
