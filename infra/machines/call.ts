import { Duration } from 'aws-cdk-lib';
import { JitterType, Timeout, type TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { faultTable, type RetryRule } from '../../shared/model/faults.ts';
import { maxRestarts } from '../../shared/model/limits.ts';
import type { FerryFunction } from '../function.ts';
import { explainWildcard } from '../wildcards.ts';

export interface CallSettings {
  /** the function's input; by default the state's input */
  readonly payload?: TaskInput;
  /** where the function's result goes; by default it is the state's output */
  readonly resultPath?: string;
  /** true if each call looks at the object from the start: the function is called again after a `restart` fault */
  readonly canRestart?: boolean;
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
  // Lambda itself or the connection to it failed: the function did not run. Throttling may last: about five minutes.
  state.addRetry({
    errors: [
      'Lambda.TooManyRequestsException',
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
      'Lambda.ClientExecutionTimeoutException',
    ],
    interval: Duration.seconds(1),
    backoffRate: 2,
    maxDelay: Duration.minutes(1),
    maxAttempts: 10,
    jitterStrategy: JitterType.FULL,
  });
  // The function died: out of memory or time. Another attempt may help once or twice, but each may take long.
  state.addRetry({
    errors: ['Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.ExitError', 'States.Timeout'],
    interval: Duration.seconds(5),
    backoffRate: 2,
    maxAttempts: 2,
    jitterStrategy: JitterType.FULL,
  });
  state.addRetry({
    errors: faultsWith('later'),
    interval: Duration.seconds(5),
    backoffRate: 2,
    maxDelay: Duration.minutes(1),
    maxAttempts: 5,
    jitterStrategy: JitterType.FULL,
  });
  if (settings.canRestart) {
    state.addRetry({
      errors: faultsWith('restart'),
      interval: Duration.seconds(1),
      backoffRate: 2,
      maxAttempts: maxRestarts,
      jitterStrategy: JitterType.FULL,
    });
  }
  return state;
}

/** The names of the faults that `rule` helps. */
export function faultsWith(rule: RetryRule): string[] {
  return Object.entries(faultTable).flatMap(([name, { retry }]) => (retry === rule ? [name] : []));
}
