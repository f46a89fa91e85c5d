import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../../shared/model/faults.ts';
import { Audit } from './audited-world.ts';

describe('auditTask', () => {
  it('finds no difference after a copy, and ignores objects outside the prefixes', async () => {
    const audit = new Audit();
    for (const key of ['', 'a', 'b/c', 'ü', '😀']) await audit.copied(key);
    await audit.put('source', 'elsewhere', 'x');
    await audit.put('destination', 'outside', 'x');
    const audited = await audit.run();
    expect(audit.findings).toEqual([]);
    expect(audited).toEqual({
      compared: { listed: 5, listedAtDestination: 5, excluded: 0, same: 5, kept: 0, complete: true },
      ...{ failures: 0, incomplete: 0, uploads: 0, queue: { waiting: 0, inFlight: 0, deadLetters: 0 } },
    });
    expect(audit.keys).toBe(5);
  });

  it('applies the task`s own patterns', async () => {
    const audit = new Audit({ task: { include: ['*.txt'], exclude: ['no*'], deletes: true } });
    await audit.put('source', 'in/a.txt', 'x');
    await audit.put('source', 'in/no.txt', 'x');
    await audit.put('source', 'in/a.bin', 'x');
    await audit.put('destination', 'out/b.txt', 'x');
    await audit.put('destination', 'out/no-b.txt', 'x');
    expect(await audit.kinds()).toEqual(['extra in/b.txt', 'missing in/a.txt']);
    expect((await audit.run()).compared).toMatchObject({ excluded: 3, kept: 0 });
  });

  it('counts objects that only the destination has, if deletes are not replicated', async () => {
    const audit = new Audit();
    for (const key of ['out/1', 'out/2']) await audit.put('destination', key, 'x');
    const { compared } = await audit.run();
    expect(compared.kept).toBe(2);
    expect(audit.findings).toEqual([{ kind: 'extra-kept', seen: '2 objects are only at the destination destination' }]);
  });

  it('reports the folder marker of a prefix that the other side lacks, as information, and once', async () => {
    const audit = new Audit({ task: { destination: { prefix: '' }, deletes: true } });
    await audit.put('source', 'in/', '');
    await audit.world.ledger.put({ task: 'test', key: 'in/', status: 'FAILED', reason: 'an old job', updatedAt: 1 });
    expect(await audit.kinds()).toEqual(['bare-marker in/', 'cured in/']);
    expect(await audit.kinds({ depth: 'bytes' })).toEqual(['bare-marker in/', 'cured in/']);
  });

  it('reports the folder marker of a prefix that the source lacks, and not as extra', async () => {
    const audit = new Audit({ task: { source: { prefix: '' }, deletes: true } });
    await audit.put('destination', 'out/', '');
    expect(await audit.kinds()).toEqual(['bare-marker out/']);
  });

  it('does not report an object that was copied between the listing and the recheck', async () => {
    const audit = new Audit();
    await audit.put('source', 'in/late', 'x');
    audit.world.at('before', 'head', async () => {
      audit.world.gate.hooks = {};
      await audit.world.transfer('in/late');
    });
    expect(await audit.kinds()).toEqual([]);
  });

  it('does not report an object whose ledger entry changed during the recheck', async () => {
    const audit = new Audit({ opaque: { destination: true } });
    await audit.copied('k', 'first');
    await audit.put('source', 'in/k', 'again');
    // The buckets are read before the copy ends and the ledger after it, so they show different moments.
    audit.world.at('after', 'head', async () => {
      audit.world.gate.hooks = {};
      await audit.world.transfer('in/k');
    });
    expect(await audit.kinds()).toEqual([]);
  });

  it('reports each difference once, with one ledger read per 100 objects', async () => {
    const audit = new Audit();
    for (let index = 0; index < 250; index++) await audit.put('source', `in/${index}`, 'x');
    expect((await audit.kinds()).length).toBe(250);
    expect(new Set(audit.findings.map(({ key }) => key)).size).toBe(250);
    expect(audit.world.gate.count('ledger.getMany')).toBe(3);
  });

  it('reports a key that is too long for the destination', async () => {
    const audit = new Audit({ task: { source: { prefix: '' }, destination: { prefix: 'long/' } } });
    await audit.put('source', 'x'.repeat(1022), 'x');
    expect(await audit.kinds()).toEqual([`impossible ${'x'.repeat(1022)}`]);
    expect(audit.findings[0]?.seen).toMatch(/1027 bytes, S3 allows 1024/);
  });

  it('reports an archived object as unreadable', async () => {
    const audit = new Audit();
    await audit.put('source', 'in/k', 'x');
    audit.archive('in/k');
    expect(await audit.kinds()).toEqual(['unreadable in/k']);
  });

  it('reports an object that it may not read, with the reason', async () => {
    const audit = new Audit({ views: { destination: { denied: new Set(['head']) } } });
    await audit.put('source', 'in/k', 'x');
    expect(await audit.kinds()).toEqual(['unreadable in/k']);
    expect(audit.findings[0]?.seen).toMatch(/AccessDenied: destination: "out\/k"/);
  });

  it('compares like "auto" if a run sends everything', async () => {
    const audit = new Audit({ task: { compare: 'none' } });
    await audit.copied('k');
    expect(await audit.kinds()).toEqual(['compare-none']);
  });
});

describe('auditTask and stores that list in another order', () => {
  const first = '\u{ff5e}';
  const second = '😀';

  it.each(['source', 'destination'] as const)('finds each difference once if the %s does', async (side) => {
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

describe('auditTask and a part that cannot be read', () => {
  it.each([
    ['list', 'source', /^source and destination, after 0 keys.*AccessDenied: source/],
    ['list', 'destination', /^source and destination, after 0 keys.*AccessDenied: destination/],
    ['listUploads', 'destination', /^open uploads: AccessDenied/],
    ['ledger.failedKeys', 'ledger', /^failures in the ledger: AccessDenied/],
    ['ledger.lossyCopies', 'ledger', /^losses in the ledger: AccessDenied/],
    ['ledger.getMany', 'ledger', /^source and destination.*AccessDenied/],
  ])(
    'reports a failed %s of the %s as a difference, and continues with the other parts',
    async (operation, bucket, seen) => {
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
    },
  );
});

describe('auditTask and failures in the ledger', () => {
  const failed = async (audit: Audit, key: string): Promise<void> => {
    const { ledger, clock } = audit.world;
    await ledger.put({ task: 'test', key, status: 'FAILED', reason: 'AccessDenied: no', updatedAt: clock.now() });
  };

  it('reports objects that still differ, and the others as cured', async () => {
    const audit = new Audit();
    await audit.copied('cured');
    await audit.put('source', 'in/still', 'x');
    for (const key of ['in/cured', 'in/still', 'in/gone', 'other/prefix']) await failed(audit, key);
    expect(await audit.kinds()).toEqual(['cured in/cured', 'cured in/gone', 'cured other/prefix', 'failed in/still']);
    expect((await audit.run()).failures).toBe(4);
    expect(audit.findings.find(({ kind }) => kind === 'failed')?.seen).toMatch(/AccessDenied: no$/);
  });

  it('reports failures even if the comparison failed', async () => {
    const audit = new Audit({ views: { source: { denied: new Set(['list']) } } });
    await audit.put('source', 'in/still', 'x');
    await failed(audit, 'in/still');
    expect(await audit.kinds()).toEqual(['failed in/still', 'not-compared']);
  });
});

describe('auditTask and copies that lack something', () => {
  it('names them, and counts them as information', async () => {
    const audit = new Audit({ task: { destination: { prefix: 'out/', endpoint: 'https://store.invalid' } } });
    await audit.copied('whole');
    const { ledger } = audit.world;
    await audit.copied('k');
    const [entry] = ledger.entries().filter(({ key }) => key === 'in/k');
    await ledger.put({ ...entry!, lost: ['tags', 'metadata'] });
    const { incomplete } = await audit.run();
    expect(incomplete).toBe(1);
    expect(audit.findings).toEqual([
      { kind: 'incomplete', key: 'in/k', seen: 'the copy lacks tags (tags), user metadata (metadata)' },
    ]);
  });
});

describe('auditTask with a prefix list', () => {
  it('compares the listed prefixes, and reports a missing list', async () => {
    const audit = new Audit({ task: { prefixList: 'list', deletes: true } });
    for (const key of ['a/1', 'b/1']) await audit.put('source', `in/${key}`, 'bytes');
    for (const key of ['a/old', 'b/old']) await audit.put('destination', `out/${key}`, 'bytes');
    expect(await audit.kinds()).toEqual(['not-compared']);
    expect(audit.findings[0]?.seen).toContain('prefixList: source: "list" does not exist');
    await audit.put('source', 'list', 'a/\n');
    expect(await audit.kinds()).toEqual(['extra in/a/old', 'missing in/a/1']);
  });
});
