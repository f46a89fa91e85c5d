import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** What prose may refer to: files, scripts, headings and symbols of the project. */
export interface Tree {
  /** files and folders, from the root, with slashes */
  readonly paths: ReadonlySet<string>;
  /** scripts of package.json */
  readonly scripts: ReadonlySet<string>;
  /** headings of each Markdown file, as anchors */
  readonly anchors: ReadonlyMap<string, ReadonlySet<string>>;
  /** every word of code, comments left out */
  readonly words: ReadonlySet<string>;
}

/** A text that is checked. */
export interface Text {
  /** its path from the root */
  readonly path: string;
  readonly text: string;
}

const extensions = 'ts|mjs|json|md|sh';

/** Folders that are not the project's own: packages, and what builds and runs leave behind. */
const ignored = new Set(['node_modules', 'dist', 'cdk.out', 'coverage', '.git', '.types', '.s3-ferry']);

/** The project's files, from the root, with slashes. */
export function filesOf(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (ignored.has(entry.name)) return [];
    const path = posix.join(folder, entry.name);
    return entry.isDirectory() ? filesOf(root, path) : [path];
  });
}

/** The comments of a source file, one line of text per line of the file. */
export function commentsOf(code: string): string {
  return (code.match(comments) ?? []).join('\n');
}

/** A source file without its comments. */
export function codeOf(code: string): string {
  return code.replace(comments, ' ');
}

/** Prettier begins a block comment on a line of its own, and sets a line comment apart by a space. */
const comments = /^[ \t]*\/\*[^]*?\*\/|(?:^|(?<=\s))\/\/ .*$/gm;

/** The tree of the files below a root. */
export function readTree(root: string, files: readonly string[]): Tree {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const manifest = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
  const sources = files.filter((path) => /\.(ts|mjs|json)$/.test(path) && path !== 'package-lock.json');
  return {
    paths: new Set(files.flatMap((path) => [path, ...foldersOf(path)])),
    scripts: new Set(Object.keys(manifest.scripts)),
    anchors: new Map(
      files.filter((path) => path.endsWith('.md')).map((path) => [path, new Set(anchorsOf(read(path)))]),
    ),
    words: new Set(sources.flatMap((path) => codeOf(read(path)).match(/\w+/g) ?? [])),
  };
}

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
}

/** Anchors of the headings of a Markdown text, as GitHub makes them. */
export function anchorsOf(markdown: string): string[] {
  return [...withoutFences(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutFences(markdown: string): string {
  return markdown.replace(/^```[^]*?^```/gm, '');
}

/** Code spans of a Markdown text. */
function spansOf(markdown: string): string[] {
  return [...withoutFences(markdown).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
}

/**
 * What a Markdown text names and the tree does not have: links, anchors, paths, scripts, and code spans that look like
 * a symbol or a variable of the environment.
 * @param outside words that are not the project's own
 */
export function staleInDocument(tree: Tree, { path, text }: Text, outside: ReadonlySet<string>): string[] {
  const links = [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const spans = spansOf(text);
  return [
    ...links.filter((link) => !resolves(tree, path, link)).map((link) => `link ${link}`),
    ...spans.flatMap((span) => pathsIn(span).filter((name) => !hasPath(tree, path, name))),
    ...missingScripts(tree, text),
    ...spans.filter(looksLikeSymbol).filter((symbol) => !isKnown(tree, symbol, outside)),
  ];
}

/** What comments of a source file name and the tree does not have: paths, anchors, scripts, and targets of `@link`. */
export function staleInSource(tree: Tree, { path, text }: Text, outside: ReadonlySet<string>): string[] {
  const prose = commentsOf(text);
  const code = codeOf(text);
  const links = [...prose.matchAll(/\{@link (\w+)/g)].map(([, symbol = '']) => symbol);
  return [
    ...pathsIn(prose).filter((name) => !hasPath(tree, path, name)),
    ...missingScripts(tree, prose),
    ...spansOf(prose)
      .filter(looksLikeSymbol)
      .filter((symbol) => !isKnown(tree, symbol, outside)),
    ...links.filter((symbol) => !new RegExp(`\\b${symbol}\\b`).test(code)).map((symbol) => `@link ${symbol}`),
  ];
}

/** Is a link's target there, with its heading? Addresses on the web are not looked at. */
function resolves(tree: Tree, from: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return true;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? from : posix.normalize(posix.join(dirname(from), file)).replace(/\/$/, '');
  if (!tree.paths.has(target)) return false;
  return anchor === undefined || tree.anchors.get(target)?.has(anchor) === true;
}

/** Names in a text that look like files or folders of a project. */
function pathsIn(text: string): string[] {
  const token = /(?<![\w./:@<>*~$-])(?:\.{1,2}\/)?[\w.-]+(?:\/[\w.*-]+)*\/?(?:#[\w-]+)?(?!\.?[\w/<>{*@-])/g;
  return (
    (text.match(token) ?? [])
      // NAME stands for any name.
      .map((name) => name.replace(/[.,]+$/, '').replace('NAME', '*'))
      .filter((name) => isPath(name) && !isBuilt(name))
  );
}

const folders = /^(?:\.{1,2}|shared|functions|worker|infra|operations|emulator|local|trials|bench|test|docs)\/\w/;

function isPath(name: string): boolean {
  const [file = ''] = name.split('#');
  return new RegExp(`\\w\\.(?:${extensions})$`).test(file) || folders.test(file);
}

/** What a build makes, and names of configuration files that users choose. */
function isBuilt(name: string): boolean {
  return /^(?:dist|cdk\.out|\.s3-ferry|node_modules)\/|^(?:index\.mjs|meta\.json|health\.json)$/.test(name);
}

/**
 * Is there a file or folder of this name: from the root, beside the text that names it, or, for a name without a
 * folder, anywhere?
 */
function hasPath(tree: Tree, from: string, name: string): boolean {
  const [path = '', anchor] = name.split('#');
  const clean = path.replace(/\/$/, '');
  const candidates = [posix.normalize(clean), posix.normalize(posix.join(dirname(from), clean))];
  const found = candidates.find((candidate) => tree.paths.has(candidate));
  if (found !== undefined) return anchor === undefined || tree.anchors.get(found)?.has(anchor) === true;
  if (clean.includes('*')) return candidates.some((candidate) => matchesSome(tree, candidate));
  return !clean.includes('/') && [...tree.paths].some((candidate) => candidate.endsWith(`/${clean}`));
}

function matchesSome({ paths }: Tree, pattern: string): boolean {
  const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replace(/\*+/g, '.*')}$`);
  return [...paths].some((path) => expression.test(path));
}

function missingScripts({ scripts }: Tree, text: string): string[] {
  const named = [...text.matchAll(/\bnpm run (\w[\w-]*(?::[\w-]+)*)/g)].map(([, name = '']) => name);
  return named.filter((name) => !scripts.has(name)).map((name) => `npm run ${name}`);
}

/** camelCase, PascalCase and UPPER_SNAKE_CASE, with members and parentheses. */
function looksLikeSymbol(span: string): boolean {
  return /^(?:[a-z]+[A-Z]\w*|[A-Z][a-z]\w*|[A-Z0-9]+(?:_[A-Z0-9]+)+)(?:\.\w+)*(?:\(\))?$/.test(span);
}

function isKnown({ words }: Tree, symbol: string, outside: ReadonlySet<string>): boolean {
  return symbol
    .replace('()', '')
    .split('.')
    .every((word) => words.has(word) || outside.has(word));
}

/** Names of the calls of the AWS services whose clients are installed. */
export function awsOperations(root: string): string[] {
  const packages = readdirSync(join(root, 'node_modules/@aws-sdk')).filter((name) => name.startsWith('client-'));
  return packages.flatMap((name) => {
    const folder = join(root, 'node_modules/@aws-sdk', name, 'dist-types/commands');
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((file) => /^(\w+)Command\.d\.ts$/.exec(file)?.[1] ?? []);
  });
}
