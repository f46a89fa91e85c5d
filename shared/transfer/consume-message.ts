import { asFault, Fault } from '../model/faults.ts';
import { decodeJob, encodeJob, unknownTask, withoutHints, type Job } from '../model/job.ts';
import { keyFilter } from '../model/config/key-filter.ts';
import { forEachConcurrently } from '../flow/concurrently.ts';
import { isS3Notification, parseS3Notification, type ObjectEvent } from '../model/messages/s3-event.ts';
import type { BrokenTask, Task } from '../model/config/task.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeadLetters, Redelivery } from '../ports/job-queue.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Outcome } from '../ports/progress.ts';
import { replicatesDeletes } from './decide/choose-route.ts';
import { reasonOf, recordFailed } from './record.ts';

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
}

/** What processing messages needs; the same for Lambda and the EC2 worker. */
export interface Consumer {
  /** Returns every task, for events. */
  tasks(): Promise<readonly (Task | BrokenTask)[]>;
  /** Transfers one object. */
  transfer(job: Job): Promise<Outcome>;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetters;
  readonly redelivery: Redelivery;
  readonly clock: Clock;
  /** the queue's maxReceiveCount */
  readonly maxReceives: number;
  /**
   * Is the consumer itself ending (a drain, or the longest time a message may be held)? Then a transient fault is not
   * the job's failure: nothing is recorded, and the consumer returns the message to the queue.
   */
  interrupted?(): boolean;
  /** Called for every message or job that failed. @param what.final whether it goes to the dead-letter queue */
  onFault(fault: Fault, what: { readonly message: string; readonly job?: Job; readonly final: boolean }): void;
  /** Called when the object of an event was transferred. @param delayMillis since the event */
  onEventDone?(job: Job, delayMillis: number): void;
}

/**
 * Processes one message: a job, or an S3 event notification with any number of objects.
 *
 * | the job                                       | the message                                                |
 * |-----------------------------------------------|------------------------------------------------------------|
 * | succeeded                                     | leaves the queue                                           |
 * | cannot succeed until something is changed     | is buried: dead-letter queue, reason in the ledger |
 * | may succeed later                             | comes back after a growing delay; reason from failure 2 on |
 * | may succeed later; this was the last delivery | is buried                                                  |
 * | may succeed later; another delivery ended it  | is sent again as a new message                             |
 * | was interrupted: the consumer is ending       | stays with the consumer, which returns it                  |
 *
 * @returns true if the message may leave the queue
 */
export async function consumeMessage(consumer: Consumer, message: Message): Promise<boolean> {
  let work: readonly { readonly job: Job; readonly at?: number }[];
  try {
    work = await jobsOf(consumer, message);
  } catch (error) {
    return handleFailure(consumer, message, asFault(error));
  }
  let leaves = true;
  await forEachConcurrently(work, jobsAtOnce, async ({ job, at }) => {
    try {
      if (message.receives >= consumer.maxReceives) await recordLastAttempt(consumer, message, job);
      await consumer.transfer(job);
      if (at !== undefined) consumer.onEventDone?.(job, consumer.clock.now() - at);
    } catch (error) {
      if (!(await handleFailure(consumer, message, asFault(error), job))) leaves = false;
    }
  });
  return leaves;
}

/** The jobs in a message: for an event, one for each task that replicates events of that object. */
async function jobsOf(consumer: Consumer, { body, receives }: Message): Promise<{ job: Job; at?: number }[]> {
  if (!isS3Notification(body)) {
    const job = decodeJob(body);
    // On a second delivery, what the run saw is out of date: the first delivery may have done half the work.
    return [{ job: receives > 1 ? withoutHints(job) : job }];
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
  const fault = { name: 'Unavailable', message: `delivery ${message.receives}, the last, did not finish` };
  await recordFailed(consumer, job, fault, { attempts: message.receives });
}

/**
 * Reports and records a failure, and buries the message or delays it. Never throws: a message for which that fails must
 * not hold up the others of its batch.
 * @returns true if the message was buried and may leave the queue
 */
async function handleFailure(consumer: Consumer, message: Message, fault: Fault, job?: Job): Promise<boolean> {
  if (fault.retry !== 'never' && consumer.interrupted?.() === true) return false;
  const final = fault.retry === 'never' || message.receives >= consumer.maxReceives;
  const what = { message: message.id, ...(job && { job }) };
  consumer.onFault(fault, { ...what, final });
  try {
    if (final) await bury(consumer, message, fault, job);
    else await delay(consumer, message, fault, job);
    return final;
  } catch (error) {
    // The message stays in the queue, which delivers it again when its visibility timeout ends, or buries it.
    consumer.onFault(asFault(error), { ...what, final: false });
    return false;
  }
}

/** Lets the message return later. The reason is recorded even if the queue does not answer. */
async function delay(consumer: Consumer, message: Message, fault: Fault, job: Job | undefined): Promise<void> {
  try {
    const comesBack = await consumer.redelivery.after(message.receipt, redeliverySeconds(message.receives));
    // A concurrent delivery may have looked before this one wrote, and then deleted the message: no other would look.
    if (!comesBack && job) await consumer.redelivery.requeueJob(withoutHints(job));
  } finally {
    // The first failure may be chance. From the second on, the reason is in the ledger, in case the last delivery
    // cannot write it.
    if (job && message.receives > 1) await recordFailed(consumer, job, fault, { attempts: message.receives });
  }
}

async function bury(consumer: Consumer, message: Message, fault: Fault, job: Job | undefined): Promise<void> {
  const place = job ?? { task: unknownTask, key: `message:${message.id}` };
  await recordFailed(consumer, place, fault, { attempts: message.receives });
  // If a notification has several objects, only the failed one is buried.
  await consumer.deadLetters.bury(job ? encodeJob(job) : message.body, reasonOf(fault));
}

/** Seconds until a failed message is delivered again: 15 s, 1 min, 4 min, 15 min. @param receives so far */
export function redeliverySeconds(receives: number): number {
  return Math.min(900, 15 * 4 ** (receives - 1));
}
