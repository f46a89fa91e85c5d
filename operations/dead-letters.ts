import { Fault } from '../shared/model/faults.ts';
import { decodeJob, unknownTask } from '../shared/model/job.ts';
import type { DeadLetter, RedriveQueues } from '../shared/ports/redrive.ts';

export interface RedriveOptions {
  /** only jobs of this task */
  readonly task?: string;
  /** reads and counts the messages, and moves none */
  readonly dryRun: boolean;
  /** milliseconds since the epoch: a message that was buried later has failed again, and stays */
  readonly startedAt: number;
}

export interface RedriveReport {
  readonly found: number;
  /** confirmed by the job queue */
  readonly sent: number;
  /** of those, removed from the dead-letter queue; a job that was not removed is delivered twice, which does no harm */
  readonly removed: number;
  /** not chosen, or buried after the command started */
  readonly left: number;
  /** not confirmed by the job queue: still in the dead-letter queue */
  readonly failed: number;
  /** of those found, by task; "(unknown)" for events and for messages that are not jobs */
  readonly tasks: Readonly<Record<string, number>>;
  /** of those found, by the name of the fault that buried them; "(none)" if there is no reason */
  readonly reasons: Readonly<Record<string, number>>;
}

/** The queue counts as empty after this many empty receives in a row: SQS may miss messages in one. */
const emptyReceives = 2;

/**
 * Moves dead letters back to the job queue. A letter is removed only after the job queue confirmed it, so after any
 * failure it is in one of the queues, or in both.
 * @throws Fault of the queues, after it has released the letters that were received and not sent
 */
export async function redrive(queues: RedriveQueues, options: RedriveOptions): Promise<RedriveReport> {
  const counts = { found: 0, sent: 0, removed: 0, left: 0, failed: 0 };
  const tasks = new Map<string, number>();
  const reasons = new Map<string, number>();
  const count = (letter: DeadLetter): void => {
    counts.found++;
    add(tasks, taskOf(letter));
    add(reasons, /^\w+(?=:)/.exec(letter.reason ?? '')?.[0] ?? '(none)');
  };
  if (options.dryRun) {
    await walkDeadLetters(queues, Infinity, count);
    return { ...counts, left: counts.found, tasks: Object.fromEntries(tasks), reasons: Object.fromEntries(reasons) };
  }
  /** held until the end, so that they are not received again and again */
  const held = new Map<string, DeadLetter>();
  const done = new Set<string>();
  try {
    for (let empty = 0; empty < emptyReceives;) {
      const letters = (await queues.receive()).filter(({ id }) => !held.has(id) && !done.has(id));
      empty = letters.length === 0 ? empty + 1 : 0;
      for (const letter of letters) {
        held.set(letter.id, letter);
        count(letter);
      }
      const chosen = letters.filter((letter) => isChosen(letter, options));
      counts.left += letters.length - chosen.length;
      if (chosen.length === 0) continue;

      const sent = await queues.send(chosen);
      counts.sent += sent.size;
      counts.failed += chosen.length - sent.size;
      // They are in the job queue now, and must not be sent again even if their removal fails.
      for (const id of sent) {
        held.delete(id);
        done.add(id);
      }
      const removed = await queues.remove(chosen.filter(({ id }) => sent.has(id)));
      counts.removed += removed.size;
    }
  } finally {
    await queues.release([...held.values()]);
  }
  return { ...counts, tasks: Object.fromEntries(tasks), reasons: Object.fromEntries(reasons) };
}

/**
 * Reads every dead letter, and releases all of them at the end. Until then each is held, or it would be received again
 * and again.
 * @param maxHeld letters that may be held
 * @returns false if there are more
 */
export async function walkDeadLetters(
  queues: Pick<RedriveQueues, 'receive' | 'release'>,
  maxHeld: number,
  visit: (letter: DeadLetter) => void,
): Promise<boolean> {
  const held = new Map<string, DeadLetter>();
  try {
    for (let empty = 0; empty < emptyReceives;) {
      if (held.size >= maxHeld) return false;
      const letters = (await queues.receive()).filter(({ id }) => !held.has(id));
      empty = letters.length === 0 ? empty + 1 : 0;
      for (const letter of letters) {
        // The body may be long, and a release does not need it.
        held.set(letter.id, { ...letter, body: '' });
        visit(letter);
      }
    }
    return true;
  } finally {
    await queues.release([...held.values()]);
  }
}

function isChosen(letter: DeadLetter, { task, startedAt }: RedriveOptions): boolean {
  return letter.sentAt <= startedAt && (task === undefined || taskOf(letter) === task);
}

function taskOf({ body }: DeadLetter): string {
  try {
    return decodeJob(body).task;
  } catch (error) {
    if (error instanceof Fault) return unknownTask;
    throw error;
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
