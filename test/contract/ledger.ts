import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ledgerEntrySchema,
  type LedgerEntry,
  type OpenUpload,
  type RunRecord,
} from '../../shared/model/ledger-entry.ts';
import { noCounts } from '../../shared/model/run-counts.ts';
import type { EndChange } from '../../shared/model/run-ends.ts';
import type { Ledger } from '../../shared/ports/ledger.ts';
import type { LedgerLookup } from '../../shared/ports/ledger-lookup.ts';

export interface LedgerSubject {
  readonly ledger: Ledger;
  /** the ends that the ledger reported, in their order; taken out */
  ends(): EndChange[];
  readonly lookup: LedgerLookup;
  close(): Promise<void>;
}

/** The obligations of Ledger (shared/ports/ledger.ts). */
export function describeLedger(name: string, open: () => Promise<LedgerSubject>): void {
  describe(`Ledger: ${name}`, () => {
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

    describe('counts each end of an object once in its run', () => {
      const ofRun = (key: string, more: Partial<LedgerEntry> = {}): LedgerEntry =>
        entry(key, { run: 'run-1', ...more });
      const closed = async (...args: Parameters<Ledger['close']>) => {
        await ledger.close(...args);
        return subject.ends();
      };
      const put = { kind: 'put', bytes: 5 };
      const failed = { kind: 'failed', bytes: 0 };
      const skip = { kind: 'skip', bytes: 0 };
      const change = (key: string, end: object, before?: object) => ({
        ...{ task: 'task', run: 'run-1', key, end },
        ...(before && { before }),
      });

      it.each([
        [{ status: 'DONE', route: 'put', size: 5 } as const, put],
        [{ status: 'DONE', size: 5 } as const, put],
        [{ status: 'DONE', route: 'multipart', size: 5 } as const, { kind: 'multipart', bytes: 5 }],
        [{ status: 'DONE', route: 'server-side copy', size: 5 } as const, { kind: 'server-side copy', bytes: 5 }],
        [{ status: 'SKIPPED', route: 'skip', size: 5 } as const, skip],
        [{ status: 'DELETED', route: 'delete' } as const, { kind: 'delete', bytes: 0 }],
        [{ status: 'FAILED' } as const, failed],
      ])('%j', async (more, end) => {
        const key = JSON.stringify(more);
        expect(await closed(ofRun(key, more))).toEqual([change(key, end)]);
      });

      it('with the time that it took', async () => {
        const [first] = await closed(ofRun('timed', { startedAt: 1_700_000_000_000 - 1500 }));
        expect(first?.tookMillis).toBe(1500);
      });

      it('not again when its job is delivered again', async () => {
        const done = ofRun('twice', { route: 'put', size: 5 });
        expect(await closed(done)).toHaveLength(1);
        expect(await closed(ofRun('twice', { status: 'SKIPPED', updatedAt: 1_700_000_000_001 }))).toEqual([]);
        expect(await closed(ofRun('twice', { route: 'multipart', size: 7 }))).toEqual([]);
        expect((await ledger.get('task', 'twice'))?.size).toBe(7);
      });

      it('as failed only for good, and no longer once it succeeds', async () => {
        await ledger.put(ofRun('retried', { status: 'FAILED' }));
        await ledger.put(ofRun('retried', { status: 'STARTED' }), { final: true });
        expect(subject.ends()).toEqual([]);
        await ledger.put(ofRun('retried', { status: 'FAILED' }), { final: true });
        expect(subject.ends()).toEqual([change('retried', failed)]);
        await ledger.put(ofRun('retried', { status: 'FAILED' }), { final: true });
        expect(subject.ends()).toEqual([change('retried', failed, failed)]);
        expect(await closed(ofRun('retried', { size: 5 }))).toEqual([change('retried', put, failed)]);
        await ledger.put(ofRun('retried', { status: 'FAILED' }), { final: true });
        expect(subject.ends()).toEqual([change('retried', failed, put)]);
      });

      it('whatever events and uploads write in between', async () => {
        const before = ofRun('busy', { size: 5 });
        expect(await closed(before)).toHaveLength(1);
        expect(await closed(entry('busy'))).toEqual([]);
        await ledger.put(entry('busy', { status: 'FAILED' }), { final: true });
        await ledger.claimUpload(claim('busy', 'u'));
        expect(await closed({ ...before, status: 'SKIPPED' }, 'u')).toEqual([]);
      });

      it('once for each run', async () => {
        expect(await closed(ofRun('again', { size: 5 }))).toHaveLength(1);
        expect(await closed(ofRun('again', { size: 5, run: 'run-2' }))).toEqual([
          { task: 'task', run: 'run-2', key: 'again', end: put },
        ]);
      });

      it('only when it was written', async () => {
        await ledger.claimUpload(claim('held', 'u'));
        expect(await ledger.close(ofRun('held'))).toMatchObject({ uploadId: 'u' });
        expect(subject.ends()).toEqual([]);
        expect(await closed(ofRun('held', { size: 5 }), 'u')).toEqual([change('held', put)]);
        await ledger.claimUpload(claim('held', 'v'));
        // It was counted, and another upload is open: that is what the caller learns.
        expect(await ledger.close(ofRun('held'))).toMatchObject({ uploadId: 'v' });
      });

      it('without its entry, which another job writes', async () => {
        await ledger.claimUpload(claim('elsewhere', 'u'));
        const held = await ledger.get('task', 'elsewhere');
        const object = { task: 'task', key: 'elsewhere', run: 'run-1' };
        await ledger.countEnd(object, { kind: 'skip', bytes: 0 });
        expect(subject.ends()).toEqual([change('elsewhere', skip)]);
        await ledger.countEnd(object, { kind: 'skip', bytes: 0 });
        expect(subject.ends()).toEqual([]);
        expect(await ledger.get('task', 'elsewhere')).toEqual(held);
        await ledger.countEnd({ ...object, key: 'new' }, { kind: 'skip', bytes: 0 });
        expect(await ledger.get('task', 'new')).toBeUndefined();
        expect(await subject.lookup.getMany('task', ['new'])).toEqual(new Map());
        expect(subject.ends()).toHaveLength(1);
        expect(await closed(ofRun('new', { status: 'SKIPPED' }))).toEqual([]);
      });
    });

    it('returns undefined for an entry or run that was never put', async () => {
      expect(await ledger.get('task', 'nothing')).toBeUndefined();
      expect(await ledger.getRun('task', 'nothing')).toBeUndefined();
    });

    it('returns every field of an entry that was put', async () => {
      const full = entry('full', {
        status: 'FAILED',
        route: 'server-side copy',
        size: 5,
        sourceEtag: 's',
        destinationEtag: 'd',
        run: 'r',
        attempts: 3,
        reason: 'TooLarge: "it"',
        lost: ['tags', 'metadata'],
        startedAt: 1,
      });
      const fields = Object.keys(ledgerEntrySchema.entries).filter((name) => name !== 'upload');
      expect(Object.keys(full).sort()).toEqual(fields.sort());
      await ledger.put(full);
      expect(await ledger.get('task', 'full')).toEqual(full);
      await ledger.put(entry('full'));
      expect(await ledger.get('task', 'full')).toEqual(entry('full'));
    });

    it('keeps tasks and keys apart, whatever characters they contain', async () => {
      const keys = ['a#b', 'a', '', '\u{fffe}', '😀', 'x'.repeat(1024), 'a\nb', 'é'.repeat(512)].filter(
        (key) => key !== '',
      );
      for (const key of keys) {
        await ledger.put(entry(key, { reason: key }));
        await ledger.put(entry(key, { task: 'other', reason: `other ${key}` }));
      }
      for (const key of keys) {
        expect((await ledger.get('task', key))?.reason).toBe(key);
        expect((await ledger.get('other', key))?.reason).toBe(`other ${key}`);
      }
    });

    it('records one upload per object: the first claim wins until it is replaced by its ID', async () => {
      expect(await ledger.claimUpload(claim('claimed', 'one'))).toEqual(upload('one'));
      expect(await ledger.claimUpload(claim('claimed', 'two'))).toEqual(upload('one'));
      expect(await ledger.claimUpload(claim('claimed', 'two'), 'other')).toEqual(upload('one'));
      expect(await ledger.get('task', 'claimed')).toEqual(claim('claimed', 'one'));
      expect(await ledger.claimUpload(claim('claimed', 'two'), 'one')).toEqual(upload('two'));
      expect(await ledger.get('task', 'claimed')).toEqual(claim('claimed', 'two'));
    });

    it('accepts one of several simultaneous claims', async () => {
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, index) => ledger.claimUpload(claim('raced', `upload-${index}`))),
      );
      const recorded = (await ledger.get('task', 'raced'))?.upload;
      expect(new Set(claims.map(({ uploadId }) => uploadId))).toEqual(new Set([recorded?.uploadId]));
    });

    it('keeps a recorded upload when the rest of the entry is replaced', async () => {
      const checked: OpenUpload = {
        ...upload('one'),
        ...{ checksum: 'CRC32C', sourceVersionId: 'v', tagCount: 2, lost: ['tags'] },
      };
      await ledger.claimUpload({ ...claim('kept', 'one'), upload: checked, run: 'r', size: 7 });
      await ledger.put(entry('kept', { status: 'FAILED', reason: 'why', attempts: 2 }));
      const failed = entry('kept', { status: 'FAILED', reason: 'why', attempts: 2, upload: checked });
      expect(await ledger.get('task', 'kept')).toEqual(failed);
    });

    it('closes an object only if its upload is named as ended or it has none', async () => {
      await ledger.claimUpload(claim('closed', 'one'));
      expect(await ledger.close(entry('closed'))).toEqual(upload('one'));
      expect(await ledger.close(entry('closed'), 'other')).toEqual(upload('one'));
      expect(await ledger.get('task', 'closed')).toEqual(claim('closed', 'one'));
      expect(await ledger.close(entry('closed'), 'one')).toBeUndefined();
      expect(await ledger.get('task', 'closed')).toEqual(entry('closed'));
      expect(await ledger.close(entry('closed', { status: 'DELETED' }), 'one')).toBeUndefined();
      expect(await ledger.get('task', 'closed')).toEqual(entry('closed', { status: 'DELETED' }));
      expect(await ledger.close(entry('new'))).toBeUndefined();
    });

    it('does not record the upload of an entry that closes the object', async () => {
      await ledger.close({ ...entry('bare'), upload: upload('one') });
      expect(await ledger.get('task', 'bare')).toEqual(entry('bare'));
    });

    it('knows when uploads were announced, per object', async () => {
      const midnight = Date.UTC(2026, 10, 2);
      await ledger.announceUpload('task', 'announced', midnight - 5);
      await ledger.announceUpload('task', 'announced', midnight - 5);
      await ledger.announceUpload('task', 'announced', midnight + 7);
      const announced = (from: number, to: number, task = 'task', key = 'announced'): Promise<boolean> =>
        ledger.wasUploadAnnounced(task, key, midnight + from, midnight + to);
      for (const [from, to] of [
        [-5, -5],
        [-100, -1],
        [0, 7],
        [-4, 100],
        [-100, 100],
      ] as const) {
        expect([from, to, await announced(from, to)]).toEqual([from, to, true]);
      }
      for (const [from, to] of [
        [-100, -6],
        [-4, 6],
        [8, 100],
      ] as const) {
        expect([from, to, await announced(from, to)]).toEqual([from, to, false]);
      }
      expect(await announced(-100, 100, 'other')).toBe(false);
      expect(await announced(-100, 100, 'task', 'other')).toBe(false);
      expect(await ledger.get('task', 'announced')).toBeUndefined();
    });

    it('returns every field of a run that was put', async () => {
      const counts = { listed: 1, listedAtDestination: 2, jobs: 3, bytes: 2 ** 50, deletes: 4, same: 5 };
      const record: RunRecord = {
        task: 'task',
        run: 'run',
        status: 'FAILED',
        dryRun: true,
        counts,
        reason: 'why',
        startedAt: '2026-11-01T00:00:00Z',
        updatedAt: 1_700_000_000_000,
      };
      await ledger.putRun(record);
      expect(await ledger.getRun('task', 'run')).toEqual(record);
      expect(await ledger.get('task', 'run')).toBeUndefined();
    });

    it('returns the last run over the same prefix that was done and was no dry run', async () => {
      const counts = { ...noCounts, listed: 1, archived: 2 };
      const base = { task: 'last', status: 'DONE', dryRun: false, counts, startedAt: '', updatedAt: 1 } as const;
      expect(await ledger.getLastRun('last')).toBeUndefined();
      const whole: RunRecord = { ...base, run: 'one' };
      const part: RunRecord = { ...base, run: 'part', prefix: 'a/' };
      for (const record of [whole, part]) await ledger.putRun(record);
      await ledger.putRun({ ...base, run: 'failed', status: 'FAILED' });
      await ledger.putRun({ ...base, run: 'dry', dryRun: true });
      expect(await ledger.getLastRun('last')).toEqual(whole);
      expect(await ledger.getLastRun('last', 'a/')).toEqual(part);
      expect(await ledger.getLastRun('last', 'b/')).toBeUndefined();
      expect(await ledger.getLastRun('other')).toBeUndefined();
      const later: RunRecord = { ...base, run: 'two', updatedAt: 2 };
      await ledger.putRun(later);
      expect(await ledger.getLastRun('last')).toEqual(later);
      expect(await ledger.getRun('last', 'one')).toEqual(whole);
    });
  });
}
