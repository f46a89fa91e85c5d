import type { Account } from '../account.ts';
import { EmulatorError } from '../errors.ts';
import type { Role, StackPermissions } from '../iam/access.ts';
import { identityPolicies, resourcePolicies, type Policies } from '../iam/evaluate.ts';
import type { PolicyDocument, Statement } from '../iam/policy.ts';
import { quotaTable } from '../quotas/table.ts';
import { arnOfFunction, arnOfQueue, identify } from '../template/resource-types.ts';
import { resourcesOf, type ResolvedStack } from '../template/stack.ts';
import {
  functionPermissionProperties,
  instanceProfileProperties,
  policyProperties,
  queuePolicyProperties,
  roleProperties,
} from './properties.ts';

/**
 * The permissions of a stack: its roles with all their policies, and the policies of its queues and functions.
 * @throws EmulatorError `NotSupported` for a policy that cannot be evaluated: a role must not seem to lack what it has
 */
export function permissionsOf(stack: ResolvedStack, account: Account): StackPermissions {
  const roles = rolesOf(stack, account);
  const profiles = resourcesOf(stack, 'AWS::IAM::InstanceProfile', instanceProfileProperties);
  const instances = new Set(profiles.flatMap(({ checked }) => checked.Roles));
  return {
    roles,
    instanceRoles: roles.filter(({ name }) => instances.has(name)).map(({ arn }) => arn),
    resources: new Map([...queuePolicies(stack, account), ...functionPolicies(stack, account)]),
  };
}

function rolesOf(stack: ResolvedStack, account: Account): Role[] {
  const managed = resourcesOf(stack, 'AWS::IAM::ManagedPolicy', policyProperties);
  const attachable = [...resourcesOf(stack, 'AWS::IAM::Policy', policyProperties), ...managed];
  const byArn = new Map(managed.map(({ type, name, checked }) => [identify(type, name, account, '')?.ref, checked]));
  return resourcesOf(stack, 'AWS::IAM::Role', roleProperties).map(({ logicalId, name, arn = '', checked }) => {
    const attached = attachable.filter(({ checked: { Roles } }) => Roles.includes(name));
    const named = checked.ManagedPolicyArns.flatMap((policyArn) => byArn.get(policyArn) ?? ofAws(policyArn, logicalId));
    const all = [...checked.Policies, ...attached.map((policy) => policy.checked), ...named];
    return {
      name,
      arn,
      policies: identityPolicies(all.map(({ PolicyDocument }) => PolicyDocument)),
      trust: resourcePolicies([checked.AssumeRolePolicyDocument]),
    };
  });
}

/** A policy of AWS. The one that the CDK's own functions have allows only to write logs, which is no service here. */
function ofAws(policyArn: string, logicalId: string): never[] {
  if (policyArn.endsWith(':aws:policy/service-role/AWSLambdaBasicExecutionRole')) return [];
  throw new EmulatorError('NotSupported', `${logicalId}: the emulator does not know the policy ${policyArn}`);
}

/** @throws EmulatorError `InvalidInput` for a policy with more statements than SQS accepts */
function queuePolicies(stack: ResolvedStack, account: Account): [string, Policies][] {
  const documents = resourcesOf(stack, 'AWS::SQS::QueuePolicy', queuePolicyProperties).flatMap((policy) => {
    const { Queues, PolicyDocument } = policy.checked;
    const found = [PolicyDocument.Statement].flat().length;
    const most = quotaTable.sqsPolicyStatements.value;
    if (found > most) {
      throw new EmulatorError('InvalidInput', `${policy.logicalId}: found ${found} statements, SQS accepts ${most}`);
    }
    return Queues.map((url) => [arnOfQueue(url, account), PolicyDocument] as const);
  });
  return byResource(documents);
}

/** A permission of a function is a statement of its policy (Lambda Developer Guide: AddPermission). */
function functionPolicies(stack: ResolvedStack, account: Account): [string, Policies][] {
  const documents = resourcesOf(stack, 'AWS::Lambda::Permission', functionPermissionProperties).map(({ checked }) => {
    const { Action, Principal, SourceArn, SourceAccount } = checked;
    const arn = arnOfFunction(checked.FunctionName, account);
    const statement: Statement = {
      Effect: 'Allow',
      Action,
      Resource: arn,
      Principal: /\.amazonaws\.com(\.cn)?$/.test(Principal) ? { Service: Principal } : { AWS: Principal },
      Condition: {
        ...(SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': SourceArn } }),
        ...(SourceAccount !== undefined && { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
      },
    };
    return [arn, { Statement: statement }] as const;
  });
  return byResource(documents);
}

function byResource(documents: readonly (readonly [arn: string, document: PolicyDocument])[]): [string, Policies][] {
  return [...Map.groupBy(documents, ([arn]) => arn)].map(([arn, found]) => [
    arn,
    resourcePolicies(found.map(([, document]) => document)),
  ]);
}
