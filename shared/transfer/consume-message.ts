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

/** Jobs of one message at once. S3 tells of one object a message; one that tells of thousands must not fill the memory. */
const jobsAtOnce = 10;

/** A message as a consumer received it. */
export interface Message {
  readonly id: string;
  readonly body: string;
  /** the receipt handle */
  readonly receipt: string;
  /** how often it was received, this time included */
  readonly receives: number;
}

/** What dealing with messages needs from outside; the same for Lambda and the EC2 worker. */
export interface Consumer {
  /** every task, for events */
  tasks(): Promise<readonly (Task | BrokenTask)[]>;
  /** does one job to its end */
  transfer(job: Job): Promise<Outcome>;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetters;
  readonly redelivery: Redelivery;
  readonly clock: Clock;
  /** the queue's maxReceiveCount */
  readonly maxReceives: number;
  /**
   * Is it the consumer itself that is ending (a drain, the longest time a message may be held)? Then a fault that may
   * pass is no failure of the job: nothing is recorded and the message is the consumer's to give back.
   */
  interrupted?(): boolean;
  /** told of every message or job that did not succeed */
  onFault(fault: Fault, what: { readonly message: string; readonly job?: Job; readonly final: boolean }): void;
  /** told how long after its event an object was done, milliseconds */
  onEventDone?(job: Job, delay: number): void;
}

/**
 * Deals with one message: a job, or a notification of S3 with any number of objects.
 *
 * | the job                               | the message                                               |
 * |---------------------------------------|-----------------------------------------------------------|
 * | ended well                            | leaves the queue                                          |
 * | can never succeed as things are       | goes to the dead-letter queue now, its reason in the ledger |
 * | may succeed later                     | comes back after a delay that grows; from the second failure on with its reason in the ledger |
 * | may succeed later, but this was the last delivery | like one that can never succeed               |
 * | may succeed later, and the message is gone: it came twice | goes into the queue as a new one      |
 * | was left because the consumer ends    | stays with the consumer, which gives it back              |
 *
 * @returns true where the message may leave the queue
 */
export async function consumeMessage(consumer: Consumer, message: Message): Promise<boolean> {
  let work: readonly { readonly job: Job; readonly at?: number }[];
  try {
    work = await jobsOf(consumer, message);
  } catch (error) {
    return failed(consumer, message, asFault(error));
  }
  let leaves = true;
  await forEachConcurrently(work, jobsAtOnce, async ({ job, at }) => {
    try {
      if (message.receives >= consumer.maxReceives) await recordLastAttempt(consumer, message, job);
      await consumer.transfer(job);
      if (at !== undefined) consumer.onEventDone?.(job, consumer.clock.now() - at);
    } catch (error) {
      if (!(await failed(consumer, message, asFault(error), job))) leaves = false;
    }
  });
  return leaves;
}

/** The jobs in a message; for an event, one for each task that replicates events of that object. */
async function jobsOf(consumer: Consumer, { body, receives }: Message): Promise<{ job: Job; at?: number }[]> {
  if (!isS3Notification(body)) {
    const job = decodeJob(body);
    // What a run saw is old news on a second delivery: the first may have done half of the work.
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
 * Does the task replicate this event? One that cannot be read may: its job fails with the reason, and is there to be
 * redriven once the task is mended.
 */
export function wantsEvent(task: Task | BrokenTask, event: ObjectEvent): boolean {
  if ('broken' in task) return task.bucket === undefined || task.bucket === event.bucket;
  const { source } = task;
  if (task.events === 'none' || source.bucket !== event.bucket || !event.key.startsWith(source.prefix)) return false;
  if (!keyFilter(task)(event.key)) return false;
  return event.kind === 'created' || replicatesDeletes(task);
}

/** Should this delivery end without a word (a crash), the queue buries the message and this is its reason. */
async function recordLastAttempt(consumer: Consumer, message: Message, job: Job): Promise<void> {
  const fault = { name: 'Unavailable', message: `delivery ${message.receives}, the last, did not come to an end` };
  await recordFailed(consumer, job, fault, { attempts: message.receives });
}

/**
 * Sees to what failed. Never throws: one message that cannot be put aside must not hold up the others of its batch.
 * @returns true where the message was buried and may leave the queue
 */
async function failed(consumer: Consumer, message: Message, fault: Fault, job?: Job): Promise<boolean> {
  if (fault.retry !== 'never' && consumer.interrupted?.() === true) return false;
  const final = fault.retry === 'never' || message.receives >= consumer.maxReceives;
  const what = { message: message.id, ...(job && { job }) };
  consumer.onFault(fault, { ...what, final });
  try {
    if (final) await bury(consumer, message, fault, job);
    else {
      const comesBack = await consumer.redelivery.after(message.receipt, redeliveryDelay(message.receives));
      // Another delivery of it may have looked before this one wrote, and ended the message: nobody would look again.
      if (!comesBack && job) await consumer.redelivery.requeueJob(withoutHints(job));
      // Once may be chance. From the second time on the ledger tells why, should the last delivery find no ledger.
      if (job && message.receives > 1) await recordFailed(consumer, job, fault, { attempts: message.receives });
    }
    return final;
  } catch (error) {
    // It stays in the queue, which delivers it again when its visibility ends, or buries it.
    consumer.onFault(asFault(error), { ...what, final: false });
    return false;
  }
}

async function bury(consumer: Consumer, message: Message, fault: Fault, job: Job | undefined): Promise<void> {
  const place = job ?? { task: unknownTask, key: `message:${message.id}` };
  await recordFailed(consumer, place, fault, { attempts: message.receives });
  // Of a notification with several objects, only the one that failed is buried.
  await consumer.deadLetters.bury(job ? encodeJob(job) : message.body, reasonOf(fault));
}

/** Seconds until a failed message comes back: 15 s, 1 min, 4 min, 15 min. @param receives so far */
export function redeliveryDelay(receives: number): number {
  return Math.min(900, 15 * 4 ** (receives - 1));
}
