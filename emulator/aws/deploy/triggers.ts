import type { Account } from '../account.ts';
import { EmulatorError } from '../errors.ts';
import { startSchedule } from '../events/schedule.ts';
import { SqsMapping } from '../events/sqs-mapping.ts';
import { refusalText, type Access } from '../iam/access.ts';
import { isThrottled } from '../lambda/runtime.ts';
import type { Quotas } from '../quotas/quotas.ts';
import type { Services } from '../services.ts';
import { queueUrl } from '../template/resource-types.ts';
import { resourcesOf, type ResolvedStack } from '../template/stack.ts';
import { mappingProperties, ruleProperties, scheduleProperties } from './properties.ts';

/** The services that triggers use. */
type Triggered = Pick<Services, 'access' | 'queues' | 'runtime' | 'stepFunctions'>;

export interface TriggerOptions {
  readonly account: Account;
  readonly endpoint: string;
  /** see `SqsMappingOptions.retryDelaySeconds` */
  readonly retryDelaySeconds: number | undefined;
  readonly quotas: Quotas | undefined;
  readonly onError: (error: unknown) => void;
  readonly note: (line: string) => void;
}

/**
 * Starts the event source mappings of a stack.
 * @throws EmulatorError `InvalidInput` if the function's role may not consume the queue: Lambda refuses such a mapping
 */
export function startMappings(stack: ResolvedStack, services: Triggered, options: TriggerOptions): SqsMapping[] {
  const { queues, runtime } = services;
  return resourcesOf(stack, 'AWS::Lambda::EventSourceMapping', mappingProperties)
    .filter(({ checked }) => checked.Enabled)
    .map(({ checked }) => {
      checkConsumer(checked, services);
      const wanted = checked.ScalingConfig?.MaximumConcurrency ?? Infinity;
      return new SqsMapping({
        queueArn: checked.EventSourceArn,
        queueUrl: queueUrl(options.endpoint, options.account, checked.EventSourceArn.split(':').at(-1) ?? ''),
        batchSize: checked.BatchSize,
        // One batch is fetched ahead of the environments: it waits inside this process for the first that is free, so
        // that no environment waits for the queue. With quotas, Lambda's own scaling decides, so that what it throttles
        // is seen.
        concurrency: Math.min(wanted, runtime.concurrencyOf(checked.FunctionName) + 1),
        scale: options.quotas?.mappingScale(wanted),
        clock: options.quotas?.clock,
        reportsFailures: checked.FunctionResponseTypes.includes('ReportBatchItemFailures'),
        retryDelaySeconds: options.retryDelaySeconds,
        queues,
        invoke: (event) => runtime.invoke(checked.FunctionName, event),
        onError: options.onError,
      });
    });
}

/** What Lambda does with a queue in the role of the function (Lambda Developer Guide: Using Lambda with Amazon SQS). */
const consumerActions = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'];

function checkConsumer(
  mapping: { readonly FunctionName: string; readonly EventSourceArn: string },
  { access, runtime }: Triggered,
): void {
  const caller = access.callerOf(runtime.credentialsOf(mapping.FunctionName)?.accessKeyId ?? '');
  for (const action of caller ? consumerActions : []) {
    const refusal = caller && access.refusal(caller, { action: `sqs:${action}`, resource: mapping.EventSourceArn });
    if (!refusal) continue;
    const what = `The provided execution role does not have permissions to call ${action} on SQS`;
    throw new EmulatorError('InvalidInput', `${what}: ${refusalText(refusal)}`);
  }
}

/**
 * Starts the schedules of a stack. A schedule whose expression is not supported is skipped, with a note to the user.
 * @returns stops all of them
 * @throws EmulatorError `InvalidInput` if a schedule may not start its target. In an account this shows only when it is
 *   due, which a local run may never see.
 */
export function startSchedules(stack: ResolvedStack, services: Triggered, options: TriggerOptions): () => void {
  const rules = resourcesOf(stack, 'AWS::Events::Rule', ruleProperties).flatMap(({ logicalId, arn = '', checked }) =>
    checked.Targets.map((target) => ({
      logicalId,
      service: 'events.amazonaws.com',
      source: arn,
      target,
      expression: checked.ScheduleExpression,
      state: checked.State,
    })),
  );
  const schedules = resourcesOf(stack, 'AWS::Scheduler::Schedule', scheduleProperties).map(
    ({ logicalId, arn = '', checked }) => ({
      logicalId,
      service: 'scheduler.amazonaws.com',
      source: arn,
      target: checked.Target,
      expression: checked.ScheduleExpression,
      state: checked.State,
    }),
  );
  const stops = [...rules, ...schedules].flatMap(({ logicalId, service, source, target, expression, state }) => {
    // A rule without an expression waits for events of a bus; the emulator has no bus.
    if (expression === undefined || state !== 'ENABLED') return [];
    checkTarget({ logicalId, service, source, target }, services.access, options.account);
    try {
      return [startSchedule(expression, () => void fire(target, services, options.onError))];
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      options.note(`${logicalId} is not run: ${error.message}`);
      return [];
    }
  });
  return () => stops.forEach((stop) => stop());
}

interface Starter {
  readonly logicalId: string;
  readonly service: string;
  readonly source: string;
  readonly target: { readonly Arn: string; readonly RoleArn?: string | undefined };
}

/** A schedule starts its target in the target's role, or as the service, which the policy of the target must admit. */
function checkTarget({ logicalId, service, source, target }: Starter, access: Access, account: Account): void {
  const { Arn: resource, RoleArn } = target;
  const caller = RoleArn === undefined ? access.service(service) : access.assume(RoleArn, service, logicalId, source);
  const action = resource.includes(':stateMachine:') ? 'states:StartExecution' : 'lambda:InvokeFunction';
  const context = { 'aws:SourceArn': source, 'aws:SourceAccount': account.accountId };
  const refusal = access.refusal(caller, { action, resource, context });
  if (refusal) throw new EmulatorError('InvalidInput', `${logicalId} cannot start its target: ${refusalText(refusal)}`);
}

/**
 * Lambda retries an asynchronous invocation that is throttled for up to six hours, after one second first and five
 * minutes at most (Lambda Developer Guide: How Lambda handles errors and retries with asynchronous invocation).
 */
const throttledRetry = { firstMillis: 1000, mostMillis: 300_000, forMillis: 6 * 3_600_000 };

async function invokeLater(runtime: Triggered['runtime'], functionArn: string, event: unknown): Promise<void> {
  const until = Date.now() + throttledRetry.forMillis;
  let wait = throttledRetry.firstMillis;
  while (isThrottled(await runtime.invoke(functionArn, event)) && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, wait).unref());
    wait = Math.min(2 * wait, throttledRetry.mostMillis);
  }
}

async function fire(
  target: { readonly Arn: string; readonly Input?: string | undefined },
  { runtime, stepFunctions }: Triggered,
  onError: (error: unknown) => void,
): Promise<void> {
  const input = target.Input ?? '{}';
  try {
    if (target.Arn.includes(':stateMachine:')) stepFunctions.start({ stateMachineArn: target.Arn, input });
    else await invokeLater(runtime, target.Arn, JSON.parse(input));
  } catch (error) {
    onError(error);
  }
}
