import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  cancel,
  claimProbe,
  closeBreaker,
  noControl,
  openBreaker,
  pause,
  resume,
  type Order,
} from '../../shared/model/control.ts';
import type { Controls } from '../../shared/ports/controls.ts';

export interface ControlsSubject {
  readonly controls: Controls;
  close(): Promise<void>;
}

/** The obligations of Controls (shared/ports/controls.ts). */
export function describeControls(name: string, open: () => Promise<ControlsSubject>): void {
  describe(`Controls: ${name}`, () => {
    let subject: ControlsSubject;
    let controls: Controls;
    beforeAll(async () => {
      subject = await open();
      ({ controls } = subject);
    });
    afterAll(() => subject.close());

    const order = (reason: string): Order => ({ since: 1_700_000_000_000, reason, by: 'a person' });

    it('reads nothing of a task about which nothing was decided', async () => {
      expect(await controls.read('fresh')).toEqual(noControl);
    });

    it('keeps what was decided about each task, and ends it', async () => {
      const why = order('é😀 "quoted"');
      const control = await controls.change('kept', (before) => pause(pause(before, why), order(''), 'run-1'));
      expect(control).toEqual({ paused: why, runs: [{ run: 'run-1', kind: 'paused', ...order('') }] });
      expect(await controls.read('kept')).toEqual(control);
      expect(await controls.read('other')).toEqual(noControl);
      await controls.change('kept', (before) => resume(before));
      expect((await controls.read('kept')).paused).toBeUndefined();
      expect((await controls.read('kept')).runs).toEqual(control.runs);
    });

    it('takes any name of a run', async () => {
      const names = ['__proto__', 'a.b', 'a b', '#run', ':run', 'x'.repeat(80)];
      for (const run of names) await controls.change('names', (before) => cancel(before, order(run), run));
      expect((await controls.read('names')).runs?.map(({ run }) => run)).toEqual(names);
    });

    it('loses no change of several callers at the same time', async () => {
      const runs = ['a', 'b', 'c', 'd', 'e'];
      await Promise.all(runs.map((run) => controls.change('raced', (before) => cancel(before, order(run), run))));
      expect((await controls.read('raced')).runs?.map(({ run }) => run).sort()).toEqual(runs);
    });

    it('writes every field, and nothing if nothing changes', async () => {
      const breaker = { fault: 'CredentialsRefused', code: 'ExpiredToken', since: 5, probeAt: 65_000 } as const;
      const opened = await controls.change('sides', (before) => openBreaker(before, 'source', breaker));
      expect(await controls.read('sides')).toEqual({ breakers: { source: breaker } });
      expect(await controls.change('sides', (before) => openBreaker(before, 'source', breaker))).toEqual(opened);
      const claims = await Promise.all(
        Array.from({ length: 4 }, async () => {
          let mine = false;
          await controls.change('sides', (before) => {
            const after = claimProbe(before, 'source', 65_000);
            mine = after !== before;
            return after;
          });
          return mine;
        }),
      );
      expect(claims.filter((mine) => mine)).toHaveLength(1);
      await controls.change('sides', (before) => closeBreaker(before, 'source'));
      expect(await controls.read('sides')).toEqual({});
    });

    it('changes nothing if the change throws', async () => {
      const change = controls.change('refused', () => {
        throw new Error('no room');
      });
      await expect(change).rejects.toThrow('no room');
      expect(await controls.read('refused')).toEqual(noControl);
    });
  });
}
