import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';

/**
 * docs/results/stores.json: what each store loses, as the tests saw it. A test fails if it sees something else;
 * `UPDATE_STORES=1` writes what it sees. docs/stores.md is made from it by `npm run schema`.
 */

/** Attributes that are not carried, by route. A route without losses has an empty list. */
export type Lost = Readonly<Record<string, readonly string[]>>;

export interface SeenStore {
  /** from S3 to the store */
  readonly to: Lost;
  /** between two buckets of the store */
  readonly inside: Lost;
  /** from the store to S3; what the source does not have itself is not lost on the way */
  readonly from: Lost;
  /** what the store itself does not keep when another tool writes it */
  readonly absent: readonly string[];
}

const path = resolve(import.meta.dirname, '../../docs/results/stores.json');
export const isUpdate = process.env['UPDATE_STORES'] === '1';

export function expectedStores(): Readonly<Record<string, SeenStore>> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, SeenStore>;
}

export async function writeStores(seen: Readonly<Record<string, SeenStore>>): Promise<void> {
  const options = { ...(await resolveConfig(path)), filepath: path };
  writeFileSync(path, await format(JSON.stringify(seen), options));
}
