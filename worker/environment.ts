import { Fault } from '../shared/model/faults.ts';
import { maxReceives } from '../shared/model/limits.ts';

/** Environment variables of the worker: the systemd unit sets them, the processes read them, --help lists them. */

interface Text {
  readonly meaning: string;
  /** if undefined, the variable is required */
  readonly default?: string;
}

interface Count {
  readonly meaning: string;
  /** a number, or the property of the machine that it comes from */
  readonly default: number | 'processors' | 'half of the memory';
  readonly least: number;
  readonly most: number;
}

const texts = {
  TASKS_PATH: { meaning: 'path of the task parameters, with a trailing slash' },
  LEDGER_TABLE: { meaning: 'name of the ledger table' },
  QUEUE_URL: { meaning: 'URL of the queue of jobs' },
  EVENTS_QUEUE_URL: { meaning: 'URL of the queue of S3 events; "none" to take jobs only', default: 'none' },
  DEAD_LETTER_QUEUE_URL: { meaning: 'URL of the dead-letter queue' },
  METADATA_URL: {
    meaning: 'URL of the instance metadata service; "none" to watch for no spot notice',
    default: 'http://169.254.169.254',
  },
  HEALTH_FILE: {
    meaning: 'file that reports the state of all processes every few seconds; "none" to write no file',
    default: 'none',
  },
} as const satisfies Record<string, Text>;

const counts = {
  MAX_RECEIVES: { meaning: "the queue's maxReceiveCount", default: maxReceives, least: 1, most: 1000 },
  GIVE_UP_AFTER_SECONDS: {
    meaning: 'seconds for which a job is tried again while a store, a service or a credential fails',
    default: 86_400,
    least: 1,
    most: 1_209_600,
  },
  PROCESSES: { meaning: 'processes that move objects', default: 'processors', least: 1, most: 512 },
  MEMORY_MIB: {
    meaning: 'memory for object bodies in all processes together, MiB; Node takes about 150 more per process',
    default: 'half of the memory',
    least: 64,
    most: 1_048_576,
  },
  // (16 + 4) x 8 requests stay below the 200 sockets that a process keeps to one store.
  OBJECTS_AT_ONCE: { meaning: 'messages that one process works on at once', default: 16, least: 1, most: 1000 },
  EVENTS_AT_ONCE: { meaning: 'S3 events that one process works on beside them', default: 4, least: 1, most: 1000 },
  PARTS_AT_ONCE: { meaning: 'parts of one object that are sent at once', default: 8, least: 1, most: 1000 },
  VISIBILITY_SECONDS: {
    meaning: 'seconds after which the message of a killed process is delivered again',
    default: 300,
    least: 1,
    most: 43_200,
  },
  // The largest part, 5 GiB, takes an hour at 12 Mbit/s.
  JOB_TIMEOUT_SECONDS: {
    meaning: 'seconds without progress (no part arrives) after which a job is given up',
    default: 3600,
    least: 1,
    most: 43_200,
  },
  // SQS allows a hold of 12 hours; the last hour is for the parts in flight. The core starts no part in the last minute
  // before a deadline, so a hold of one minute would allow no work.
  MAX_HOLD_SECONDS: {
    meaning: 'seconds that a message is held before its object continues as a new message',
    default: 39_600,
    least: 61,
    most: 42_000,
  },
  // A spot notice arrives two minutes before the end.
  DRAIN_SECONDS: {
    meaning: 'seconds that parts in flight may take once a drain began',
    default: 90,
    least: 1,
    most: 3600,
  },
  METRICS_SECONDS: { meaning: 'seconds between two metric lines', default: 60, least: 1, most: 3600 },
  NOTICE_SECONDS: { meaning: 'seconds between two checks for a spot notice', default: 5, least: 1, most: 60 },
} as const satisfies Record<string, Count>;

type TextKey = keyof typeof texts;
type CountKey = keyof typeof counts;

/** The required variables. */
export const requiredKeys = ['TASKS_PATH', 'LEDGER_TABLE', 'QUEUE_URL', 'DEAD_LETTER_QUEUE_URL'] as const;

/** Name of a variable. */
export type WorkerKey = TextKey | CountKey;

export type WorkerEnvironment = Readonly<Record<TextKey, string> & Record<CountKey, number>>;

/** The properties of the machine that defaults come from. */
export interface Machine {
  readonly processors: number;
  readonly memoryBytes: number;
}

/**
 * @param source variables; an empty one counts as not set
 * @throws Fault `InvalidInput` that names every missing or wrong variable, what was found and what was expected
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
  if (faults.length > 0)
    throw new Fault('InvalidInput', `environment: ${faults.join('; ')} (--help lists all variables)`);
  return Object.freeze(read) as WorkerEnvironment;
}

function defaultOf({ default: value, least, most }: Count, { processors, memoryBytes }: Machine): number {
  if (value === 'processors') return processors;
  if (value === 'half of the memory') return Math.min(most, Math.max(least, Math.floor(memoryBytes / 2 / 1024 ** 2)));
  return value;
}

/** The text that --help prints. */
export function helpText(): string {
  const line = (key: string, { meaning, default: value }: Text | Count): string =>
    `  ${key.padEnd(22)} ${meaning} (${value === undefined ? 'required' : `default: ${value}`})`;
  return [
    'Usage: node index.mjs [--help]',
    '',
    'Takes jobs of any size from the queue and moves their objects on this machine. After SIGTERM, SIGINT or a spot',
    'notice it finishes the parts in flight and gives all other work back to the queue. Exit codes: 0 it was stopped,',
    '2 a variable is missing or wrong.',
    '',
    'Environment variables, in addition to those of the AWS SDK and to HTTPS_PROXY, HTTP_PROXY, NO_PROXY and',
    'AWS_CA_BUNDLE:',
    ...Object.entries<Text>(texts).map(([key, text]) => line(key, text)),
    ...Object.entries<Count>(counts).map(([key, count]) => line(key, count)),
    '',
  ].join('\n');
}
