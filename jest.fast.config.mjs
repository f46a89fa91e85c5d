import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import config from './jest.config.mjs';

/**
 * `npm run test:fast`: the test files that start no process and no thread, and so need neither bundles nor a template.
 * They are found by what they import, directly or through other modules, so that there is no list to keep up to date.
 */

const starters = /^(?:node:child_process|node:worker_threads|aws-cdk-lib|cdk-nag|eslint|typescript)(?:\/|$)/;
/** Attacks, trials, time limits of requests and bodies of many MiB go on for seconds. */
const slow = ['<rootDir>/test/(?:security|trials|contract|stores|worker|shared/aws/(?:http|credentials))/'];

const statements = /^(?:import|export)\s(?!type\b)(?:[^'";]*?\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)/gm;
const imports = new Map();

/** What a module of the project imports, with paths made absolute. */
function importsOf(file) {
  const known = imports.get(file);
  if (known) return known;
  const names = [...readFileSync(file, 'utf8').matchAll(statements)].map(([, name, dynamic]) => name ?? dynamic);
  const found = names.map((name) => (name.startsWith('.') ? resolve(dirname(file), name) : name));
  imports.set(file, found);
  return found;
}

function startsProcesses(file) {
  const modules = new Set([file]);
  for (const module of modules) {
    if (starters.test(module)) return true;
    if (existsSync(module)) for (const imported of importsOf(module)) modules.add(imported);
  }
  return false;
}

const files = config.testMatch.flatMap((pattern) =>
  globSync(pattern.replace('<rootDir>', import.meta.dirname)).filter((file) => !startsProcesses(file)),
);

export default { ...config, testMatch: files, testPathIgnorePatterns: ['/node_modules/', ...slow] };
