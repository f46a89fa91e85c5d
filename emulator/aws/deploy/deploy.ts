import type * as v from 'valibot';
import type { Account } from '../account.ts';
import type { Services } from '../services.ts';
import { resourcesOf, type ResolvedStack } from '../template/stack.ts';
import type { StackAssembly } from '../template/template.ts';
import { deployCustomResources } from './custom-resources.ts';
import { localFunction } from './functions.ts';
import { localMachine } from './machines.ts';
import { permissionsOf } from './permissions.ts';
import { parameterProperties, queueProperties } from './properties.ts';
import { deployTable } from './tables.ts';

/** Where a stack is deployed. */
export interface Target extends Omit<Services, 'gateway'> {
  readonly account: Account;
  readonly note: (line: string) => void;
}

/**
 * Creates the passive resources of a stack, those that wait to be used. Triggers (mappings, schedules) start later.
 * @throws EmulatorError that names the resource that cannot be created
 */
export async function deployResources(stack: ResolvedStack, assembly: StackAssembly, target: Target): Promise<void> {
  const { access, account, parameters, queues, runtime, s3, stepFunctions, tables } = target;
  access.deploy(permissionsOf(stack, account));
  for (const { name, checked } of resourcesOf(stack, 'AWS::SQS::Queue', queueProperties)) {
    await queues.call('CreateQueue', { QueueName: name, Attributes: queueAttributes(checked) });
  }
  for (const { name, checked } of resourcesOf(stack, 'AWS::SSM::Parameter', parameterProperties)) {
    parameters.put({ Name: name, ...checked, Overwrite: true });
  }
  for (const resource of stack.resources) {
    if (resource.type === 'AWS::DynamoDB::Table') await deployTable(resource, tables);
    if (resource.type === 'AWS::S3::Bucket') await s3.createBucket(resource.name);
    if (resource.type === 'AWS::Lambda::Function') {
      const definition = localFunction(resource, assembly, access);
      if (definition) runtime.register(definition);
      else target.note(`${resource.logicalId} is not run: the emulator runs Node functions only`);
    }
    if (resource.type === 'AWS::StepFunctions::StateMachine') stepFunctions.register(localMachine(resource, access));
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
