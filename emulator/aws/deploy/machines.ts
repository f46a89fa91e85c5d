import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { EmulatorError } from '../errors.ts';
import type { Access } from '../iam/access.ts';
import { validate } from '../validate.ts';
import { runnable } from '../states/definition.ts';
import type { Machine } from '../states/executions.ts';
import type { ResolvedResource } from '../template/stack.ts';
import { machineProperties } from './properties.ts';

/**
 * The state machine of a resource.
 * @throws EmulatorError if its definition is invalid or not supported, or Step Functions may not assume its role
 */
export function localMachine(resource: ResolvedResource, access: Access): Machine {
  const what = `${resource.logicalId} (${resource.type})`;
  const properties = validate(machineProperties, resource.properties, what);
  const definition = JSON.parse(properties.DefinitionString) as StateMachineDefinition;
  try {
    // The constructor validates the definition; the object is not used.
    new StateMachine(definition);
  } catch (error) {
    throw new EmulatorError('InvalidInput', `${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { name, arn = '' } = resource;
  return {
    name,
    arn,
    roleArn: properties.RoleArn,
    role: access.assume(properties.RoleArn, 'states.amazonaws.com', name, arn),
    definition,
    runnable: runnable(definition, what),
    created: Date.now(),
  };
}
