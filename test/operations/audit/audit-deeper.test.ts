import { describe, expect, it } from '@jest/globals';
import { KiB } from '../../../shared/model/limits.ts';
import { type MemoryWorldOptions } from '../../support/memory-world.ts';
import { Audit } from './audited-world.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

describe('auditTask with --deep', () => {
  /** The destination is newer and has the same size but other bytes; the ledger has no entry. */
  async function differentUnseen(options: MemoryWorldOptions = {}): Promise<Audit> {
    const audit = new Audit(options);
    await audit.put('source', 'in/k', 'bytes of one');
    audit.world.clock.pass(60_000);
    await audit.put('destination', 'out/k', 'bytes of two');
    return audit;
  }

  it.each(['proof', 'bytes'] as const)('finds different bytes with depth %s', async (depth) => {
    const audit = await differentUnseen({ opaque: { destination: true }, destination: { checksums: 'ignored' } });
    expect(await audit.kinds()).toEqual([]);
    expect(await audit.kinds({ depth })).toEqual(['different in/k']);
    expect(audit.findings[0]?.seen).toMatch(/^the bytes differ, and a run would skip it/);
  });

  it('finds equal bytes, and reads each side once', async () => {
    const audit = new Audit({ opaque: { destination: true }, destination: { checksums: 'ignored' } });
    await audit.put('source', 'in/k', bytesOf(300 * KiB));
    audit.world.clock.pass(60_000);
    await audit.put('destination', 'out/k', bytesOf(300 * KiB));
    expect(await audit.kinds({ depth: 'proof' })).toEqual([]);
    expect(audit.world.gate.count('get')).toBe(2);
  });

  it('accepts equal ETags as proof, and reads the bytes only with depth bytes', async () => {
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
  ])('finds an object %s by the checksums that both sides store, without reading it', async (_name, text, kinds) => {
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

  it('reports an object if only its metadata differs', async () => {
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

  it('reports an object as unproven if the source is archived', async () => {
    const audit = await differentUnseen({ opaque: { destination: true }, destination: { checksums: 'ignored' } });
    audit.archive('in/k');
    expect(await audit.kinds({ depth: 'proof' })).toEqual(['unproven in/k']);
  });

  it('reports an object that cannot be read', async () => {
    const audit = await differentUnseen({
      ...{ opaque: { destination: true }, destination: { checksums: 'ignored' } },
      views: { source: { denied: new Set(['get']) } },
    });
    expect(await audit.kinds({ depth: 'proof' })).toEqual(['unreadable in/k']);
  });
});
