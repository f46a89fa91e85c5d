import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { globMatcher, keyFilter } from '../../../../shared/model/config/key-filter.ts';

describe('globMatcher', () => {
  it.each([
    ['', ''],
    ['a', 'a'],
    ['*', ''],
    ['*', 'abc'],
    ['**', 'a/b//c'],
    ['*.tmp', 'x.tmp'],
    ['**.tmp', 'a/b/x.tmp'],
    ['tmp/**', 'tmp/'],
    ['tmp/**', 'tmp/a/b'],
    ['a/*/c', 'a/b/c'],
    ['a/*/c', 'a//c'],
    ['a/**/c', 'a/b/b/c'],
    ['?', 'é'],
    ['?', '😀'],
    ['a?c', 'abc'],
    ['**a**b**', 'xxaxxbxx'],
    ['a.b+(c)[d]{e}$^|\\', 'a.b+(c)[d]{e}$^|\\'],
    ['a\nb*', 'a\nb\n'],
    ['***', 'a/b'],
  ])('%j matches %j', (pattern, text) => {
    expect(globMatcher(pattern)(text)).toBe(true);
  });

  it.each([
    ['', 'a'],
    ['a', ''],
    ['a', 'ab'],
    ['a', 'A'],
    ['*.tmp', 'a/x.tmp'],
    ['*.tmp', 'x.tmp2'],
    ['tmp/**', 'tmp'],
    ['a/*/c', 'a/b/b/c'],
    ['a?c', 'a/c'],
    ['a?c', 'ac'],
    ['a.c', 'abc'],
    ['[ab]', 'a'],
    ['{a,b}', 'a'],
  ])('%j does not match %j', (pattern, text) => {
    expect(globMatcher(pattern)(text)).toBe(false);
  });

  it('matches what the equivalent regular expression matches', () => {
    const piece = fc.constantFrom('**', '*', '?', 'a', 'b', '/', '.');
    const character = fc.constantFrom('a', 'b', '/', '.');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(character, { maxLength: 10 }), (pieces, characters) => {
        const pattern = pieces.join('');
        const expression = pattern
          .replaceAll('.', '\\.')
          .replaceAll('?', '[^/]')
          .replace(/\*\*+|\*/g, (stars) => (stars.length > 1 ? '[^]*' : '[^/]*'));
        const text = characters.join('');
        expect(globMatcher(pattern)(text)).toBe(new RegExp(`^${expression}$`, 'u').test(text));
      }),
      { numRuns: 500 },
    );
  });

  it('takes no longer for a hostile pattern', () => {
    const started = Date.now();
    expect(globMatcher(`${'*a'.repeat(256)}b`)('a'.repeat(1024))).toBe(false);
    expect(Date.now() - started).toBeLessThan(2_000);
  });
});

describe('keyFilter', () => {
  const source = { bucket: 'bucket', prefix: 'in/', requestPayer: false };
  const keys = ['in/', 'in/a.txt', 'in/b.tmp', 'in/d/a.txt', 'in/d/b.tmp', 'in/tmp/x'];

  it.each([
    [{}, keys],
    [{ include: ['*'] }, ['in/', 'in/a.txt', 'in/b.tmp']],
    [{ include: ['*.txt', 'd/**'] }, ['in/a.txt', 'in/d/a.txt', 'in/d/b.tmp']],
    [{ exclude: ['**.tmp', 'tmp/**'] }, ['in/', 'in/a.txt', 'in/d/a.txt']],
    [{ include: ['d/**'], exclude: ['**.tmp'] }, ['in/d/a.txt']],
    [{ include: ['in/**'] }, []],
    [{ prefixes: ['d', 'tmp/'] }, ['in/d/a.txt', 'in/d/b.tmp', 'in/tmp/x']],
    [{ prefixes: ['in/'] }, []],
    [{ prefixes: ['d/', 'b'], exclude: ['**.tmp'] }, ['in/d/a.txt']],
  ])('with %j selects %j', (patterns, expected) => {
    expect(keys.filter(keyFilter({ source, destination: { prefix: 'out/' }, ...patterns }))).toEqual(expected);
  });
});
