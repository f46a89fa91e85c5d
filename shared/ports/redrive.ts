/** A message in the dead-letter queue. */
export interface DeadLetter {
  readonly id: string;
  readonly body: string;
  readonly receipt: string;
  /** milliseconds since the epoch */
  readonly sentAt: number;
  /** `<fault name>: <message>`, if it was recorded when the message was buried */
  readonly reason?: string;
  /** the message group, by which fair queues divide their capacity */
  readonly group?: string;
}

/** Both queues, as a redrive uses them. None of the calls may lose a message. */
export interface RedriveQueues {
  /** Receives up to ten dead letters and hides them for some minutes; an empty list if there seem to be none. */
  receive(): Promise<readonly DeadLetter[]>;
  /** Sends them to the queue of jobs. @returns the IDs of those that it accepted */
  send(letters: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
  /** Deletes them from the dead-letter queue. @returns the IDs of those that were deleted */
  remove(letters: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
  /** Makes them visible in the dead-letter queue again immediately. */
  release(letters: readonly DeadLetter[]): Promise<void>;
}
