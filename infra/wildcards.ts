import { Stack, Validations } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnPolicy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** The reason why a resource of a policy ends with a wildcard. */
interface Explanation {
  /** resources as cdk-nag writes them: references by logical ID, in angle brackets */
  readonly resources: RegExp;
  readonly reason: string;
}

const explanations = new WeakMap<IConstruct, Explanation[]>();

/**
 * Records the reason next to a grant whose resources end with a wildcard.
 * @param grantee the owner of the policies: a role, or a construct around it
 */
export function explainWildcard(grantee: IConstruct, resources: RegExp, reason: string): void {
  explanations.set(grantee, [...(explanations.get(grantee) ?? []), { resources, reason }]);
}

/**
 * Acknowledges to cdk-nag (AwsSolutions-IAM5) each wildcard below `scope` that was explained; any other stays a
 * finding. Call it after all grants: the CDK moves statements that do not fit a role's inline policy into managed ones.
 */
export function acknowledgeWildcards(scope: IConstruct): void {
  for (const policy of scope.node.findAll()) {
    if (!(policy instanceof CfnPolicy || policy instanceof CfnManagedPolicy)) continue;
    const explained = policy.node.scopes.flatMap((around) => explanations.get(around) ?? []);
    const document = Stack.of(scope).resolve(policy.policyDocument) as { Statement: { Resource: unknown }[] };
    const resources = document.Statement.flatMap(({ Resource }) => [Resource].flat()).map(inWords);
    const acknowledged = [...new Set(resources)].flatMap((resource) => {
      const reason = explained.find((one) => one.resources.test(resource))?.reason;
      return reason === undefined ? [] : [[`Annotation::AwsSolutions-IAM5[Resource::${resource}]`, reason] as const];
    });
    // As Validations.acknowledge would write it, which replaces each space by a hyphen, also in a prefix.
    if (acknowledged.length > 0) {
      policy.node.addMetadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, Object.fromEntries(acknowledged));
    }
  }
}

/** A resource as cdk-nag writes it in the name of a finding. */
function inWords(value: unknown): string {
  // cdk-nag takes an escaped character of a prefix, ${*}, for a reference.
  if (typeof value === 'string') return value.replace(/\$\{([^}]*)\}/g, '<$1>');
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return `<${Ref}>`;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(inWords).join(String(join[0]));
  return JSON.stringify(value);
}
