import { faultTable, type FaultName } from './faults.ts';

/**
 * Names under which a state machine's call of a Lambda function fails although the function itself did not (AWS Step
 * Functions Developer Guide: "Invoke an AWS Lambda function with Step Functions", and "Handling errors in Step
 * Functions workflows", "Handle transient Lambda service exceptions").
 */

/** No environment was free: the function's, or the account's, concurrent calls are all in use. */
export const throttledCalls: readonly string[] = ['Lambda.TooManyRequestsException'];

/** Lambda itself or the connection to it failed. */
export const failedCalls: readonly string[] = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
];

/** Did a call end under this name because of a service, a store or a credential, which all other calls meet too? */
export function isOfSurroundings(name: string): boolean {
  if (throttledCalls.includes(name) || failedCalls.includes(name)) return true;
  const rule = Object.hasOwn(faultTable, name) ? faultTable[name as FaultName] : undefined;
  return rule !== undefined && 'ofSurroundings' in rule;
}
