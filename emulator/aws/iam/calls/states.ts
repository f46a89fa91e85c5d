import type { Call } from '../policy.ts';

/**
 * What a request to Step Functions calls: on a machine or an execution. Source: Service Authorization Reference,
 * Actions, resources, and condition keys for AWS Step Functions.
 */
export function statesCalls(operation: string, input: Readonly<Record<string, unknown>>): Call[] {
  const named = [input['executionArn'], input['stateMachineArn']].find((value) => typeof value === 'string');
  return [{ action: `states:${operation}`, resource: named ?? '*' }];
}
