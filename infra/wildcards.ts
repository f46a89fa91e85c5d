import { Stack, Validations } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnPolicy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** Why a resource of a policy ends with a wildcard. */
interface Explanation {
  /** resources as cdk-nag spells them: references by logical ID, in angle brackets */
  readonly resources: RegExp;
  readonly reason: string;
}

const explanations = new WeakMap<IConstruct, Explanation[]>();

/**
 * Says beside a grant why its resources end with a wildcard.
 * @param grantee whose policies it is about: a role, or a construct around it
 */
export function explainWildcard(grantee: IConstruct, resources: RegExp, reason: string): void {
  explanations.set(grantee, [...(explanations.get(grantee) ?? []), { resources, reason }]);
}

/**
 * Acknowledges to cdk-nag (AwsSolutions-IAM5) each wildcard below `scope` that was explained; one that was not stays a
 * finding. To be called when all is granted: CDK moves what does not fit a role's inline policy into managed ones.
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
    // What Validations.acknowledge writes, but that it puts a hyphen for each space, also those of a prefix.
    if (acknowledged.length > 0) {
      policy.node.addMetadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, Object.fromEntries(acknowledged));
    }
  }
}

/** A resource as cdk-nag spells it in the name of a finding. */
function inWords(value: unknown): string {
  // An escaped character of a prefix, ${*}, looks like a reference to cdk-nag.
  if (typeof value === 'string') return value.replace(/\$\{([^}]*)\}/g, '<$1>');
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return `<${Ref}>`;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(inWords).join(String(join[0]));
  return JSON.stringify(value);
}
