import { Fault } from '../shared/model/faults.ts';

/**
 * The environment variables of a function, read once, whole, and frozen.
 * @param keys every variable that it needs
 * @throws Fault `InvalidInput` naming every one that is missing
 */
export function readEnvironment<Key extends string>(keys: readonly Key[]): Readonly<Record<Key, string>> {
  const missing = keys.filter((key) => (process.env[key] ?? '') === '');
  if (missing.length > 0) throw new Fault('InvalidInput', `environment: missing ${missing.join(', ')}`);
  return Object.freeze(Object.fromEntries(keys.map((key) => [key, process.env[key] ?? ''])) as Record<Key, string>);
}
