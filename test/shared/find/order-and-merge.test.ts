import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareObjects } from '../../../shared/find/compare.ts';
import { listSorted, UnsortedListing } from '../../../shared/find/listing.ts';
import { mergeListings, type Pair } from '../../../shared/find/merge.ts';
import { compareKeys } from '../../../shared/find/order.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import { MemoryStorage } from '../../../shared/ports/memory/storage.ts';
import { byBytes, object, pagesOf, smallKeyArbitrary, streamOf } from '../../support/keys.ts';

describe('compareKeys', () => {
  it('orders like the UTF-8 bytes', () => {
    const text = fc.oneof(
      smallKeyArbitrary,
      fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed()),
    );
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(byBytes(a, b));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('mergeListings', () => {
  const keys = fc.uniqueArray(smallKeyArbitrary, { maxLength: 12 });
  const cuts = fc.array(fc.nat(4), { maxLength: 12 });

  it('pairs any two listings, with any division into pages', async () => {
    await fc.assert(
      fc.asyncProperty(keys, keys, cuts, cuts, async (left, right, leftCuts, rightCuts) => {
        const sorted = [left, right].map((side) => side.sort(byBytes).map((key) => object(key)));
        const pairs: Pair[] = [];
        const pages = [pagesOf(sorted[0]!, leftCuts), pagesOf(sorted[1]!, rightCuts)];
        for await (const pair of mergeListings(streamOf(pages[0]!), streamOf(pages[1]!))) pairs.push(pair);
        const all = [...new Set([...left, ...right])].sort(byBytes);
        expect(pairs).toEqual(
          all.map((key) => ({
            key,
            source: left.includes(key) ? object(key) : undefined,
            destination: right.includes(key) ? object(key) : undefined,
          })),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('throws the error of a listing, and closes both listings', async () => {
    const closed: string[] = [];
    async function* listing(name: string, fail: boolean): AsyncGenerator<ReturnType<typeof object>[]> {
      try {
        yield [object('a')];
        if (fail) throw new Error('page 2');
        yield [object('b')];
        yield [object('c')];
      } finally {
        closed.push(name);
      }
    }
    const walk = async (): Promise<void> => {
      for await (const pair of mergeListings(listing('left', true), listing('right', false)))
        expect(pair.key).toBe('a');
    };
    await expect(walk()).rejects.toThrow('page 2');
    expect(closed.sort()).toEqual(['left', 'right']);
  });

  it('closes both listings if the caller stops early', async () => {
    const closed: string[] = [];
    async function* endless(name: string): AsyncGenerator<ReturnType<typeof object>[]> {
      try {
        for (let page = 0; ; page++) yield [object(String(page).padStart(5, '0'))];
      } finally {
        closed.push(name);
      }
    }
    for await (const { key } of mergeListings(endless('left'), endless('right'))) if (key === '00003') break;
    expect(closed.sort()).toEqual(['left', 'right']);
  });
});

describe('listSorted', () => {
  async function listing(pages: string[][], range: { after?: string; until?: string } = {}): Promise<string[]> {
    const store = Object.create(new MemoryObjectStore(new MemoryStorage(), 'b')) as MemoryObjectStore;
    store.list = () => streamOf(pages.map((page) => page.map((key) => object(key))));
    const keys: string[] = [];
    for await (const page of listSorted(store, { prefix: 'p/', prefixes: [''], ...range }))
      keys.push(...page.map(({ key }) => key));
    return keys;
  }

  it('returns keys relative to the prefix, including the prefix itself, and ends after `until`', async () => {
    expect(await listing([['p/', 'p/a'], [], ['p/b', 'p/c']], { until: 'b' })).toEqual(['', 'a', 'b']);
  });

  it('skips the key to start after if the store repeats it', async () => {
    expect(await listing([['p/a', 'p/b']], { after: 'a' })).toEqual(['b']);
  });

  it.each([
    ['in a page', [['p/b', 'p/a']]],
    ['from page to page', [['p/b'], ['p/a']]],
    ['by UTF-16', [['p/\u{10000}', 'p/\u{ffff}']]],
    ['with a key twice', [['p/a', 'p/a']]],
  ])('detects another order %s', async (_name, pages) => {
    await expect(listing(pages)).rejects.toBeInstanceOf(UnsortedListing);
  });

  it('rejects keys outside the prefix', async () => {
    await expect(listing([['q/a']])).rejects.toMatchObject({ name: 'Unavailable' });
  });
});

/** The table in the docstring of compareObjects, row by row. */
const table: Record<'auto' | 'size' | 'checksum' | 'none', [string, string, string, string, string]> = {
  auto: ['copy', 'copy', 'same', 'copy', 'same'],
  size: ['copy', 'copy', 'same', 'same', 'same'],
  checksum: ['copy', 'copy', 'same', 'ask', 'ask'],
  none: ['copy', 'copy', 'copy', 'copy', 'copy'],
};

describe('compareObjects', () => {
  it('copies an object of equal size whose time the source does not state', () => {
    const object = { size: 3, etag: 'a', modified: 0 };
    expect(compareObjects('auto', object, { ...object, etag: 'b', modified: 5 }).kind).toBe('copy');
  });

  const source = { size: 5, etag: 's', modified: 1000 };
  const columns = [
    ['missing', undefined],
    ['size differs', { ...source, size: 6, modified: 9000 }],
    ['ETags equal', { ...source, modified: 0 }],
    ['source not older', { ...source, etag: 'd' }],
    ['source newer', { ...source, etag: 'd', modified: 0 }],
    ['else', { ...source, etag: 'd', modified: 2000 }],
    ['no ETags, else', { ...source, etag: '', modified: 2000 }],
  ] as const;

  it.each(Object.keys(table) as (keyof typeof table)[])('compare: %s', (rule) => {
    const verdicts = columns.map(([name, destination]) => {
      const given = name.startsWith('no ETags') ? { ...source, etag: '' } : source;
      return compareObjects(rule, given, destination).kind;
    });
    const [missing, size, equal, notOlder, other] = table[rule];
    expect(verdicts).toEqual([missing, size, equal, notOlder, notOlder, other, other]);
  });

  const md5 = 'd41d8cd98f00b204e9800998ecf8427e';

  it('leaves to the ledger what times cannot show: the same second, and a source in parts that looks older', () => {
    const late = { ...source, etag: 'd', modified: 2000 };
    const inParts = { ...source, etag: `${md5}-3` };
    const reasons = (one: typeof source, other: typeof source): unknown => {
      const { kind, unlessRecorded } = compareObjects('auto', one, other);
      return [kind, unlessRecorded];
    };
    expect(reasons(source, { ...source, etag: 'd' })).toEqual(['copy', true]);
    expect(reasons(inParts, late)).toEqual(['copy', true]);
    expect(reasons({ ...inParts, modified: 3000 }, late)).toEqual(['copy', undefined]);
    expect(reasons(source, late)).toEqual(['same', undefined]);
  });

  it('compares hexadecimal ETags without their case, and others with it', () => {
    const late = { ...source, modified: 0 };
    for (const etag of [md5, `${md5}-12`]) {
      const pair = [
        { ...source, etag },
        { ...late, etag: etag.toUpperCase() },
      ] as const;
      expect(compareObjects('auto', ...pair).kind).toBe('same');
    }
    expect(compareObjects('auto', { ...source, etag: 'Fto5o' }, { ...late, etag: 'FTO5O' }).kind).toBe('copy');
  });
});
