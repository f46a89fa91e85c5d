import * as v from 'valibot';
import { Fault, isFault } from '../model/faults.ts';
import { keyTextSchema, type ObjectKey } from '../model/object-key.ts';
import { maxListedPrefixes, maxPrefixListBytes } from '../model/limits.ts';
import { quoted } from '../model/text.ts';
import type { PinnedList } from '../model/messages/payloads.ts';
import { outermost, prefixSlip, startsName } from '../model/config/prefixes.ts';
import type { Task } from '../model/config/task.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { readBody } from '../flow/body.ts';
import { compareKeys } from './order.ts';

/**
 * The prefixes that a run covers: the source's whole prefix, those that the task names, or those that an object lists.
 */
export interface RunPrefixes {
  /** relative to the run's prefix, in order, none begins with another; at least one */
  readonly prefixes: readonly string[];
  readonly list: PinnedList;
}

/**
 * Reads the prefixes that a run over `runPrefix` covers.
 * @param pinned the version of the prefix list that the run began with; by default the present one
 * @throws Fault `InvalidInput` if the run's prefix is outside the task's, or the prefix list is missing or not valid;
 *   `SourceChanged` if the list has changed since
 */
export async function readPrefixes(
  source: ObjectStore,
  task: Task,
  runPrefix: string,
  pinned: PinnedList = {},
): Promise<RunPrefixes> {
  const { list, named } = await configuredPrefixes(source, task, pinned);
  const prefixes = narrowed(named, runPrefix.slice(task.source.prefix.length));
  if (prefixes.length > 0) return { prefixes, list };
  throw new Fault(
    'InvalidInput',
    `task ${task.name}: prefix ${JSON.stringify(runPrefix)} is under none of the task's ${named.length} prefixes`,
  );
}

async function configuredPrefixes(
  source: ObjectStore,
  { name, prefixes = [''], prefixList, source: side }: Task,
  pinned: PinnedList,
): Promise<{ named: readonly string[]; list: PinnedList }> {
  if (prefixList === undefined) return { named: prefixes, list: {} };
  const what = `task ${name}, prefixList: ${source.bucket}: ${quoted(prefixList)}`;
  const { text, etag } = await readList(source, prefixList, pinned, what);
  return { named: parsePrefixList(text, what, side), list: { etag } };
}

async function readList(
  source: ObjectStore,
  key: ObjectKey,
  { etag }: PinnedList,
  what: string,
): Promise<{ text: string; etag: string }> {
  let opened;
  try {
    opened = await source.get(key, etag === undefined ? {} : { ifMatch: etag });
  } catch (error) {
    if (!isFault(error, 'SourceChanged', 'SourceGone')) throw error;
    throw new Fault('SourceChanged', `${what} changed while the run was using it; start the run again`);
  }
  if (!opened) throw new Fault('InvalidInput', `${what} does not exist; put the list there, one prefix per line`);
  const { info, body } = opened;
  if (info.size > maxPrefixListBytes) {
    body.destroy();
    throw new Fault('InvalidInput', `${what}: found ${info.size} bytes, expected at most ${maxPrefixListBytes}`);
  }
  const bytes = Buffer.alloc(info.size);
  await readBody(body, bytes, what);
  return { text: decoded(bytes, what), etag: info.etag };
}

function decoded(bytes: Buffer, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Fault('InvalidInput', `${what}: found bytes that are not UTF-8, expected text`);
  }
}

/**
 * Parses a prefix list: one prefix per line. Lines end with `\n` or `\r\n`; empty lines are ignored.
 * @throws Fault `InvalidInput` naming each line that is not a prefix, or if there are none, or too many: an empty list
 *   must not mean the whole bucket
 */
export function parsePrefixList(
  text: string,
  what: string,
  { prefix = '', verbatimPrefix = false }: Partial<Task['source']> = {},
): string[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const faults = lines.flatMap((line, index) => {
    if (line === '') return [];
    const parsed = v.safeParse(keyTextSchema, line);
    const slip = verbatimPrefix ? undefined : prefixSlip(line, startsName(prefix));
    const fault = parsed.success ? slip : parsed.issues[0].message;
    return fault === undefined ? [] : [`line ${index + 1}: ${fault}`];
  });
  if (faults.length > 0) {
    const more = faults.length > maxShownFaults ? `\n  and ${faults.length - maxShownFaults} more` : '';
    throw new Fault('InvalidInput', `${what} is not valid:\n  ${faults.slice(0, maxShownFaults).join('\n  ')}${more}`);
  }
  const prefixes = lines.filter((line) => line !== '');
  if (prefixes.length === 0) throw new Fault('InvalidInput', `${what}: found no prefix, expected one per line`);
  if (prefixes.length > maxListedPrefixes) {
    throw new Fault(
      'InvalidInput',
      `${what}: found ${prefixes.length} prefixes, expected at most ${maxListedPrefixes}`,
    );
  }
  return prefixes;
}

/** Faults of a list that the message names. */
const maxShownFaults = 10;

/** The part of the prefixes under `within`, relative to it, in the order of keys. */
function narrowed(prefixes: readonly string[], within: string): string[] {
  const inside = prefixes.flatMap((prefix) => {
    if (prefix.startsWith(within)) return [prefix.slice(within.length)];
    return within.startsWith(prefix) ? [''] : [];
  });
  return outermost(inside).sort(compareKeys);
}
