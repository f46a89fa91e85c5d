import { Duration } from 'aws-cdk-lib';
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { failedCalls, isOfSurroundings, throttledCalls } from '../../shared/model/call-errors.ts';
import { faultTable, type RetryRule } from '../../shared/model/faults.ts';
import { maxRestarts } from '../../shared/model/limits.ts';

/** For how long a state repeats its call before it fails. */
export interface Patience {
  /** while Lambda has no free environment */
  readonly throttledSeconds: number;
  /** while a service, a store or a credential fails all calls */
  readonly surroundingsSeconds: number;
}

const daySeconds = 24 * 3600;

/** The caller of the state looks again soon, and knows better what to do. */
export const brief: Patience = { throttledSeconds: 300, surroundingsSeconds: 15 };

/** Throttling passes. Whether the surroundings recover is for the caller to find out. */
export const usual: Patience = { throttledSeconds: daySeconds, surroundingsSeconds: 60 };

/** The state is the one that waits. */
export function lasting(giveUpAfterHours: number): Patience {
  return { throttledSeconds: daySeconds, surroundingsSeconds: giveUpAfterHours * 3600 };
}

/** The delay before the first retry, and the longest. Each attempt doubles it. */
interface Delays {
  readonly first: number;
  readonly longest: number;
}

/** The one set of retriers of the machines' calls. @param canRestart also after a `restart` fault */
export function retriers({ throttledSeconds, surroundingsSeconds }: Patience, canRestart: boolean): RetryProps[] {
  return [
    // Retries are billed as transitions, and calls that were throttled together must not return together.
    lastingFor(throttledSeconds, [...throttledCalls], { first: 10, longest: 300 }),
    lastingFor(surroundingsSeconds, [...failedCalls, ...faultsWith('later', true)], {
      first: 5,
      longest: longestDelay(surroundingsSeconds),
    }),
    // The function died: out of memory or time. Another attempt may help once or twice, but each may take long.
    attempts(2, ['Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.ExitError', 'States.Timeout'], {
      first: 5,
      longest: 60,
    }),
    attempts(5, faultsWith('later', false), { first: 5, longest: 60 }),
    ...(canRestart ? [attempts(maxRestarts, faultsWith('restart', false), { first: 1, longest: 60 })] : []),
  ];
}

/** For a call of a service, whatever its error is called: a day. */
export const untilItWorks: RetryProps = lastingFor(daySeconds, ['States.ALL'], { first: 5, longest: 900 });

/**
 * 5 minutes, or a 288th of the time if that is more than a day: what was down is used again within minutes, and an
 * execution has 25,000 events, of which each retry takes three.
 */
function longestDelay(seconds: number): number {
  return Math.max(seconds < daySeconds / 24 ? 60 : 300, Math.ceil(seconds / 288));
}

/** A retrier whose delays come to `seconds` on average: full jitter takes half of each. */
function lastingFor(seconds: number, errors: string[], delays: Delays): RetryProps {
  let count = 0;
  for (let waited = 0, delay = delays.first; waited < seconds; count++, delay = Math.min(2 * delay, delays.longest)) {
    waited += delay / 2;
  }
  return attempts(count, errors, delays);
}

function attempts(maxAttempts: number, errors: string[], { first, longest }: Delays): RetryProps {
  return {
    errors,
    interval: Duration.seconds(first),
    backoffRate: 2,
    maxDelay: Duration.seconds(longest),
    maxAttempts,
    jitterStrategy: JitterType.FULL,
  };
}

/** The names of the faults that `rule` helps, those of the surroundings or the others. */
function faultsWith(rule: RetryRule, ofSurroundings: boolean): string[] {
  return Object.entries(faultTable).flatMap(([name, { retry }]) =>
    retry === rule && isOfSurroundings(name) === ofSurroundings ? [name] : [],
  );
}
