import type * as v from 'valibot';
import type { ParameterStore } from '../ssm/parameters.ts';
import type { Queues } from '../sqs/queues.ts';
import { resourcesOf, type ResolvedStack } from '../template/stack.ts';
import type { StackAssembly } from '../template/template.ts';
import type { Tables } from '../dynamodb/tables.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import type { StepFunctions } from '../states/service.ts';
import { deployCustomResources } from './custom-resources.ts';
import { localFunction } from './functions.ts';
import { localMachine } from './machines.ts';
import { parameterProperties, queueProperties } from './properties.ts';
import { deployTable } from './tables.ts';

/** What a stack is deployed into. */
export interface Services {
  readonly queues: Queues;
  readonly tables: Tables;
  readonly parameters: ParameterStore;
  readonly runtime: LambdaRuntime;
  readonly stepFunctions: StepFunctions;
  readonly createBucket: (name: string) => Promise<void>;
  readonly note: (line: string) => void;
}

/**
 * Makes everything of a stack that waits to be used; what moves by itself (pollers, timers) is started afterwards.
 * @throws EmulatorError naming the resource that cannot be made
 */
export async function deployResources(
  stack: ResolvedStack,
  assembly: StackAssembly,
  services: Services,
): Promise<void> {
  const { parameters, queues, runtime, stepFunctions } = services;
  for (const { name, checked } of resourcesOf(stack, 'AWS::SQS::Queue', queueProperties)) {
    await queues.call('CreateQueue', { QueueName: name, Attributes: queueAttributes(checked) });
  }
  for (const { name, checked } of resourcesOf(stack, 'AWS::SSM::Parameter', parameterProperties)) {
    parameters.put({ Name: name, ...checked, Overwrite: true });
  }
  for (const resource of stack.resources) {
    if (resource.type === 'AWS::DynamoDB::Table') await deployTable(resource, services.tables);
    if (resource.type === 'AWS::S3::Bucket') await services.createBucket(resource.name);
    if (resource.type === 'AWS::Lambda::Function') {
      const definition = localFunction(resource, assembly);
      if (definition) runtime.register(definition);
      else services.note(`${resource.logicalId} is not run: the local endpoint runs Node functions only`);
    }
    if (resource.type === 'AWS::StepFunctions::StateMachine') stepFunctions.register(localMachine(resource));
  }
  await deployCustomResources(stack, runtime);
}

function queueAttributes(properties: v.InferOutput<typeof queueProperties>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  );
}
