/** Messages in a queue. SQS counts approximately: sums are right some seconds after the last change, not at each moment. */
export interface QueueDepth {
  /** to be had by the next receive */
  readonly waiting: number;
  /** received, and neither deleted nor given back */
  readonly inFlight: number;
  /** not to be had before their time */
  readonly delayed: number;
}

/** Counts the messages of one queue, of whatever they are about, without receiving any. */
export interface CountedQueue {
  depth(): Promise<QueueDepth>;
}
