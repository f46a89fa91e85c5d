/** Time, which tests can move instead of waiting. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

/** The time limit of a call. */
export interface Deadline {
  /** milliseconds left; negative once it has passed */
  remaining(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** No limit, for callers that nothing interrupts. */
export const noDeadline: Deadline = { remaining: () => Infinity };
