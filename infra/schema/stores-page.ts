import { storeNames, stores, type Store, type StoreName, type StoreTraits } from '../../shared/model/stores/stores.ts';

/** What the tests saw of a store: docs/results/stores.json, which they write (test/stores/expectations.ts). */
export interface SeenStore {
  readonly to: Lost;
  readonly inside: Lost;
  readonly from: Lost;
  readonly absent: readonly string[];
}

/** Attributes that were not carried, by route. */
type Lost = Readonly<Record<string, readonly string[]>>;

/** docs/stores.md: each store with its capabilities, what is lost there, and how that was shown. */
export function storesPage(seen: Readonly<Record<string, SeenStore>>): string {
  const sections = storeNames.map((name) => section(name, stores[name], seen[name]));
  return [introduction, summary(seen), ...sections].join('\n\n') + '\n';
}

const introduction = `<!-- made by "npm run schema" from shared/model/stores and docs/results/stores.json -->

# Stores

What S3 Ferry knows of each store, what a copy loses there, and how that was shown. How a task names a store is in the
[configuration](configuration.md#source-and-destination), what becomes of a loss in
[what a copy lacks](configuration.md#what-a-copy-lacks).

How a row was shown:

- **A document** is named by vendor, title and section. "Not documented" means that none was found; then the careful
  value is used.
- **"As measured"** is a real server: Ceph 16, by \`npm run test:s3\`.
- **The tests of personalities** (\`test/stores\`) copy objects with every attribute on each route, over HTTP, to, inside
  and from a local server that behaves as the vendor's documents say (\`emulator/s3/personalities\`). They fail if an
  attribute is lost and not named, and they write what they see to [results/stores.json](results/stores.json). A
  personality is made of documents: it shows what S3 Ferry does with such a store, not that the store is such.`;

function summary(seen: Readonly<Record<string, SeenStore>>): string {
  const rows = Object.entries(seen).map(([name, { to, inside, from, absent }]) => {
    const title = isStore(name)
      ? `[${stores[name].title}](#${anchor(stores[name].title)})`
      : 'every difference at once';
    return `| ${title} | ${losses(to)} | ${losses(inside)} | ${losses(from)} | ${absent.join(', ') || 'nothing'} |`;
  });
  return [
    '## What a copy loses',
    '',
    'As the tests of personalities saw it, for a task with a storage class and `checksumAlgorithm: CRC32C`. The last column is',
    'what the store itself does not keep, whichever tool writes it: there is nothing to carry from it.',
    '',
    '| store | to it | inside it | from it | never has |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** What is lost on all routes, and what on some of them. */
function losses(routes: Lost): string {
  const names = Object.keys(routes);
  const all = [...new Set(Object.values(routes).flat())];
  const shown = all.map((attribute) => {
    const on = names.filter((name) => routes[name]?.includes(attribute));
    return on.length === names.length ? attribute : `${attribute} (${on.join('; ')})`;
  });
  return shown.join(', ') || 'nothing';
}

function section(name: StoreName, { title, traits }: Store, seen: SeenStore | undefined): string {
  const rows = Object.entries(capabilities).map(([trait, describe]) => {
    const { why } = traits[trait as keyof StoreTraits];
    const { capability, here, lost } = describe(traits);
    return `| ${[capability, here, lost, why].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    `## ${title}`,
    '',
    `\`store: ${name}\`. ${seen ? 'With a personality in the tests.' : 'Without a personality: known from documents only.'}`,
    '',
    '| capability | here | what is lost, or done instead | shown by |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

interface Row {
  readonly capability: string;
  readonly here: string;
  readonly lost: string;
}

const nothing = 'nothing';

/** A row for each trait. A trait without one does not compile. */
const capabilities: { readonly [Trait in keyof StoreTraits]: (traits: StoreTraits) => Row } = {
  putEtag: ({ putEtag: { is } }) => ({
    capability: 'ETag of one PUT',
    here: { md5: 'the MD5', maybe: 'the MD5, most often', other: 'something else' }[is],
    lost: is === 'md5' ? nothing : 'nothing: an ETag that differs calls for another proof',
  }),
  multipartEtag: ({ multipartEtag: { is } }) => ({
    capability: 'ETag of parts',
    here: { s3: 'as in S3', maybe: 'as in S3, most often', other: 'something else' }[is],
    lost: is === 's3' ? nothing : 'nothing: each part is verified; the ledger says which copies are good',
  }),
  tags: ({ tags: { is } }) => ({
    capability: 'tags',
    here: is,
    lost: { yes: nothing, no: 'tags (`tags`)', unknown: 'tags (`tags`), if the store does not show them' }[is],
  }),
  tagCount: ({ tags, tagCount: { is } }) => ({
    capability: 'number of tags in GET and HEAD',
    here: is,
    lost: tags.is === 'no' ? nothing : is === 'yes' ? nothing : 'nothing: one more request for each object',
  }),
  checksums: ({ checksums: { is } }) => ({
    capability: 'stored checksums',
    here: is.length === 0 ? 'none' : is.join(', '),
    lost: is.length === 0 ? 'a checksum that the task asks for (`checksum`); Content-MD5 verifies the bytes' : nothing,
  }),
  copies: ({ copies: { is } }) => ({ capability: 'CopyObject, pinned', here: is, lost: relayed(is) }),
  partCopies: ({ partCopies: { is } }) => ({ capability: 'UploadPartCopy, pinned', here: is, lost: relayed(is) }),
  listVersion: ({ listVersion: { is } }) => ({
    capability: 'version of ListObjects',
    here: String(is),
    lost: is === 2 ? nothing : is === 1 ? 'nothing' : 'nothing: version 2 is tried, then version 1',
  }),
  listsRestores: ({ listsRestores: { is } }) => ({
    capability: 'restores in listings',
    here: is,
    lost: is === 'yes' ? nothing : 'nothing: archived objects that differ are asked one by one',
  }),
  conditionalWrites: ({ conditionalWrites: { is } }) => ({
    capability: 'conditional writes',
    here: Object.keys(is).length === 0 ? 'not relied on' : Object.keys(is).join(', '),
    lost:
      Object.keys(is).length === 0
        ? 'the guard against a late write; the look at the source after each write remains'
        : nothing,
  }),
  operationIds: ({ operationIds: { is } }) => ({
    capability: 'name of the operation in the query (`x-id`)',
    here: is,
    lost: is === 'no' ? 'nothing: left out' : nothing,
  }),
  awsChunked: ({ awsChunked: { is } }) => ({
    capability: 'trailing checksums (`aws-chunked`)',
    here: is,
    lost: is === 'yes' ? nothing : 'nothing: not used unless the task has `checksumAlgorithm`',
  }),
};

function relayed(is: 'yes' | 'no' | 'unknown'): string {
  return {
    yes: nothing,
    no: 'nothing: the bytes go through S3 Ferry',
    unknown: 'nothing: asked once in each process, else the bytes go through S3 Ferry',
  }[is];
}

function isStore(name: string): name is StoreName {
  return (storeNames as readonly string[]).includes(name);
}

function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}
