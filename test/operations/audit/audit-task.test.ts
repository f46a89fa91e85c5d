import { describe, expect, it } from '@jest/globals';
import { auditTask, type Audited } from '../../../operations/audit/audit-task.ts';
import type { AuditContext } from '../../../operations/audit/context.ts';
import type { Finding } from '../../../operations/audit/finding.ts';
import { judgeLetter } from '../../../operations/audit/queues.ts';
import { Fault } from '../../../shared/model/faults.ts';
import { asciiJson, encodeJob } from '../../../shared/model/job.ts';
import { KiB, MiB } from '../../../shared/model/limits.ts';
import { MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import type { DeadLetter } from '../../../shared/ports/redrive.ts';
import { bytesOf, noAttributes, World, type WorldOptions } from '../../shared/transfer/world.ts';

const hour = 3600_000;

/** A world of a task from `in/` to `out/`, and audits of it. */
class Audit {
  readonly world: World;
  readonly queue: MemoryQueue;
  readonly letters: DeadLetter[] = [];
  readonly findings: Finding[] = [];
  restarts = 0;
  keys = 0;

  constructor({ task, ...options }: WorldOptions = {}) {
    const sides = { source: { prefix: 'in/' }, destination: { prefix: 'out/' } };
    this.world = new World({ task: { ...sides, ...task }, ...options });
    this.queue = new MemoryQueue({ clock: this.world.clock });
  }

  async run(more: Partial<AuditContext> = {}): Promise<Audited> {
    const { task, source, destination, ledger, clock } = this.world.context();
    this.findings.length = 0;
    return auditTask({
      ...{ task, source, destination, ledger, clock },
      lookup: this.world.ledger,
      executions: this.world.uploads,
      jobs: this.queue,
      deadLetters: new MemoryQueue(),
      letters: { receive: async () => [], release: async () => undefined },
      shared: false,
      depth: 'off',
      found: (finding) => this.findings.push(finding),
      compared: (keys) => (this.keys += keys),
      restarted: () => {
        this.restarts++;
        this.findings.length = 0;
      },
      ...more,
    });
  }

  /** Kinds and keys, in a fixed order. */
  async kinds(more: Partial<AuditContext> = {}): Promise<string[]> {
    await this.run(more);
    return this.findings.map(({ kind, key }) => `${kind} ${key ?? ''}`.trim()).sort();
  }

  async put(side: 'source' | 'destination', key: string, bytes: Buffer | string): Promise<void> {
    const data = Buffer.from(bytes);
    const storage = side === 'source' ? this.world.sourceStorage : this.world.destinationStorage;
    await new MemoryObjectStore(storage, side).put(key, { data, size: data.length }, noAttributes);
  }

  /** Puts the object at the source, and brings it over. */
  async copied(key: string, bytes: Buffer | string = `bytes of ${key}`): Promise<void> {
    await this.put('source', `in/${key}`, bytes);
    this.world.clock.pass(60_000);
    await this.world.transfer(`in/${key}`);
  }

  /** Archives the source's object. */
  archive(key: string): void {
    const bucket = this.world.sourceStorage.bucket('source');
    bucket.write(key, { ...bucket.get(key)!, readable: false, storageClass: 'GLACIER' }, false);
  }
}

describe('what differs', () => {
  it('is nothing where all was copied, and nothing is outside of the prefixes', async () => {
    const audit = new Audit();
    for (const key of ['', 'a', 'b/c', 'ü', '😀']) await audit.copied(key);
    await audit.put('source', 'elsewhere', 'x');
    await audit.put('destination', 'outside', 'x');
    const audited = await audit.run();
    expect(audit.findings).toEqual([]);
    expect(audited).toEqual({
      compared: { listed: 5, listedAtDestination: 5, excluded: 0, same: 5, kept: 0, complete: true },
      ...{ failures: 0, uploads: 0, queue: { waiting: 0, inFlight: 0, deadLetters: 0 } },
    });
    expect(audit.keys).toBe(5);
  });

  it('is told by the task`s own patterns', async () => {
    const audit = new Audit({ task: { include: ['*.txt'], exclude: ['no*'], deletes: true } });
    await audit.put('source', 'in/a.txt', 'x');
    await audit.put('source', 'in/no.txt', 'x');
    await audit.put('source', 'in/a.bin', 'x');
    await audit.put('destination', 'out/b.txt', 'x');
    await audit.put('destination', 'out/no-b.txt', 'x');
    expect(await audit.kinds()).toEqual(['extra in/b.txt', 'missing in/a.txt']);
    expect((await audit.run()).compared).toMatchObject({ excluded: 3, kept: 0 });
  });

  it('at the destination alone is counted where deletes are not replicated', async () => {
    const audit = new Audit();
    for (const key of ['out/1', 'out/2']) await audit.put('destination', key, 'x');
    const { compared } = await audit.run();
    expect(compared.kept).toBe(2);
    expect(audit.findings).toEqual([{ kind: 'extra-kept', seen: '2 objects are only at the destination destination' }]);
  });

  it('is not what was copied between the listing and the second look', async () => {
    const audit = new Audit();
    await audit.put('source', 'in/late', 'x');
    audit.world.at('before', 'head', async () => {
      audit.world.gate.hooks = {};
      await audit.world.transfer('in/late');
    });
    expect(await audit.kinds()).toEqual([]);
  });

  it('is not what the ledger was told of in between', async () => {
    const audit = new Audit({ opaque: { destination: true } });
    await audit.copied('k', 'first');
    await audit.put('source', 'in/k', 'again');
    // The buckets are looked at before the copy ends, the ledger after it: they do not belong together.
    audit.world.at('after', 'head', async () => {
      audit.world.gate.hooks = {};
      await audit.world.transfer('in/k');
    });
    expect(await audit.kinds()).toEqual([]);
  });

  it('is told once, however many there are, with bounded look-ups', async () => {
    const audit = new Audit();
    for (let index = 0; index < 250; index++) await audit.put('source', `in/${index}`, 'x');
    expect((await audit.kinds()).length).toBe(250);
    expect(new Set(audit.findings.map(({ key }) => key)).size).toBe(250);
    expect(audit.world.gate.count('ledger.getMany')).toBe(3);
  });

  it('at a key that can have no place at the destination', async () => {
    const audit = new Audit({ task: { source: { prefix: '' }, destination: { prefix: 'long/' } } });
    await audit.put('source', 'x'.repeat(1022), 'x');
    expect(await audit.kinds()).toEqual([`impossible ${'x'.repeat(1022)}`]);
    expect(audit.findings[0]?.seen).toMatch(/1027 bytes, S3 allows 1024/);
  });

  it('of an archived object cannot be copied', async () => {
    const audit = new Audit();
    await audit.put('source', 'in/k', 'x');
    audit.archive('in/k');
    expect(await audit.kinds()).toEqual(['unreadable in/k']);
  });

  it('of an object that may not be looked at is told with the reason', async () => {
    const audit = new Audit({ views: { destination: { denied: new Set(['head']) } } });
    await audit.put('source', 'in/k', 'x');
    expect(await audit.kinds()).toEqual(['unreadable in/k']);
    expect(audit.findings[0]?.seen).toMatch(/AccessDenied: destination: "out\/k"/);
  });

  it('is compared like "auto" where a run sends everything', async () => {
    const audit = new Audit({ task: { compare: 'none' } });
    await audit.copied('k');
    expect(await audit.kinds()).toEqual(['compare-none']);
  });
});

describe('stores that list in another order', () => {
  const first = '\u{ff5e}';
  const second = '😀';

  it.each(['source', 'destination'] as const)('at the %s: each difference is found, and counted once', async (side) => {
    const audit = new Audit({ task: { deletes: true }, [side]: { order: 'utf16', pageSize: 2 } });
    for (const key of ['a', 'b', `c${first}`, `c${second}`, 'd']) await audit.copied(key);
    await audit.put('source', 'in/a-missing', 'x');
    await audit.put('source', `in/${second}`, 'x');
    await audit.put('destination', `out/${first}`, 'x');
    expect(await audit.kinds()).toEqual(
      [`extra in/${first}`, 'missing in/a-missing', `missing in/${second}`, 'order-unknown'].sort(),
    );
    expect(audit.restarts).toBe(1);
  });
});

describe('a part that cannot be looked at', () => {
  it.each([
    ['list', 'source', /^source and destination, after 0 keys.*AccessDenied: source/],
    ['list', 'destination', /^source and destination, after 0 keys.*AccessDenied: destination/],
    ['listUploads', 'destination', /^open uploads: AccessDenied/],
    ['ledger.failedKeys', 'ledger', /^failures in the ledger: AccessDenied/],
    ['ledger.getMany', 'ledger', /^source and destination.*AccessDenied/],
  ])('%s of %s is a difference, and the rest is looked at', async (operation, bucket, seen) => {
    const audit = new Audit();
    await audit.put('source', 'in/k', 'x');
    await audit.queue.send([audit.world.job('in/k')]);
    audit.world.gate.hooks = {
      before: (call) => {
        if (call.operation === operation && call.bucket === bucket) throw new Fault('AccessDenied', `${bucket}: no`);
      },
    };
    await audit.run();
    expect(audit.findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'not-compared', seen: expect.stringMatching(seen) }),
        expect.objectContaining({ kind: 'jobs-waiting' }),
      ]),
    );
  });
});

describe('the failures of the ledger', () => {
  const failed = async (audit: Audit, key: string): Promise<void> => {
    const { ledger, clock } = audit.world;
    await ledger.put({ task: 'test', key, status: 'FAILED', reason: 'AccessDenied: no', updatedAt: clock.now() });
  };

  it('are told with what differs still, and as cured where nothing does', async () => {
    const audit = new Audit();
    await audit.copied('cured');
    await audit.put('source', 'in/still', 'x');
    for (const key of ['in/cured', 'in/still', 'in/gone', 'other/prefix']) await failed(audit, key);
    expect(await audit.kinds()).toEqual(['cured in/cured', 'cured in/gone', 'cured other/prefix', 'failed in/still']);
    expect((await audit.run()).failures).toBe(4);
    expect(audit.findings.find(({ kind }) => kind === 'failed')?.seen).toMatch(/AccessDenied: no$/);
  });

  it('are told by themselves where the comparison broke off', async () => {
    const audit = new Audit({ views: { source: { denied: new Set(['list']) } } });
    await audit.put('source', 'in/still', 'x');
    await failed(audit, 'in/still');
    expect(await audit.kinds()).toEqual(['failed in/still', 'not-compared']);
  });
});

describe('a copy in parts', () => {
  /** Begins one and dies before its end. */
  async function begun(audit: Audit): Promise<void> {
    await audit.put('source', 'in/k', bytesOf(11 * MiB));
    audit.world.at('before', 'completeUpload', () => audit.world.kill());
    await audit.world.transfer('in/k').catch(() => undefined);
    audit.world.revive();
  }

  it('goes on while parts come, and is stalled two hours later', async () => {
    const audit = new Audit();
    await begun(audit);
    expect(await audit.kinds()).toEqual(['in-progress in/k', 'upload-in-use out/k']);
    audit.world.clock.pass(3 * hour);
    expect(await audit.kinds()).toEqual(['stalled in/k', 'upload-left out/k']);
    const [upload] = audit.world.openUploads();
    const { destination } = audit.world.context();
    await destination.uploadPart(
      { key: 'out/k', uploadId: upload!, number: 1 },
      { data: bytesOf(5 * MiB), size: 5 * MiB },
    );
    expect(await audit.kinds()).toEqual(['in-progress in/k', 'upload-in-use out/k']);
  });

  it('goes on while its execution runs, whatever else there is to see', async () => {
    const audit = new Audit();
    await begun(audit);
    const { size, etag } = (await audit.world.context().source.head('in/k'))!;
    const { execution } = await audit.world.uploads.start({ task: 'test', key: 'in/k', action: 'copy', size, etag });
    audit.world.clock.pass(30 * hour);
    expect(await audit.kinds()).toEqual(['in-progress in/k', 'upload-in-use out/k']);
    audit.world.uploads.end(execution);
    expect(await audit.kinds()).toEqual(['stalled in/k', 'upload-left out/k']);
  });

  it('that an execution was just started for goes on, before there is a word of it in the ledger', async () => {
    const audit = new Audit();
    await audit.put('source', 'in/k', bytesOf(11 * MiB));
    const { size, etag } = (await audit.world.context().source.head('in/k'))!;
    await audit.world.uploads.start({ task: 'test', key: 'in/k', action: 'copy', size, etag });
    expect(await audit.kinds()).toEqual(['in-progress in/k']);
    await audit.put('source', 'in/k', bytesOf(12 * MiB));
    expect(await audit.kinds()).toEqual(['missing in/k']);
  });

  it('whose upload is gone is stalled, and nothing is open', async () => {
    const audit = new Audit();
    await begun(audit);
    audit.world.clock.pass(3 * hour);
    await audit.world.context().destination.abortUpload('out/k', audit.world.openUploads()[0]!);
    expect(await audit.kinds()).toEqual(['stalled in/k']);
    expect(audit.findings[0]?.seen).toMatch(/its upload is gone/);
  });

  it('that was announced and never claimed is left behind; one that nobody announced is foreign', async () => {
    const audit = new Audit();
    await audit.put('source', 'in/k', bytesOf(11 * MiB));
    audit.world.at('before', 'ledger.claimUpload', () => audit.world.kill());
    await audit.world.transfer('in/k').catch(() => undefined);
    audit.world.revive();
    await audit.world.transfer('in/k');
    audit.world.clock.pass(3 * hour);
    await audit.world.context().destination.createUpload('out/theirs', noAttributes);
    expect(await audit.kinds()).toEqual(['upload-foreign out/theirs', 'upload-left out/k']);
  });
});

describe('the queues', () => {
  it('are counted: of one task its own, of several nobody`s', async () => {
    const audit = new Audit();
    for (const key of ['in/1', 'in/2', 'in/3']) await audit.queue.send([audit.world.job(key)]);
    audit.queue.receive(1);
    expect(await audit.kinds()).toEqual(['jobs-in-flight', 'jobs-waiting']);
    expect(audit.findings.map(({ seen }) => seen)).toEqual(['2 messages wait', '1 messages are in flight']);
    expect(await audit.kinds({ shared: true })).toEqual(['queue-busy']);
    // Nobody received anything for it.
    audit.world.clock.pass(hour);
    expect(
      audit.queue
        .receive(10)
        .map(({ receives }) => receives)
        .sort(),
    ).toEqual([1, 1, 2]);
  });

  it('of dead letters: those of the task are told, and all are given back', async () => {
    const audit = new Audit();
    const letter = (id: string, body: string): DeadLetter => ({
      id,
      body,
      receipt: `r-${id}`,
      sentAt: 0,
      reason: 'TooLarge: x',
    });
    const job = { key: 'in/k', action: 'copy' as const };
    const batches = [
      [letter('1', encodeJob({ ...job, task: 'test' })), letter('2', encodeJob({ ...job, task: 'other' }))],
      [letter('1', 'again'), letter('3', 'no job')],
    ];
    const released: string[] = [];
    const letters = {
      receive: async () => batches.shift() ?? [],
      release: async (all: readonly DeadLetter[]) => void released.push(...all.map(({ receipt }) => receipt)),
    };
    expect(await audit.kinds({ letters })).toEqual(['dead-letter in/k', 'dead-letters-unknown']);
    expect(released).toEqual(['r-1', 'r-2', 'r-3']);
    expect(audit.findings[0]?.seen).toMatch(/^a job to copy it was buried 1970-.*: TooLarge: x$/);
  });

  it('of dead letters that somebody else holds are not known', async () => {
    const audit = new Audit();
    const deadLetters = new MemoryQueue();
    deadLetters.sendBody('x');
    deadLetters.receive();
    expect(await audit.kinds({ deadLetters })).toEqual(['not-compared']);
  });

  it.each([
    ['an event that the task replicates', 'source', 'in/k x', 1, true],
    ['an event of another prefix', 'source', 'else/k', 0, false],
    ['an event of another bucket', 'other', 'in/k', 0, false],
  ])('know %s', (_name, bucket, key, count, known) => {
    const task = new World({ task: { source: { prefix: 'in/' }, destination: { prefix: 'out/' }, events: 'create' } })
      .task;
    const s3 = {
      bucket: { name: bucket },
      object: { key: key.replaceAll(' ', '+'), size: 1, eTag: 'e', sequencer: '0' },
    };
    const record = { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3 };
    const body = asciiJson({ Records: [{ ...record, eventTime: '2026-11-01T00:00:00.000Z', awsRegion: 'x' }] });
    const judged = judgeLetter(task, { id: '1', body, receipt: 'r', sentAt: 0 });
    expect(judged.known).toBe(known);
    expect(judged.findings.map((finding) => finding.key)).toEqual(count ? [key] : []);
  });
});

describe('a prefix list', () => {
  it('says what is compared, and is told where it is missing', async () => {
    const audit = new Audit({ task: { prefixList: 'list', deletes: true } });
    for (const key of ['a/1', 'b/1']) await audit.put('source', `in/${key}`, 'bytes');
    for (const key of ['a/old', 'b/old']) await audit.put('destination', `out/${key}`, 'bytes');
    expect(await audit.kinds()).toEqual(['not-compared']);
    expect(audit.findings[0]?.seen).toContain('prefixList: source: "list" does not exist');
    await audit.put('source', 'list', 'a/\n');
    expect(await audit.kinds()).toEqual(['extra in/a/old', 'missing in/a/1']);
  });
});

describe('what a run takes for the same, looked at deeper', () => {
  /** The destination is newer, has the same size and other bytes, and no ledger knows of it. */
  async function differentUnseen(options: WorldOptions = {}): Promise<Audit> {
    const audit = new Audit(options);
    await audit.put('source', 'in/k', 'bytes of one');
    audit.world.clock.pass(60_000);
    await audit.put('destination', 'out/k', 'bytes of two');
    return audit;
  }

  it.each(['proof', 'bytes'] as const)('is found different by %s', async (depth) => {
    const audit = await differentUnseen({ opaque: { destination: true }, destination: { checksums: 'ignored' } });
    expect(await audit.kinds()).toEqual([]);
    expect(await audit.kinds({ depth })).toEqual(['different in/k']);
    expect(audit.findings[0]?.seen).toMatch(/^the bytes differ, and a run takes them for the same/);
  });

  it('is found the same by its bytes, read once from each side', async () => {
    const audit = new Audit({ opaque: { destination: true }, destination: { checksums: 'ignored' } });
    await audit.put('source', 'in/k', bytesOf(300 * KiB));
    audit.world.clock.pass(60_000);
    await audit.put('destination', 'out/k', bytesOf(300 * KiB));
    expect(await audit.kinds({ depth: 'proof' })).toEqual([]);
    expect(audit.world.gate.count('get')).toBe(2);
  });

  it('is proven by equal ETags, and read only where bytes are asked for', async () => {
    const audit = new Audit();
    await audit.copied('k');
    audit.world.gate.forgetCounts();
    expect(await audit.kinds({ depth: 'proof' })).toEqual([]);
    expect([audit.world.gate.count('head'), audit.world.gate.count('get')]).toEqual([0, 0]);
    expect(await audit.kinds({ depth: 'bytes' })).toEqual([]);
    expect(audit.world.gate.count('get')).toBe(2);
  });

  it.each([
    ['the same', 'bytes of one', []],
    ['different', 'bytes of two', ['different in/k']],
  ])('is found %s by the checksums that both store, without reading', async (_name, text, kinds) => {
    const audit = new Audit();
    await audit.put('source', 'in/k', 'bytes of one');
    audit.world.clock.pass(60_000);
    await audit.put('destination', 'out/k', text);
    for (const [storage, name, key] of [
      [audit.world.sourceStorage, 'source', 'in/k'],
      [audit.world.destinationStorage, 'destination', 'out/k'],
    ] as const) {
      const bucket = storage.bucket(name);
      bucket.write(key, { ...bucket.get(key)!, etag: `opaque-${name}`, checksumAlgorithm: 'CRC32' }, false);
    }
    expect(await audit.kinds({ depth: 'proof' })).toEqual(kinds);
    expect(audit.world.gate.count('get')).toBe(0);
  });

  it('is told where only its metadata is another', async () => {
    const audit = new Audit();
    await audit.copied('k');
    const metadata = { written: 'again' };
    await audit.world.putSource(audit.world.sourceObject('in/k')!.bytes, {
      key: 'in/k',
      attributes: { ...noAttributes, metadata },
    });
    expect(await audit.kinds({ depth: 'bytes' })).toEqual(['different in/k']);
    expect(audit.findings[0]?.seen).toContain('headers or user metadata differ');
  });

  it('stays unproven where the source is archived', async () => {
    const audit = await differentUnseen({ opaque: { destination: true }, destination: { checksums: 'ignored' } });
    audit.archive('in/k');
    expect(await audit.kinds({ depth: 'proof' })).toEqual(['unproven in/k']);
  });

  it('is told where it cannot be read', async () => {
    const audit = await differentUnseen({
      ...{ opaque: { destination: true }, destination: { checksums: 'ignored' } },
      views: { source: { denied: new Set(['get']) } },
    });
    expect(await audit.kinds({ depth: 'proof' })).toEqual(['unreadable in/k']);
  });
});
