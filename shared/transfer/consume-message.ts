import { asFault, assertNever, Fault } from '../model/faults.ts';
import { decodeJob, encodeJob, unknownTask, withoutHints, type Job } from '../model/job.ts';
import { Held } from '../model/held.ts';
import { judgePostponement, postponedUncounted, type Postponement } from '../model/postponement.ts';
import { keyFilter } from '../model/config/key-filter.ts';
import { forEachConcurrently } from '../flow/concurrently.ts';
import { isS3Notification, parseS3Notification, type ObjectEvent } from '../model/messages/s3-event.ts';
import type { BrokenTask, Task } from '../model/config/task.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeadLetters, Redelivery } from '../ports/job-queue.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Outcome } from '../ports/progress.ts';
import { free, heldBy, type Standing } from '../run/standing.ts';
import { replicatesDeletes } from './decide/choose-route.ts';
import { reasonOf, recordCancelled, recordFailed } from './record.ts';

/** Jobs of one message at once. S3 sends one object per message; a message with thousands must not exhaust memory. */
const jobsAtOnce = 10;

/** A message as a consumer received it. */
export interface Message {
  readonly id: string;
  readonly body: string;
  /** the receipt handle */
  readonly receipt: string;
  /** how many times it was received, including this time */
  readonly receives: number;
  /** its fair-queue group */
  readonly group?: string;
  /** present if its job was postponed before */
  readonly postponement?: Postponement;
}

/** What processing messages needs; the same for Lambda and the EC2 worker. */
export interface Consumer {
  /** Returns every task, for events. */
  tasks(): Promise<readonly (Task | BrokenTask)[]>;
  /** May the job be done now? Without it, every job may. Never throws. */
  standing?(job: Job): Promise<Standing>;
  /** Transfers one object. */
  transfer(job: Job): Promise<Outcome>;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetters;
  readonly redelivery: Redelivery;
  readonly clock: Clock;
  /** the queue's maxReceiveCount */
  readonly maxReceives: number;
  /** how long a job is postponed because of its surroundings before it is given up */
  readonly giveUpAfterSeconds: number;
  /**
   * Is the consumer itself ending (a drain, or the longest time a message may be held)? Then a transient fault is not
   * the job's failure: nothing is recorded, and the consumer returns the message to the queue.
   */
  interrupted?(): boolean;
  /** Called for every message or job that failed. */
  onFault(fault: Fault, what: { readonly message: string; readonly job?: Job; readonly fate: Fate['kind'] }): void;
  /** Called for a job that leaves the queue undone because its run was cancelled. */
  onCancelled?(job: Job): void;
  /** Called when the object of an event was transferred. @param delayMillis since the event */
  onEventDone?(job: Job, delayMillis: number): void;
}

/** A job of a message. */
interface Work {
  readonly job: Job;
  /** when the event happened that it came from, milliseconds since the epoch */
  readonly at?: number | undefined;
}

/** What becomes of a message or job that failed. */
type Fate =
  | { readonly kind: 'buried' }
  | { readonly kind: 'delivered again' }
  | { readonly kind: 'postponed' | 'held'; readonly delaySeconds: number; readonly postponement: Postponement };

/**
 * Processes one message: a job, or an S3 event notification with any number of objects.
 *
 * | the job                                       | the message                                                |
 * |-----------------------------------------------|------------------------------------------------------------|
 * | succeeded                                     | leaves the queue                                           |
 * | cannot succeed until something is changed     | is buried: dead-letter queue, reason in the ledger         |
 * | failed because of its surroundings            | leaves the queue; the job is sent again, with a delay      |
 * | failed so for longer than a day (a setting)   | is buried                                                  |
 * | may not be done now: its task is paused       | leaves the queue; sent again with a delay, nothing counted |
 * | is of a run that was cancelled                | leaves the queue                                           |
 * | may succeed later                             | comes back after a growing delay; reason from failure 2 on |
 * | may succeed later; this was the last delivery | is buried                                                  |
 * | may succeed later; another delivery ended it  | is sent again as a new message                             |
 * | was interrupted: the consumer is ending       | stays with the consumer, which returns it                  |
 *
 * @returns true if the message may leave the queue
 */
export async function consumeMessage(consumer: Consumer, message: Message): Promise<boolean> {
  let work: readonly Work[];
  try {
    work = await jobsOf(consumer, message);
  } catch (error) {
    return handleFailure(consumer, message, asFault(error));
  }
  let leaves = true;
  await forEachConcurrently(work, jobsAtOnce, async (one) => {
    const { job, at } = one;
    try {
      if (!(await mayBeDone(consumer, job))) {
        await recordCancelled(consumer, job);
        consumer.onCancelled?.(job);
        return;
      }
      if (message.receives >= consumer.maxReceives) await recordLastAttempt(consumer, message, job);
      await consumer.transfer(job);
      if (at !== undefined) consumer.onEventDone?.(job, consumer.clock.now() - at);
    } catch (error) {
      if (!(await handleFailure(consumer, message, asFault(error), one))) leaves = false;
    }
  });
  return leaves;
}

/** @returns false if the job's run was cancelled. @throws Held */
async function mayBeDone(consumer: Consumer, job: Job): Promise<boolean> {
  const standing = (await consumer.standing?.(job)) ?? free;
  if (standing.kind === 'held') throw heldBy(standing, consumer.clock.now());
  return standing.kind === 'free';
}

/** The jobs in a message: for an event, one for each task that replicates events of that object. */
async function jobsOf(consumer: Consumer, { body, receives, postponement }: Message): Promise<Work[]> {
  if (!isS3Notification(body)) {
    const job = decodeJob(body);
    // On another delivery, what the run saw is out of date: the first delivery may have done half the work.
    const isFirst = receives === 1 && postponement === undefined;
    return [{ job: isFirst ? job : withoutHints(job), at: postponement?.eventAt }];
  }
  const events = parseS3Notification(body);
  const tasks = events.length === 0 ? [] : await consumer.tasks();
  return events.flatMap((event) =>
    tasks
      .filter((task) => wantsEvent(task, event))
      .map((task) => ({
        job: {
          task: task.name,
          key: event.key,
          action: event.kind === 'created' ? ('copy' as const) : ('delete' as const),
          ...(event.size !== undefined && { size: event.size }),
          ...(event.etag !== undefined && { etag: event.etag }),
        },
        ...(event.at !== undefined && { at: event.at }),
      })),
  );
}

/**
 * Does the task replicate this event? A task whose configuration is invalid may: its job fails with that reason and can
 * be redriven once the configuration is fixed.
 */
export function wantsEvent(task: Task | BrokenTask, event: ObjectEvent): boolean {
  if ('broken' in task) return task.bucket === undefined || task.bucket === event.bucket;
  const { source } = task;
  if (task.events === 'none' || source.bucket !== event.bucket || !event.key.startsWith(source.prefix)) return false;
  if (!keyFilter(task)(event.key)) return false;
  return event.kind === 'created' || replicatesDeletes(task);
}

/** Written before the last delivery's work: if that crashes, the queue buries the message and this is the reason. */
async function recordLastAttempt(consumer: Consumer, message: Message, job: Job): Promise<void> {
  const fault = { name: 'OutOfTime', message: `delivery ${message.receives}, the last, did not finish` };
  await recordFailed(consumer, job, fault, { attempts: message.receives });
}

/**
 * Reports and records a failure, and buries, postpones or delays the message. Never throws: a message for which that
 * fails must not hold up the others of its batch.
 * @returns true if the message may leave the queue
 */
async function handleFailure(consumer: Consumer, message: Message, fault: Fault, work?: Work): Promise<boolean> {
  if (fault.retry !== 'never' && consumer.interrupted?.() === true) return false;
  const job = work?.job;
  const what = { message: message.id, ...(job && { job }) };
  const fate = fateOf(consumer, message, fault);
  consumer.onFault(fault, { ...what, fate: fate.kind });
  try {
    switch (fate.kind) {
      case 'buried':
        await bury(consumer, message, fault, job);
        return true;
      case 'postponed':
      case 'held':
        await postpone(consumer, message, fault, { ...fate, work });
        return true;
      case 'delivered again':
        await deliverAgain(consumer, message, fault, job);
        return false;
      default:
        return assertNever(fate);
    }
  } catch (error) {
    // The message stays in the queue, which delivers it again when its visibility timeout ends, or buries it.
    consumer.onFault(asFault(error), { ...what, fate: 'delivered again' });
    return false;
  }
}

/** Decides what becomes of a message, or a job of it, that failed. */
function fateOf({ maxReceives, giveUpAfterSeconds, clock }: Consumer, message: Message, fault: Fault): Fate {
  if (fault instanceof Held) {
    const { delaySeconds } = fault;
    const postponement = postponedUncounted(message.postponement, clock.now() + delaySeconds * 1000);
    return { kind: 'held', delaySeconds, postponement };
  }
  if (fault.retry === 'never') return { kind: 'buried' };
  if (!fault.ofSurroundings) return { kind: message.receives >= maxReceives ? 'buried' : 'delivered again' };
  const circumstances = { now: clock.now(), giveUpAfterSeconds, random: Math.random() };
  const verdict = judgePostponement(message.postponement, circumstances);
  return verdict.kind === 'given up' ? { kind: 'buried' } : { ...verdict, kind: 'postponed' };
}

/** Sends the job, or a message that could not be read yet, again as a new message. The received one then leaves. */
async function postpone(
  consumer: Consumer,
  message: Message,
  fault: Fault,
  fate: Extract<Fate, { delaySeconds: number }> & { readonly work: Work | undefined },
): Promise<void> {
  const { kind, work, delaySeconds, postponement } = fate;
  await consumer.redelivery.sendAgain({
    body: work ? encodeJob(withoutHints(work.job)) : message.body,
    group: message.group,
    delaySeconds,
    postponement: { ...postponement, ...(work?.at !== undefined && { eventAt: work.at }) },
  });
  // The first failure may be chance. After the second, the ledger says why the object is not there yet.
  const { times } = postponement;
  if (kind !== 'postponed' || !work || times !== 2) return;
  try {
    await recordFailed(consumer, work.job, fault, { attempts: times });
  } catch (error) {
    // The job waits as a new message. If the received one stayed, each of its deliveries would send another, until the
    // queue buries it.
    consumer.onFault(asFault(error), { message: message.id, job: work.job, fate: 'postponed' });
  }
}

/** Lets the message return later. The reason is recorded even if the queue does not answer. */
async function deliverAgain(consumer: Consumer, message: Message, fault: Fault, job: Job | undefined): Promise<void> {
  try {
    const comesBack = await consumer.redelivery.after(message.receipt, redeliverySeconds(message.receives));
    // A concurrent delivery may have looked before this one wrote, and then deleted the message: no other would look.
    if (!comesBack && job) {
      await consumer.redelivery.sendAgain({ body: encodeJob(withoutHints(job)), group: message.group });
    }
  } finally {
    // The first failure may be chance. From the second on, the reason is in the ledger, in case the last delivery
    // cannot write it.
    if (job && message.receives > 1) await recordFailed(consumer, job, fault, { attempts: message.receives });
  }
}

async function bury(consumer: Consumer, message: Message, fault: Fault, job: Job | undefined): Promise<void> {
  const place = job ?? { task: unknownTask, key: `message:${message.id}` };
  const attempts = message.receives + (message.postponement?.times ?? 0);
  await recordFailed(consumer, place, fault, { attempts, final: true });
  // If a notification has several objects, only the failed one is buried.
  await consumer.deadLetters.bury(job ? encodeJob(job) : message.body, reasonOf(fault));
}

/** Seconds until a failed message is delivered again: 15 s, 1 min, 4 min, 15 min. @param receives so far */
export function redeliverySeconds(receives: number): number {
  return Math.min(900, 15 * 4 ** (receives - 1));
}
