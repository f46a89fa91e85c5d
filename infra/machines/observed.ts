import { Stack, Validations, type CfnResource } from 'aws-cdk-lib';
import { LogLevel, type StateMachine, type StateMachineProps } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Pipeline } from '../function.ts';
import { createLog } from '../logs.ts';
import { explainWildcard } from '../wildcards.ts';

export type Observing = Pick<Pipeline, 'settings' | 'tracing'>;

/** Logging and tracing of each machine. Inputs and outputs hold keys, so they stay out of the logs. */
export function observed(
  scope: Construct,
  { settings }: Observing,
): Pick<StateMachineProps, 'logs' | 'tracingEnabled'> {
  // Log groups under this prefix share one resource policy; an account has only ten.
  const name = `/aws/vendedlogs/states/${Stack.of(scope).stackName}-${scope.node.id}`;
  const destination = createLog(scope, settings, name);
  return { logs: { destination, level: LogLevel.ERROR, includeExecutionData: false }, tracingEnabled: true };
}

/** Removes tracing in partitions without X-Ray. */
export function observe(machine: StateMachine, { tracing }: Observing): void {
  tracing.only(machine.node.defaultChild as CfnResource, 'TracingConfiguration', { Enabled: true });
  explainWildcard(machine, /^\*$/, 'the delivery of logs and traces has no finer resource');
  Validations.of(machine).acknowledge({
    id: 'AwsSolutions-SF1',
    reason:
      'Errors are logged, not every step: an upload has one child execution per batch, so all events would cost ' +
      'more than the upload; Step Functions keeps the history of each execution for 90 days without that',
  });
}
