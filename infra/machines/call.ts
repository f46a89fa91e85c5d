import { Duration } from 'aws-cdk-lib';
import { Timeout, type TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { FerryFunction } from '../function.ts';
import { explainWildcard } from '../wildcards.ts';
import { retriers, usual, type Patience } from './retries.ts';

export interface CallSettings {
  /** the function's input; by default the state's input */
  readonly payload?: TaskInput;
  /** where the function's result goes; by default it is the state's output */
  readonly resultPath?: string;
  /** true if each call looks at the object from the start: the function is called again after a `restart` fault */
  readonly canRestart?: boolean;
  /** by default that of a call whose caller decides what to do about an outage */
  readonly patience?: Patience;
}

/**
 * A state that calls a function, with the machines' one set of retries. The CDK's own retry is off: it lacks
 * Lambda.TooManyRequestsException, and has no jitter, so that calls that were throttled together return together.
 */
export function call(scope: Construct, name: string, callee: FerryFunction, settings: CallSettings = {}): LambdaInvoke {
  const kept = settings.resultPath !== undefined;
  const state = new LambdaInvoke(scope, name, {
    lambdaFunction: callee.function,
    retryOnServiceExceptions: false,
    // Longer than the function's own timeout, which must take effect first.
    taskTimeout: Timeout.duration(callee.timeout.plus(Duration.minutes(1))),
    ...(settings.payload && { payload: settings.payload }),
    ...(kept ? { resultPath: settings.resultPath } : { outputPath: '$.Payload' }),
  });
  explainWildcard(scope, /^<\w+Handler[0-9A-F]{8}\.Arn>:\*$/, "versions of the machine's own functions");
  for (const retrier of retriers(settings.patience ?? usual, settings.canRestart === true)) state.addRetry(retrier);
  return state;
}
