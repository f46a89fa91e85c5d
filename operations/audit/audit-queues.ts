import { isFault } from '../../shared/model/faults.ts';
import { decodeJob, type Job } from '../../shared/model/job.ts';
import { isS3Notification, parseS3Notification } from '../../shared/model/messages/s3-event.ts';
import type { Task } from '../../shared/model/config/task.ts';
import type { DeadLetter } from '../../shared/ports/redrive.ts';
import { wantsEvent } from '../../shared/transfer/consume-message.ts';
import { walkDeadLetters } from '../dead-letters.ts';
import type { AuditContext } from './context.ts';
import type { Finding } from './finding.ts';
import { formatTime } from './format.ts';

/** The messages in the queues, as far as an audit can know them. */
export interface QueueCounts {
  readonly waiting: number;
  readonly inFlight: number;
  /** dead letters of this task */
  readonly deadLetters: number;
}

/** Dead letters that are read. Each is held until the last was read, and SQS allows 120,000 in flight. */
const maxLetters = 20_000;

/**
 * Counts the jobs, and reads the dead letters. Jobs are not received, because each receive counts as one of the five
 * deliveries of a job.
 */
export async function auditQueues(context: AuditContext): Promise<QueueCounts> {
  const { waiting: visible, delayed, inFlight } = await context.jobs.depth();
  const waiting = visible + delayed;
  if (context.hasOtherTasks) {
    if (waiting + inFlight > 0) {
      context.found({
        kind: 'queue-busy',
        seen: `${waiting} messages wait and ${inFlight} are in flight, for all tasks`,
      });
    }
  } else {
    if (waiting > 0) context.found({ kind: 'jobs-waiting', seen: `${waiting} messages wait` });
    if (inFlight > 0) context.found({ kind: 'jobs-in-flight', seen: `${inFlight} messages are in flight` });
  }
  return { waiting, inFlight, deadLetters: await lookAtDeadLetters(context) };
}

async function lookAtDeadLetters(context: AuditContext): Promise<number> {
  const before = await context.deadLetters.depth();
  let unknown = 0;
  let own = 0;
  const complete = await walkDeadLetters(context.letters, maxLetters, (letter) => {
    const { findings, known } = judgeLetter(context.task, letter);
    for (const finding of findings) context.found(finding);
    if (findings.length > 0) own++;
    if (!known) unknown++;
  });
  if (unknown > 0) context.found({ kind: 'dead-letters-unknown', seen: `${unknown} dead letters name no task` });
  if (before.inFlight > 0) {
    const holder = 'another command (a redrive or an audit), for five minutes at most';
    const seen = `${before.inFlight} dead letters are held by ${holder}`;
    context.found({ kind: 'not-compared', seen });
  }
  if (!complete) {
    const seen = `there are more than ${maxLetters} dead letters; the rest was not read`;
    context.found({ kind: 'not-compared', seen });
  }
  return own;
}

/** The findings of a dead letter for the task. `known` is false if the letter names no task. */
export function judgeLetter(task: Task, letter: DeadLetter): { findings: Finding[]; known: boolean } {
  const jobs = jobsIn(task, letter.body);
  if (!jobs) return { findings: [], known: false };
  const why = letter.reason ?? 'no reason was given: its last delivery ended without an answer';
  return {
    findings: jobs
      .filter((job) => job.task === task.name)
      .map(({ key, action }) => ({
        kind: 'dead-letter',
        key,
        seen: `a job to ${action} it was buried ${formatTime(letter.sentAt)}: ${why}`,
      })),
    known: true,
  };
}

/** The jobs that a message stands for; for an event, those of this task. Undefined if the message is neither. */
function jobsIn(task: Task, body: string): Pick<Job, 'task' | 'key' | 'action'>[] | undefined {
  try {
    if (!isS3Notification(body)) return [decodeJob(body)];
    const events = parseS3Notification(body).filter((event) => wantsEvent(task, event));
    if (events.length === 0) return undefined;
    return events.map(({ key, kind }) => ({ task: task.name, key, action: kind === 'created' ? 'copy' : 'delete' }));
  } catch (error) {
    if (!isFault(error, 'InvalidInput')) throw error;
    return undefined;
  }
}
