import { Stack, Validations } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnPolicy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** Why a resource of a policy ends with a wildcard, by what it looks like. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/^\*$/, 'X-Ray, the delivery of logs, Session Manager and web identity tokens have no finer resource'],
  [/:s3:::[^/]+\/.*\*$/, "the objects under a task's prefix"],
  [/:parameter\/s3-ferry\/[^/]+\/tasks\/\*$/, "the stack's own tasks, of which some are added without a deployment"],
  [/:states:.*:execution:.*\*$/, "executions of the stack's own machine, whose names are not known before they start"],
  [/^<\w+Handler[0-9A-F]{8}\.Arn>:\*$/, "versions of the machine's own functions"],
  [/:kms:.*:key\/\*$/, 'the key behind an alias, which a condition names'],
];

/**
 * Acknowledges to cdk-nag each wildcard below `scope` that has a reason; one that has none stays a finding. To be called
 * when all is granted.
 */
export function acknowledgeWildcards(scope: IConstruct): void {
  // CDK moves what does not fit a role's inline policy into managed ones.
  const policies = scope.node.findAll().filter((one) => one instanceof CfnPolicy || one instanceof CfnManagedPolicy);
  for (const policy of policies) {
    const document = Stack.of(scope).resolve(policy.policyDocument) as { Statement: { Resource: unknown }[] };
    const resources = document.Statement.flatMap(({ Resource }) => [Resource].flat()).map(inWords);
    for (const resource of new Set(resources)) {
      const reason = reasons.find(([pattern]) => pattern.test(resource))?.[1];
      const id = `AwsSolutions-IAM5[Resource::${resource}]`;
      if (reason !== undefined) Validations.of(policy).acknowledge({ id, reason });
    }
  }
}

/** A resource as cdk-nag spells it in the name of a finding. */
function inWords(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return `<${Ref}>`;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(inWords).join(String(join[0]));
  return JSON.stringify(value);
}
