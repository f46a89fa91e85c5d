import type { Breaker } from '../model/control.ts';
import type { FaultName } from '../model/faults.ts';

/** When a side counts as failing: pure decisions from what its requests showed in one process. */

/**
 * Faults in a row, without anything else, and the time from the first to the last of them, after which a side counts as
 * failing. The requests behind a fault were repeated before (who retries what: docs/architecture.md). A refused key is
 * certain soon; a busy store is a reason to slow down, and only one that does nothing else for a minute a reason to
 * stop. A HEAD is answered without a body, so a refused key looks there as if an object were denied (S3 API Reference:
 * HeadObject, "If the HEAD request generates an error, it returns a generic code ... without a message body").
 */
const rules = {
  CredentialsRefused: { faults: 3, millis: 0 },
  Unavailable: { faults: 10, millis: 10_000 },
  AccessDenied: { faults: 10, millis: 10_000 },
  Throttled: { faults: 20, millis: 60_000 },
} as const satisfies Record<Breaker['fault'] | 'AccessDenied', { readonly faults: number; readonly millis: number }>;

type SideFault = keyof typeof rules;

/** Faults of one side in a row. */
export interface Streak {
  readonly faults: number;
  /** when the first was, milliseconds since the epoch */
  readonly since: number;
}

/** Is it a fault that may be about the side, and is if nothing else happens? */
export function isOfSide(name: FaultName): name is SideFault {
  return Object.hasOwn(rules, name);
}

/** The streak with one more fault. */
export function lengthened(streak: Streak | undefined, now: number): Streak {
  return { faults: (streak?.faults ?? 0) + 1, since: streak?.since ?? now };
}

/** Is the streak, whose last fault is of this name, long enough to count the side as failing? */
export function opens({ faults, since }: Streak, name: SideFault, now: number): boolean {
  return faults >= rules[name].faults && now - since >= rules[name].millis;
}

/** How a side fails: keys that are denied whatever is asked for with them are refused. */
export function kindOf(name: SideFault): Breaker['fault'] {
  return name === 'AccessDenied' ? 'CredentialsRefused' : name;
}
