/** The messages in a queue. SQS counts approximately: the sums are right some seconds after the last change. */
export interface QueueDepth {
  /** available to the next receive */
  readonly waiting: number;
  /** received, and neither deleted nor returned */
  readonly inFlight: number;
  /** not available before a set time */
  readonly delayed: number;
}

/** Counts the messages of a queue without receiving any. */
export interface CountedQueue {
  depth(): Promise<QueueDepth>;
}
