import type { Job } from '../model/job.ts';

/** The queue of jobs, from the sender's side. Receiving belongs to whoever runs the consumer (Lambda, the worker). */
export interface JobQueue {
  /** Returns when every job is in the queue; partial failures are sent again inside. @throws Fault `Unavailable` */
  send(jobs: readonly Job[]): Promise<void>;
}

/** Where messages go that no delivery can help, with their reason. */
export interface DeadLetters {
  /**
   * @param body the message as it was received
   * @param reason `<fault name>: <message>`; kept as a message attribute
   */
  bury(body: string, reason: string): Promise<void>;
}

/** When a message that could not be dealt with comes back; without a word it waits out the queue's visibility. */
export interface Redelivery {
  /**
   * @param receipt the receipt handle @param seconds from now, 0 for at once
   * @returns false where the receipt moves nothing any more: the message came a second time, and that delivery has it
   *   or has ended it
   */
  after(receipt: string, seconds: number): Promise<boolean>;

  /** Puts the job into the queue as a new message: for one whose own is gone. */
  requeueJob(job: Job): Promise<void>;
}
