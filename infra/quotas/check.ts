import { bytesOf, charactersOf, resolved } from './characters.ts';
import { quotas, type QuotaName } from './quotas.ts';

export interface TemplateResource {
  readonly Type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever CloudFormation has
  readonly Properties?: any;
}

export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
}

/** What is measured: against which quota, where, and how much there is. */
interface Measure {
  readonly quota: QuotaName;
  readonly what: string;
  readonly found: number;
}

/**
 * The quotas that a template exceeds, each with the place, both numbers and the page that states it.
 * @param template a template of CloudFormation
 * @param bytes its size as it is uploaded
 */
export function quotaFaults(template: Template, bytes: number): string[] {
  return measures(template, bytes).flatMap(({ quota, what, found }) => {
    const { limit, page } = quotas[quota];
    return found <= limit ? [] : [`${what}: found ${String(found)}, expected at most ${String(limit)} (${page})`];
  });
}

/** The largest value in a template of everything that has a quota. */
export function largest(template: Template, bytes: number): Map<QuotaName, number> {
  const most = new Map<QuotaName, number>();
  for (const { quota, found } of measures(template, bytes)) most.set(quota, Math.max(found, most.get(quota) ?? 0));
  return most;
}

function measures(template: Template, bytes: number): Measure[] {
  const { Resources, Parameters = {}, Outputs = {} } = template;
  const resources = Object.entries(Resources);
  return [
    { quota: 'templateBytes', what: 'bytes of the template', found: bytes },
    { quota: 'resources', what: 'resources', found: resources.length },
    { quota: 'parameters', what: 'parameters', found: Object.keys(Parameters).length },
    { quota: 'outputs', what: 'outputs', found: Object.keys(Outputs).length },
    {
      quota: 'rulesPerBus',
      what: 'rules of the default bus',
      found: resources.filter(([, { Type, Properties }]) => Type === rule && isOnDefaultBus(Properties)).length,
    },
    {
      quota: 'eventBusPolicyCharacters',
      what: 'characters of the policy of the event bus',
      found: sum(resources, ({ Type, Properties }) => (Type === busPolicy ? charactersOf(Properties) : 0)),
    },
    ...resources.flatMap(([id, resource]) => ofResource[resource.Type]?.(id, resource.Properties ?? {}) ?? []),
    ...ofRoles(resources),
    ...ofFunctionPolicies(resources),
  ];
}

const rule = 'AWS::Events::Rule';
const busPolicy = 'AWS::Events::EventBusPolicy';

function isOnDefaultBus(properties: unknown): boolean {
  return typeof properties !== 'object' || properties === null || !('EventBusName' in properties);
}

function sum(
  resources: readonly (readonly [string, TemplateResource])[],
  of: (resource: TemplateResource) => number,
): number {
  return resources.reduce((total, [, resource]) => total + of(resource), 0);
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the properties of a resource
type Measures = (id: string, properties: any) => Measure[];

/* eslint-disable @typescript-eslint/no-unsafe-member-access -- see Measures */
const ofResource: Readonly<Record<string, Measures>> = {
  'AWS::SQS::QueuePolicy': (id, { PolicyDocument }) => [
    { quota: 'queuePolicyBytes', what: `bytes of ${id}`, found: bytesOf(PolicyDocument) },
    { quota: 'queuePolicyStatements', what: `statements of ${id}`, found: lengthOf(PolicyDocument?.Statement) },
  ],
  'AWS::IAM::ManagedPolicy': (id, { PolicyDocument }) => [
    { quota: 'managedPolicyCharacters', what: `characters of ${id}`, found: charactersOf(PolicyDocument) },
  ],
  'AWS::IAM::Role': (id, { AssumeRolePolicyDocument }) => [
    {
      quota: 'trustPolicyCharacters',
      what: `characters of the trust of ${id}`,
      found: charactersOf(AssumeRolePolicyDocument),
    },
  ],
  'AWS::SSM::Parameter': (id, { Value, Tier }) => [
    {
      quota: Tier === undefined || Tier === 'Standard' ? 'standardParameterBytes' : 'advancedParameterBytes',
      what: `bytes of parameter ${id}`,
      found: Buffer.byteLength(String(resolved(Value))),
    },
  ],
  'AWS::Lambda::Function': (id, { Environment }) => [
    {
      quota: 'environmentBytes',
      what: `bytes of the environment of ${id}`,
      found: bytesOf(Environment?.Variables ?? {}),
    },
  ],
  'AWS::StepFunctions::StateMachine': (id, { DefinitionString }) => [
    {
      quota: 'definitionBytes',
      what: `bytes of the definition of ${id}`,
      found: Buffer.byteLength(String(resolved(DefinitionString))),
    },
  ],
  [rule]: (id, { EventPattern, Targets }) => [
    { quota: 'targetsPerRule', what: `targets of ${id}`, found: lengthOf(Targets) },
    {
      quota: 'eventPatternCharacters',
      what: `characters of the pattern of ${id}`,
      found: EventPattern === undefined ? 0 : charactersOf(EventPattern),
    },
  ],
  'Custom::BucketNotifications': (_id, { Buckets, ...properties }) =>
    ((Buckets ?? [properties]) as BucketEntries[]).map(({ BucketName, Created, Removed }) => ({
      quota: 'notificationsPerBucket',
      what: `notifications of bucket ${String(BucketName)}`,
      found: lengthOf(Created) + lengthOf(Removed),
    })),
  'AWS::CloudWatch::Alarm': (id, { Metrics }) => [
    {
      quota: 'alarmMetrics',
      what: `metrics of ${id}`,
      found: ((Metrics ?? []) as { MetricStat?: unknown }[]).filter(({ MetricStat }) => MetricStat !== undefined)
        .length,
    },
  ],
  'AWS::EC2::LaunchTemplate': (id, { LaunchTemplateData }) => [
    {
      quota: 'userDataBytes',
      what: `bytes of the user data of ${id}`,
      found: Buffer.byteLength(String(resolved(LaunchTemplateData?.UserData?.['Fn::Base64'] ?? ''))),
    },
  ],
};

/** Of a custom resource, or of its list. */
interface BucketEntries {
  readonly BucketName?: unknown;
  readonly Created?: unknown;
  readonly Removed?: unknown;
}

/** The policies of each role together. */
function ofRoles(resources: readonly (readonly [string, TemplateResource])[]): Measure[] {
  const inline = new Map<string, number>();
  const managed = new Map<string, number>();
  const add = (sums: Map<string, number>, role: string, found: number): unknown =>
    sums.set(role, (sums.get(role) ?? 0) + found);
  for (const [id, { Type, Properties = {} }] of resources) {
    const roles = ((Properties.Roles ?? []) as { Ref?: string }[]).map(({ Ref }) => Ref ?? '');
    if (Type === 'AWS::IAM::Policy') {
      for (const role of roles) add(inline, role, charactersOf(Properties.PolicyDocument));
    } else if (Type === 'AWS::IAM::ManagedPolicy') {
      for (const role of roles) add(managed, role, 1);
    } else if (Type === 'AWS::IAM::Role') {
      add(managed, id, lengthOf(Properties.ManagedPolicyArns));
      for (const { PolicyDocument } of (Properties.Policies ?? []) as { PolicyDocument: unknown }[]) {
        add(inline, id, charactersOf(PolicyDocument));
      }
    }
  }
  return [
    ...[...inline].map(([role, found]) => ({
      quota: 'rolePolicyCharacters' as const,
      what: `characters of the inline policies of ${role}`,
      found,
    })),
    ...[...managed].map(([role, found]) => ({
      quota: 'managedPoliciesPerRole' as const,
      what: `managed policies of ${role}`,
      found,
    })),
  ];
}

/** Each permission is a statement in the policy of its function. */
function ofFunctionPolicies(resources: readonly (readonly [string, TemplateResource])[]): Measure[] {
  const sums = new Map<string, number>();
  for (const [, { Type, Properties = {} }] of resources) {
    if (Type !== 'AWS::Lambda::Permission') continue;
    const name = JSON.stringify(Properties.FunctionName);
    // Around the properties: the statement's ID, its effect and the names of its conditions.
    sums.set(name, (sums.get(name) ?? 60) + bytesOf(Properties) + 200);
  }
  return [...sums].map(([name, found]) => ({
    quota: 'functionPolicyBytes',
    what: `bytes of the policy of ${name}`,
    found,
  }));
}
/* eslint-enable @typescript-eslint/no-unsafe-member-access */

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}
