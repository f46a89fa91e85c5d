import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { EmulatorError } from '../errors.ts';
import { validate } from '../validate.ts';
import type { Access } from '../iam/access.ts';
import type { FunctionDefinition } from '../lambda/function-definition.ts';
import type { ResolvedResource } from '../template/stack.ts';
import type { StackAssembly } from '../template/template.ts';
import { functionProperties } from './properties.ts';

/** All functions share one machine, and a function with a higher limit fills it with bodies. */
const maxMemoryMiB = 256;

/**
 * The function to run for a resource, from the bundle that would be deployed.
 * @returns undefined for a function with another runtime than Node: the CDK's helpers, which the emulator does not need
 * @throws EmulatorError `InvalidInput` if the bundle does not exist, or Lambda may not assume the role
 */
export function localFunction(
  resource: ResolvedResource,
  assembly: StackAssembly,
  access: Access,
): FunctionDefinition | undefined {
  const what = `${resource.logicalId} (${resource.type})`;
  const properties = validate(functionProperties, resource.properties, what);
  if (!properties.Runtime.startsWith('nodejs')) return undefined;
  const hash = properties.Code.S3Key?.replace(/\.[^.]*$/, '') ?? '';
  const directory = assembly.assetDirectory(hash);
  if (directory === undefined || !existsSync(directory)) {
    throw new EmulatorError(
      'InvalidInput',
      `${what}: its code (asset "${hash}") is not in the cloud assembly; synthesize it again`,
    );
  }
  const environment = properties.Environment.Variables;
  return {
    name: resource.name,
    arn: resource.arn ?? '',
    // Logs and metrics of the function use this name; a person would recognize no other name in the template.
    id: environment['POWERTOOLS_SERVICE_NAME'] ?? resource.logicalId,
    codeDirectory: resolve(directory),
    handler: properties.Handler,
    timeoutSeconds: properties.Timeout,
    memoryMiB: Math.min(properties.MemorySize, maxMemoryMiB),
    reservedConcurrency: properties.ReservedConcurrentExecutions,
    environment,
    credentials: access.credentialsFor(access.assume(properties.Role, 'lambda.amazonaws.com', resource.name)),
  };
}
