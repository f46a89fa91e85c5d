import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The kept inputs: one for each outcome of a target. */

const directory = join(import.meta.dirname, 'corpus');
/** Bytes of an input, and inputs of a target, that are kept. */
const maxKept = 4096;
const maxInputs = 32;

/** The kept inputs of a target, in the order of their names. */
export function corpusOf(target: string): Buffer[] {
  const own = join(directory, target);
  if (!existsSync(own)) return [];
  return readdirSync(own)
    .sort()
    .map((name) => readFileSync(join(own, name)));
}

/** Keeps an input. @returns false if it is too long, or the target has enough inputs */
export function keep(target: string, input: Buffer): boolean {
  const own = join(directory, target);
  mkdirSync(own, { recursive: true });
  if (input.length > maxKept || readdirSync(own).length >= maxInputs) return false;
  writeFileSync(join(own, createHash('sha256').update(input).digest('hex').slice(0, 16)), input);
  return true;
}
