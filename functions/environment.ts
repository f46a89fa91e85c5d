import { Fault } from '../shared/model/faults.ts';

/**
 * Reads the environment variables of a function.
 * @param keys the variables that it needs
 * @returns a frozen object
 * @throws Fault `InvalidInput` that names every missing variable
 */
export function readEnvironment<Key extends string>(keys: readonly Key[]): Readonly<Record<Key, string>> {
  const missing = keys.filter((key) => (process.env[key] ?? '') === '');
  if (missing.length > 0) throw new Fault('InvalidInput', `environment: missing ${missing.join(', ')}`);
  return Object.freeze(Object.fromEntries(keys.map((key) => [key, process.env[key] ?? ''])) as Record<Key, string>);
}
