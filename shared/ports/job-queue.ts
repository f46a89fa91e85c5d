import type { Job } from '../model/job.ts';
import type { Postponement } from '../model/postponement.ts';

/** The queue of jobs, from the sender's side. Lambda and the worker receive from it in their own ways. */
export interface JobQueue {
  /** Returns once every job is in the queue; partial failures are retried inside. @throws Fault `Unavailable` */
  send(jobs: readonly Job[]): Promise<void>;
}

/** The queue of messages that another delivery would not help, each with its reason. */
export interface DeadLetters {
  /**
   * @param body the message as it was received
   * @param reason `<fault name>: <message>`; kept as a message attribute
   */
  bury(body: string, reason: string): Promise<void>;
}

/** Controls when a failed message is delivered again; by default when the queue's visibility timeout ends. */
export interface Redelivery {
  /**
   * @param receipt the receipt handle
   * @param seconds from now; 0 for immediately
   * @returns false if the receipt no longer controls the message: a second delivery has it, or has deleted it
   */
  after(receipt: string, seconds: number): Promise<boolean>;

  /** Sends a new message, with no receives counted. */
  sendAgain(message: NewMessage): Promise<void>;
}

/** A message that takes the place of a received one. */
export interface NewMessage {
  readonly body: string;
  /** the fair-queue group of the received message */
  readonly group?: string | undefined;
  /** seconds until it can be received, at most 900 (SQS); default 0 */
  readonly delaySeconds?: number;
  /** why it is delayed, for its consumer to read back */
  readonly postponement?: Postponement;
}
