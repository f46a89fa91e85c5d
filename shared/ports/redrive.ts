/** A message of the dead-letter queue. */
export interface DeadLetter {
  readonly id: string;
  readonly body: string;
  readonly receipt: string;
  /** milliseconds since the epoch */
  readonly sentAt: number;
  /** `<fault name>: <message>`, where whoever buried it said so */
  readonly reason?: string;
  /** the message group, which fair queues share their time out by */
  readonly group?: string;
}

/** Both queues, from the side of whoever brings dead letters back. None of the calls may lose a message. */
export interface RedriveQueues {
  /** Up to ten dead letters, which nobody else is given for some minutes; none where there seem to be none. */
  receive(): Promise<readonly DeadLetter[]>;
  /** Puts them into the queue of jobs. @returns the IDs of those that it confirmed */
  send(letters: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
  /** Removes them from the dead-letter queue. @returns the IDs of those that are gone */
  remove(letters: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
  /** Gives them back at once. */
  release(letters: readonly DeadLetter[]): Promise<void>;
}
