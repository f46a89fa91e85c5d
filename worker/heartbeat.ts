/** SQS: a message can be hidden for at most this long after it was received. */
export const sqsMaxHoldSeconds = 12 * 3600;

/** Times of one delivery, in milliseconds since the epoch. */
export interface DeliveryTimes {
  readonly receivedAt: number;
  /** when the message was received, or when its last part arrived at the destination */
  readonly progressAt: number;
}

export interface DeliveryLimits {
  /** how long one heartbeat hides the message */
  readonly visibilitySeconds: number;
  /** how long a job may make no progress */
  readonly jobTimeoutSeconds: number;
  /** how long a message is held before its object continues as a new message */
  readonly maxHoldSeconds: number;
}

/**
 * What a heartbeat does:
 * - `extend`: hides the message for some more seconds;
 * - `none`: nothing, because SQS allows no longer hold;
 * - `stuck`: gives up a job without progress, so that another consumer receives its message.
 */
export type HeartbeatAction =
  { readonly kind: 'extend'; readonly seconds: number } | { readonly kind: 'none' | 'stuck' };

/** @param now milliseconds since the epoch */
export function heartbeatAction(
  { receivedAt, progressAt }: DeliveryTimes,
  limits: DeliveryLimits,
  now: number,
): HeartbeatAction {
  if (now - progressAt > limits.jobTimeoutSeconds * 1000) return { kind: 'stuck' };
  const left = sqsMaxHoldSeconds - Math.ceil((now - receivedAt) / 1000);
  const seconds = Math.min(limits.visibilitySeconds, left);
  return seconds > 0 ? { kind: 'extend', seconds } : { kind: 'none' };
}

/**
 * How an interrupted message returns to the queue. An interruption is not a failure. On the last delivery the queue
 * would bury the message, and after hours of work SQS hides it no longer; in both cases it becomes a new message.
 */
export function giveBackAs(
  { receives, wasHeldLong }: { readonly receives: number; readonly wasHeldLong: boolean },
  maxReceives: number,
): 'visible again' | 'new message' {
  return wasHeldLong || receives >= maxReceives ? 'new message' : 'visible again';
}
