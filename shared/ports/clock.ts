/** Time, so that tests need not wait for it. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

/** Until when a call may work. */
export interface Deadline {
  /** milliseconds left; negative when it is over */
  remaining(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** No limit: for callers that nothing ends from outside. */
export const noDeadline: Deadline = { remaining: () => Infinity };
