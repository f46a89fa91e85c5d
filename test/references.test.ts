import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  anchorsOf,
  awsOperations,
  codeOf,
  commentsOf,
  filesOf,
  readTree,
  staleInDocument,
  staleInSource,
  type Tree,
} from './support/references.ts';

/** Documents and comments name only what is there. */

const project = resolve(import.meta.dirname, '..');
const files = filesOf(project);
const tree = readTree(project, files);
const documents = files.filter((path) => path.endsWith('.md'));
const sources = files.filter((path) => /\.(ts|mjs)$/.test(path) && !path.endsWith('references.test.ts'));
const textOf = (path: string) => ({ path, text: readFileSync(join(project, path), 'utf8') });

/** Names of others that documents use: of AWS, of the SDK, of CloudWatch. */
const outside = new Set([
  ...awsOperations(project),
  'AbortIncompleteMultipartUpload',
  'Authorization',
  'GroupInServiceInstances',
  'MemoryDenyWriteExecute',
  'NODE_EXTRA_CA_CERTS',
  'PutMetricData',
  'RequestTimeout',
]);

describe('documents', () => {
  it.each(documents)('%s names only what is there', (path) => {
    expect(staleInDocument(tree, textOf(path), outside)).toEqual([]);
  });
});

describe('comments', () => {
  it('name only files, headings, scripts and symbols that are there', () => {
    const stale = sources.flatMap((path) =>
      staleInSource(tree, textOf(path), outside).map((what) => `${path}: ${what}`),
    );
    expect(stale).toEqual([]);
  });
});

describe('the check itself', () => {
  const small: Tree = {
    paths: new Set(['README.md', 'docs', 'docs/guide.md', 'shared', 'shared/find', 'shared/find/pairs.ts']),
    scripts: new Set(['audit']),
    anchors: new Map([
      ['README.md', new Set(['start'])],
      ['docs/guide.md', new Set(['what-ends'])],
    ]),
    words: new Set(['Batch', 'cutRange', 'BufferPool', 'acquire', 'QUEUE_URL']),
  };
  const inDocument = (text: string): string[] =>
    staleInDocument(small, { path: 'docs/guide.md', text }, new Set(['ListParts']));
  const inSource = (text: string): string[] => staleInSource(small, { path: 'shared/find/pairs.ts', text }, new Set());

  it.each([
    [
      'a link to a file',
      '[a](../README.md) [b](guide.md) [c](https://example.com/x.md)',
      '[a](../CHANGES.md)',
      'link ../CHANGES.md',
    ],
    [
      'a link to a heading',
      '[a](#what-ends) [b](../README.md#start)',
      '[a](../README.md#begin)',
      'link ../README.md#begin',
    ],
    ['a file in a code span', '`shared/find/pairs.ts`, `pairs.ts`', '`shared/find/body.ts`', 'shared/find/body.ts'],
    ['a folder in a code span', '`shared/find/`, `shared/find`', '`shared/search/`', 'shared/search/'],
    ['a file of a pattern', '`shared/find/*.ts`', '`shared/find/*.mjs`', 'shared/find/*.mjs'],
    ['a file of any name', '`shared/find/NAME.ts`', '`shared/find/NAME/index.ts`', 'shared/find/*/index.ts'],
    ['a script', '`npm run audit -- --json`', '```sh\nnpm run check:all\n```', 'npm run check:all'],
    ['a function', '`cutRange`, `cutRange()`', '`cutSegments`', 'cutSegments'],
    ['a class and its member', '`BufferPool.acquire`', '`BufferPool.take`', 'BufferPool.take'],
    ['a variable of the environment', '`QUEUE_URL`', '`QUEUE_NAME`', 'QUEUE_NAME'],
    ['a class of one word', '`Batch`', '`Bunch`', 'Bunch'],
    ['a name of AWS', '`ListParts`', '`ListPieces`', 'ListPieces'],
  ])('in documents knows %s, and finds one that is stale', (_, right, stale, found) => {
    expect(inDocument(right)).toEqual([]);
    expect(inDocument(stale)).toEqual([found]);
  });

  it.each([
    [
      'a file',
      '/** As in shared/find/pairs.ts. shared/find/pairs.ts: the same */',
      '// As in shared/find/body.ts.',
      'shared/find/body.ts',
    ],
    ['a file beside it', '// see pairs.ts', '// see ./merge.ts', './merge.ts'],
    ['a heading', '// docs/guide.md#what-ends', '// docs/guide.md#bounds', 'docs/guide.md#bounds'],
    ['a script', '// npm run audit', '/* npm run report */', 'npm run report'],
    ['a symbol in a code span', '// `cutRange`', '// `cutSegments`', 'cutSegments'],
    [
      'a linked symbol',
      "/** {@link cutRange} */\nimport { cutRange } from 'x';",
      '/** {@link cutRange} */',
      '@link cutRange',
    ],
  ])('in comments knows %s, and finds one that is stale', (_, right, stale, found) => {
    expect(inSource(right)).toEqual([]);
    expect(inSource(stale)).toEqual([found]);
  });

  it('looks at comments alone, and takes symbols from code alone', () => {
    const text = "const a = 'shared/x.ts'; // one\n/** two */\nconst b = 'http://c';\n";
    expect(commentsOf(text)).toBe('// one\n/** two */');
    expect(codeOf(text).match(/\w+/g)).toEqual(['const', 'a', 'shared', 'x', 'ts', 'const', 'b', 'http', 'c']);
    expect(inSource(text)).toEqual([]);
  });

  it('makes anchors as GitHub does', () => {
    expect(anchorsOf('# What ends?\n```sh\n# no heading\n```\n## `npm run x`, "All done"\n')).toEqual([
      'what-ends',
      'npm-run-x-all-done',
    ]);
  });
});
