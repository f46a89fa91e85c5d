import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { EmulatorError } from '../errors.ts';
import { validate } from '../validate.ts';
import { runnable } from '../states/definition.ts';
import type { Machine } from '../states/executions.ts';
import type { ResolvedResource } from '../template/stack.ts';
import { machineProperties } from './properties.ts';

/** The state machine of a resource. @throws EmulatorError if its definition is invalid or not supported */
export function localMachine(resource: ResolvedResource): Machine {
  const what = `${resource.logicalId} (${resource.type})`;
  const properties = validate(machineProperties, resource.properties, what);
  const definition = JSON.parse(properties.DefinitionString) as StateMachineDefinition;
  try {
    // The constructor validates the definition; the object is not used.
    new StateMachine(definition);
  } catch (error) {
    throw new EmulatorError('InvalidInput', `${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {
    name: resource.name,
    arn: resource.arn ?? '',
    roleArn: properties.RoleArn,
    definition,
    runnable: runnable(definition, what),
    created: Date.now(),
  };
}
