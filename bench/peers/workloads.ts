import { fileURLToPath } from 'node:url';
import type { MadeUp } from '../store/made-up-bucket.ts';
import type { Invocation } from './measure.ts';

/** Work that S3 Ferry and its peers do in turn. */
export interface Workload {
  readonly name: string;
  readonly what: string;
  readonly store: MadeUp;
  /** how long the store takes for a page of a listing */
  readonly pageDelayMillis?: number;
  /** what `per` counts: keys, objects or bytes in a run */
  readonly amount: number;
  readonly unit: 'key' | 'object' | 'GB';
  readonly mode: 'list' | 'diff' | 'copy';
  /** objects at once */
  readonly atOnce?: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

function relay(name: string, objects: number, bytes: number, atOnce: number): Workload {
  const store = { objects, bytes, changedEach: 0 };
  const isSmall = bytes < MiB;
  return {
    ...{ name, store, mode: 'copy' as const, atOnce, unit: isSmall ? ('object' as const) : ('GB' as const) },
    what: `copy ${objects} objects of ${name.replace('relay-', '')}, ${atOnce} at once`,
    amount: isSmall ? objects : (objects * bytes) / 1e9,
  };
}

function listing(name: string, mode: 'list' | 'diff', objects: number, more: Partial<Workload> = {}): Workload {
  const sides = mode === 'diff' ? 2 : 1;
  return {
    ...{ name, mode, unit: 'key' as const, amount: sides * objects },
    what: `${mode} ${objects} keys${mode === 'diff' ? ' on each side, 1% changed' : ''}`,
    store: { objects, bytes: 1000, changedEach: mode === 'diff' ? 100 : 0 },
    ...more,
  };
}

export const workloads: readonly Workload[] = [
  listing('list', 'list', 400_000),
  listing('list-60ms', 'list', 100_000, { pageDelayMillis: 60, what: 'list 100,000 keys, 60 ms a page' }),
  listing('diff', 'diff', 400_000),
  relay('relay-4KiB', 10_000, 4 * KiB, 32),
  relay('relay-1MiB', 1000, MiB, 16),
  relay('relay-8MiB', 250, 8 * MiB, 4),
  relay('relay-1GiB', 2, GiB, 1),
];

const ferryFile = fileURLToPath(new URL('ferry.ts', import.meta.url));

/** S3 Ferry's command for a workload. @param endpoint of the store */
export function ferry({ mode, atOnce = 1 }: Workload, endpoint: string): Invocation {
  return { command: process.execPath, args: [ferryFile, mode, endpoint, String(atOnce)] };
}

/** rclone's. Both sides are stores of their own to it, so that it relays as S3 Ferry does. */
export function rclone({ mode, atOnce = 1 }: Workload, endpoint: string): Invocation {
  const remote = (name: string): Record<string, string> => ({
    [`RCLONE_CONFIG_${name}_TYPE`]: 's3',
    [`RCLONE_CONFIG_${name}_PROVIDER`]: 'Other',
    [`RCLONE_CONFIG_${name}_ENDPOINT`]: endpoint,
    [`RCLONE_CONFIG_${name}_ACCESS_KEY_ID`]: 'AKIAIOSFODNN7EXAMPLE',
    [`RCLONE_CONFIG_${name}_SECRET_ACCESS_KEY`]: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    [`RCLONE_CONFIG_${name}_REGION`]: 'us-east-1',
    [`RCLONE_CONFIG_${name}_FORCE_PATH_STYLE`]: 'true',
  });
  const environment = { ...remote('FROM'), ...remote('TO'), RCLONE_CONFIG: '/dev/null' };
  const options = [
    '--transfers',
    String(atOnce),
    '--checkers',
    '32',
    '--s3-no-check-bucket',
    '--checksum',
    '--fast-list',
  ];
  const verbs = {
    list: ['lsf', '-R', 'from:source'],
    diff: ['copy', '--dry-run', '--quiet', 'from:source', 'to:destination'],
    copy: ['copy', 'from:source', 'to:destination'],
  };
  return { command: 'rclone', args: [...verbs[mode], ...options], environment };
}
