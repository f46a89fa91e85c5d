/** SQS: no message may be hidden for longer than this from when it was received, in seconds. */
export const longestHold = 12 * 3600;

/** Times of one delivery, milliseconds since the epoch. */
export interface DeliveryTimes {
  readonly receivedAt: number;
  /** when it was received, or its last part arrived */
  readonly progressAt: number;
}

/** Seconds. */
export interface DeliveryLimits {
  readonly visibility: number;
  readonly jobTimeout: number;
  readonly maxHold: number;
}

/**
 * What a heartbeat does: hide the message for some more seconds; nothing, where SQS allows no more; or give up a job
 * that has made no progress for too long, so that its message comes back to somebody else.
 */
export type Beat = { readonly kind: 'extend'; readonly seconds: number } | { readonly kind: 'none' | 'stuck' };

/** @param now milliseconds since the epoch */
export function beatOf({ receivedAt, progressAt }: DeliveryTimes, limits: DeliveryLimits, now: number): Beat {
  if (now - progressAt > limits.jobTimeout * 1000) return { kind: 'stuck' };
  const left = longestHold - Math.ceil((now - receivedAt) / 1000);
  const seconds = Math.min(limits.visibility, left);
  return seconds > 0 ? { kind: 'extend', seconds } : { kind: 'none' };
}

/**
 * How a message goes back that was left in the middle. A delivery that was interrupted is no failed one: on the last
 * delivery, or after hours of work, it becomes a new message, for the queue would bury it.
 */
export function wayBack(
  { receives, held }: { readonly receives: number; readonly held: boolean },
  maxReceives: number,
): 'visible again' | 'new message' {
  return held || receives >= maxReceives ? 'new message' : 'visible again';
}
