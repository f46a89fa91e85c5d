import type { Redelivery } from './job-queue.ts';

/** A message as it came from the queue. */
export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  /** the receipt handle */
  readonly receipt: string;
  /** how often it was received, this time included */
  readonly receives: number;
  /** the fair-queue group it was sent with */
  readonly group?: string;
}

/** The queue of jobs, from the side of a consumer that asks for messages itself. */
export interface JobSource extends Redelivery {
  /**
   * Waits for messages, for a while.
   * @param most messages, 1 to 10
   * @returns none where none came. @throws Fault; also where `signal` ended the wait
   */
  receive(most: number, signal: AbortSignal): Promise<ReceivedMessage[]>;

  /** Takes messages out of the queue. @returns the receipts of those that stayed */
  delete(receipts: readonly string[]): Promise<readonly string[]>;

  /**
   * Puts a message at the end of the queue as a new one, which was never received: for one that goes on being worked
   * on. Should the process die before the old one is deleted, both are there, and the second is found to be done.
   */
  requeueMessage(message: ReceivedMessage): Promise<void>;
}
