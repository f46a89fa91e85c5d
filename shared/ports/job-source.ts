import type { Postponement } from '../model/postponement.ts';
import type { Redelivery } from './job-queue.ts';

/** A received message. */
export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  /** the receipt handle */
  readonly receipt: string;
  /** how many times it was received, including this time */
  readonly receives: number;
  /** the fair-queue group it was sent with */
  readonly group?: string;
  readonly postponement?: Postponement;
}

/** The queue of jobs, from the side of a consumer that polls it. */
export interface JobSource extends Redelivery {
  /**
   * Waits for messages: one long poll.
   * @param most messages, 1 to 10
   * @returns an empty list if none arrived
   * @throws Fault, also if `signal` ended the wait
   */
  receive(most: number, signal: AbortSignal): Promise<ReceivedMessage[]>;

  /** Deletes messages. @returns the receipts of those that could not be deleted */
  delete(receipts: readonly string[]): Promise<readonly string[]>;

  /**
   * Sends a message again as a new one, with no receives counted, and deletes the old one; for work that outlasts a
   * message. If the process dies between the two, both are in the queue, and the second delivery finds the work done.
   */
  requeueMessage(message: ReceivedMessage): Promise<void>;
}
