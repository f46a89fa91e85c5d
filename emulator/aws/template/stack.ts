import type * as v from 'valibot';
import { EmulatorError } from '../errors.ts';
import { validate } from '../validate.ts';
import type { Account } from '../account.ts';
import { Resolver } from './intrinsics.ts';
import { identify, isIgnored, nameProperties } from './resource-types.ts';
import type { StackAssembly } from './template.ts';

/** A resource to deploy, with all properties resolved. */
export interface ResolvedResource {
  readonly logicalId: string;
  readonly type: string;
  readonly name: string;
  readonly arn: string | undefined;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface ResolvedStack {
  readonly name: string;
  readonly stackId: string;
  readonly resources: readonly ResolvedResource[];
  /** the stack's outputs by name */
  readonly outputs: Readonly<Record<string, string>>;
  /** types that were skipped because they have no meaning on one machine */
  readonly ignoredTypes: readonly string[];
}

/** The resource types that the emulator deploys. */
export const deployedTypes = [
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
  'AWS::DynamoDB::Table',
  'AWS::SSM::Parameter',
  'AWS::Lambda::Function',
  'AWS::StepFunctions::StateMachine',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Events::Rule',
  'AWS::Scheduler::Schedule',
  'AWS::IAM::Role',
  'AWS::IAM::Policy',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::InstanceProfile',
  'AWS::SQS::QueuePolicy',
  'AWS::Lambda::Permission',
] as const;

/** Whether the function that the resource names deploys it. */
export function isCustom(type: string): boolean {
  return type.startsWith('Custom::');
}

function isDeployed(type: string): boolean {
  return isCustom(type) || deployedTypes.some((deployed) => deployed === type);
}

/**
 * Resolves a stack. Names are chosen before any resource is created, so resources may refer to each other in a circle.
 * @throws EmulatorError `NotSupported` for an unknown resource type or function, `InvalidInput` for a broken template
 */
export function resolveStack(
  assembly: StackAssembly,
  account: Account,
  endpoint: string,
  parameters: Readonly<Record<string, string>> = {},
): ResolvedStack {
  const { template, stackName } = assembly;
  const names = new Map<string, string>();
  const resolver = new Resolver({
    template,
    account,
    stackName,
    parameters,
    identify: (logicalId) => {
      const type = template.Resources[logicalId]?.Type;
      return type === undefined ? undefined : identify(type, nameOf(logicalId), account, endpoint);
    },
  });

  function nameOf(logicalId: string): string {
    const known = names.get(logicalId);
    if (known !== undefined) return known;
    const resource = template.Resources[logicalId];
    const given = resource?.Properties[nameProperties[resource.Type] ?? ''];
    const name =
      given === undefined
        ? `${stackName}-${shortId(logicalId, Object.keys(template.Resources))}`
        : String(resolver.resolve(given, `Resources.${logicalId}`));
    names.set(logicalId, name);
    return name;
  }

  const present = Object.entries(template.Resources).filter(
    ([, resource]) => resource.Condition === undefined || resolver.condition(resource.Condition),
  );
  const unknown = present.filter(([, { Type }]) => !isIgnored(Type) && !isDeployed(Type));
  if (unknown.length > 0) {
    const found = unknown.map(([logicalId, { Type }]) => `${logicalId} (${Type})`).join(', ');
    throw new EmulatorError('NotSupported', `${stackName}: the emulator neither deploys nor ignores ${found}`);
  }
  const resources = present
    .filter(([, resource]) => !isIgnored(resource.Type))
    .map(([logicalId, { Type, Properties }]): ResolvedResource => {
      const name = nameOf(logicalId);
      const properties = resolver.resolve(Properties, `Resources.${logicalId}`) as Record<string, unknown>;
      const arn = identify(Type, name, account, endpoint)?.attributes['Arn'];
      return { logicalId, type: Type, name, arn, properties };
    });
  const outputs = Object.entries(template.Outputs)
    .filter(([, { Condition }]) => Condition === undefined || resolver.condition(Condition))
    .map(([name, { Value }]) => [name, String(resolver.resolve(Value, `Outputs.${name}`))] as const);
  const ignored = present.map(([, { Type }]) => Type).filter((type) => isIgnored(type));
  return {
    name: stackName,
    stackId: resolver.resolve({ Ref: 'AWS::StackId' }, stackName) as string,
    resources,
    outputs: Object.fromEntries(outputs),
    ignoredTypes: [...new Set(ignored)].sort(),
  };
}

/** A logical ID without the hash that the CDK appends, unless another resource would get the same name. */
function shortId(logicalId: string, all: readonly string[]): string {
  const short = (id: string): string => id.replace(/(?<=.)[0-9A-F]{8}$/, '');
  const alone = all.filter((id) => short(id) === short(logicalId)).length === 1;
  return alone ? short(logicalId) : logicalId;
}

/** The resources of one type, with their properties validated. */
export function resourcesOf<Schema extends v.GenericSchema>(
  stack: ResolvedStack,
  type: string,
  schema: Schema,
): (ResolvedResource & { readonly checked: v.InferOutput<Schema> })[] {
  return stack.resources
    .filter((resource) => resource.type === type)
    .map((resource) => ({
      ...resource,
      checked: validate(schema, resource.properties, `${resource.logicalId} (${type})`),
    }));
}
