import { Fault } from '../shared/model/faults.ts';
import { maxReceives } from '../shared/model/limits.ts';

/** Environment variables of the worker: written once, set by its systemd unit, read by its processes, told by --help. */

interface Text {
  readonly meaning: string;
  /** without one the variable must be set */
  readonly default?: string;
}

interface Count {
  readonly meaning: string;
  /** a number; or what it is taken from, which only the machine itself knows */
  readonly default: number | 'processors' | 'half of the memory';
  readonly least: number;
  readonly most: number;
}

const texts = {
  TASKS_PATH: { meaning: 'path of the task parameters, with a slash at its end' },
  LEDGER_TABLE: { meaning: 'name of the ledger table' },
  QUEUE_URL: { meaning: 'URL of the queue of jobs' },
  DEAD_LETTER_QUEUE_URL: { meaning: 'URL of the dead-letter queue' },
  METADATA_URL: {
    meaning: 'where the instance metadata service is; "none" where there is none, and so no spot notice',
    default: 'http://169.254.169.254',
  },
  HEALTH_FILE: {
    meaning: 'file that is told every few seconds how all processes are; "none": nowhere',
    default: 'none',
  },
} as const satisfies Record<string, Text>;

const counts = {
  MAX_RECEIVES: { meaning: "the queue's maxReceiveCount", default: maxReceives, least: 1, most: 1000 },
  PROCESSES: { meaning: 'processes that move objects', default: 'processors', least: 1, most: 512 },
  MEMORY_MIB: {
    meaning: 'memory for bodies of all processes together, MiB; Node itself takes about 150 a process besides',
    default: 'half of the memory',
    least: 64,
    most: 1_048_576,
  },
  // 16 x 8 requests stay below the 200 sockets that a process keeps to one store.
  OBJECTS_AT_ONCE: { meaning: 'messages that one process has in hand at once', default: 16, least: 1, most: 1000 },
  PARTS_AT_ONCE: { meaning: 'parts of one object at once', default: 8, least: 1, most: 1000 },
  VISIBILITY_SECONDS: {
    meaning: 'after how long the message of a process that was killed comes back',
    default: 300,
    least: 1,
    most: 43_200,
  },
  // The largest part, 5 GiB, takes an hour at 12 Mbit/s.
  JOB_TIMEOUT_SECONDS: {
    meaning: 'how long a job may make no progress (no part arrives) before it is given up',
    default: 3600,
    least: 1,
    most: 43_200,
  },
  // SQS lets nobody hold a message for more than 12 hours; the parts in flight need the last one. The core begins no
  // part in the last minute, so that a minute would be none.
  MAX_HOLD_SECONDS: {
    meaning: 'how long a message is held before its object goes on as a new message',
    default: 39_600,
    least: 61,
    most: 42_000,
  },
  // A spot notice comes two minutes before the end.
  DRAIN_SECONDS: { meaning: 'how long parts in flight may take once a drain began', default: 90, least: 1, most: 3600 },
  METRICS_SECONDS: { meaning: 'between two metric lines', default: 60, least: 1, most: 3600 },
  NOTICE_SECONDS: { meaning: 'between two looks for a spot notice', default: 5, least: 1, most: 60 },
} as const satisfies Record<string, Count>;

type TextKey = keyof typeof texts;
type CountKey = keyof typeof counts;

/** Every variable that must be set. */
export const requiredKeys = ['TASKS_PATH', 'LEDGER_TABLE', 'QUEUE_URL', 'DEAD_LETTER_QUEUE_URL'] as const;

/** Names of the variables: a key that is not one does not compile. */
export type WorkerKey = TextKey | CountKey;

export type WorkerEnvironment = Readonly<Record<TextKey, string> & Record<CountKey, number>>;

/** What the defaults are taken from. */
export interface Machine {
  readonly processors: number;
  /** bytes */
  readonly memory: number;
}

/**
 * @param source variables; empty counts as not set
 * @throws Fault `InvalidInput` naming every variable that is missing or wrong, what was found and what was expected
 */
export function readWorkerEnvironment(
  source: Readonly<Record<string, string | undefined>>,
  machine: Machine,
): WorkerEnvironment {
  const faults: string[] = [];
  const given = (key: string): string | undefined => (source[key] === '' ? undefined : source[key]);
  const read: Record<string, string | number> = {};
  for (const [key, text] of Object.entries<Text>(texts)) {
    const value = given(key) ?? text.default;
    if (value === undefined) faults.push(`${key}: is missing, expected the ${text.meaning}`);
    else read[key] = value;
  }
  for (const [key, count] of Object.entries<Count>(counts)) {
    const found = given(key);
    const value = found === undefined ? defaultOf(count, machine) : /^[0-9]+$/.test(found) ? Number(found) : NaN;
    if (value >= count.least && value <= count.most) read[key] = value;
    else faults.push(`${key}: found "${found ?? value}", expected a whole number from ${count.least} to ${count.most}`);
  }
  if (faults.length > 0) throw new Fault('InvalidInput', `environment: ${faults.join('; ')} (--help tells of all)`);
  return Object.freeze(read) as WorkerEnvironment;
}

function defaultOf({ default: value, least, most }: Count, { processors, memory }: Machine): number {
  if (value === 'processors') return processors;
  if (value === 'half of the memory') return Math.min(most, Math.max(least, Math.floor(memory / 2 / 1024 ** 2)));
  return value;
}

/** The text of --help. */
export function helpText(): string {
  const line = (key: string, { meaning, default: value }: Text | Count): string =>
    `  ${key.padEnd(22)} ${meaning} (${value === undefined ? 'required' : `default: ${value}`})`;
  return [
    'Usage: node index.mjs [--help]',
    '',
    'Takes jobs of any size from the queue and moves their objects in this machine, until SIGTERM or SIGINT, or a spot',
    'notice: then the parts in flight are ended and everything else goes back to the queue. Exit codes: 0 it was ended,',
    '2 a variable is missing or wrong.',
    '',
    'Environment variables, besides those of the AWS SDK:',
    ...Object.entries<Text>(texts).map(([key, text]) => line(key, text)),
    ...Object.entries<Count>(counts).map(([key, count]) => line(key, count)),
    '',
  ].join('\n');
}
