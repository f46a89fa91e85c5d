import { Fault } from '../shared/model/faults.ts';
import { decodeJob, unknownTask } from '../shared/model/job.ts';
import type { DeadLetter, RedriveQueues } from '../shared/ports/redrive.ts';

export interface RedriveOptions {
  /** only jobs of this task */
  readonly task?: string;
  /** looks and counts, and brings nothing back */
  readonly dryRun: boolean;
  /** milliseconds since the epoch: what was buried after it failed again, and is left */
  readonly startedAt: number;
}

export interface RedriveReport {
  readonly found: number;
  /** confirmed by the queue of jobs */
  readonly sent: number;
  /** of those, removed from the dead-letter queue; what is not is done twice, which does no harm */
  readonly removed: number;
  /** not chosen, or buried since the command began */
  readonly left: number;
  /** not confirmed by the queue of jobs: they are still in the dead-letter queue */
  readonly failed: number;
  /** of those found, by task; "(unknown)" for events and for what is no job */
  readonly tasks: Readonly<Record<string, number>>;
  /** of those found, by the name of the fault that buried them; "(none)" where nobody said */
  readonly reasons: Readonly<Record<string, number>>;
}

/** Empty receives, one after another, that are taken for the end: SQS may miss messages in one. */
const emptyReceives = 2;

/**
 * Brings dead letters back into the queue of jobs. None is removed before its place there was confirmed, so that
 * whatever breaks on the way leaves it in one of the queues, or in both.
 * @throws Fault of the queues; what was received and not sent by then is given back first
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
  /** held back until the end, so that they are not received again and again */
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
      // From here on they are in the queue of jobs: not to be sent once more, whatever becomes of their removal.
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
 * Looks at every dead letter and gives all of them back. Each is held until the last was seen, or it would be received
 * again and again.
 * @param most letters that may be held
 * @returns false where there are more than that
 */
export async function walkDeadLetters(
  queues: Pick<RedriveQueues, 'receive' | 'release'>,
  most: number,
  visit: (letter: DeadLetter) => void,
): Promise<boolean> {
  const held = new Map<string, DeadLetter>();
  try {
    for (let empty = 0; empty < emptyReceives;) {
      if (held.size >= most) return false;
      const letters = (await queues.receive()).filter(({ id }) => !held.has(id));
      empty = letters.length === 0 ? empty + 1 : 0;
      for (const letter of letters) {
        // Bodies may be long, and are not needed to give the letter back.
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
