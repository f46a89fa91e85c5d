import type { Account } from '../account.ts';
import { EmulatorError } from '../errors.ts';
import { startSchedule } from '../events/schedule.ts';
import { SqsMapping } from '../events/sqs-mapping.ts';
import type { Services } from '../services.ts';
import { queueUrl } from '../template/resource-types.ts';
import { resourcesOf, type ResolvedStack } from '../template/stack.ts';
import { mappingProperties, ruleProperties, scheduleProperties } from './properties.ts';

/** The services that triggers use. */
type Triggered = Pick<Services, 'queues' | 'runtime' | 'stepFunctions'>;

export interface TriggerOptions {
  readonly account: Account;
  readonly endpoint: string;
  /** see `SqsMappingOptions.retryDelaySeconds` */
  readonly retryDelaySeconds: number | undefined;
  readonly onError: (error: unknown) => void;
  readonly note: (line: string) => void;
}

/** Starts the event source mappings of a stack. */
export function startMappings(stack: ResolvedStack, services: Triggered, options: TriggerOptions): SqsMapping[] {
  const { queues, runtime } = services;
  return resourcesOf(stack, 'AWS::Lambda::EventSourceMapping', mappingProperties)
    .filter(({ checked }) => checked.Enabled)
    .map(({ checked }) => {
      const wanted = checked.ScalingConfig?.MaximumConcurrency ?? Infinity;
      return new SqsMapping({
        queueArn: checked.EventSourceArn,
        queueUrl: queueUrl(options.endpoint, options.account, checked.EventSourceArn.split(':').at(-1) ?? ''),
        batchSize: checked.BatchSize,
        // With more pollers than environments, received messages would wait inside this process.
        concurrency: Math.min(wanted, runtime.concurrencyOf(checked.FunctionName)),
        reportsFailures: checked.FunctionResponseTypes.includes('ReportBatchItemFailures'),
        retryDelaySeconds: options.retryDelaySeconds,
        queues,
        invoke: (event) => runtime.invoke(checked.FunctionName, event),
        onError: options.onError,
      });
    });
}

/**
 * Starts the schedules of a stack. A schedule whose expression is not supported is skipped, with a note to the user.
 * @returns stops all of them
 */
export function startSchedules(stack: ResolvedStack, services: Triggered, options: TriggerOptions): () => void {
  const rules = resourcesOf(stack, 'AWS::Events::Rule', ruleProperties).flatMap(({ logicalId, checked }) =>
    checked.Targets.map((target) => ({
      logicalId,
      target,
      expression: checked.ScheduleExpression,
      state: checked.State,
    })),
  );
  const schedules = resourcesOf(stack, 'AWS::Scheduler::Schedule', scheduleProperties).map(
    ({ logicalId, checked }) => ({
      logicalId,
      target: checked.Target,
      expression: checked.ScheduleExpression,
      state: checked.State,
    }),
  );
  const stops = [...rules, ...schedules].flatMap(({ logicalId, target, expression, state }) => {
    // A rule without an expression waits for events of a bus; the emulator has no bus.
    if (expression === undefined || state !== 'ENABLED') return [];
    try {
      return [startSchedule(expression, () => fire(target, services, options.onError))];
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      options.note(`${logicalId} is not run: ${error.message}`);
      return [];
    }
  });
  return () => stops.forEach((stop) => stop());
}

function fire(
  target: { readonly Arn: string; readonly Input?: string | undefined },
  { runtime, stepFunctions }: Triggered,
  onError: (error: unknown) => void,
): void {
  const input = target.Input ?? '{}';
  try {
    if (target.Arn.includes(':stateMachine:')) stepFunctions.start({ stateMachineArn: target.Arn, input });
    else void runtime.invoke(target.Arn, JSON.parse(input));
  } catch (error) {
    onError(error);
  }
}
