/** The time of the quotas, so that tests decide it. */
export interface QuotaClock {
  /** milliseconds since the epoch */
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
}

export const systemClock: QuotaClock = {
  now: () => Date.now(),
  sleep: (millis) => new Promise((resolve) => void setTimeout(resolve, millis).unref()),
};
