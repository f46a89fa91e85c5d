import { ManagedPolicy, PolicyDocument, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Stack } from 'aws-cdk-lib';
import { charactersOf } from './quotas/characters.ts';
import { quotas } from './quotas/quotas.ts';

/** What a role may do: actions on resources, under conditions. */
export interface Access {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Conditions;
  /** patterns of which the encryption context of a call with a KMS key must match one */
  readonly contexts?: readonly string[];
}

/** Operator -> key -> values, as in a policy. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** Characters of a role's inline policy that are used here; the rest is left to its other grants. */
const inlineCharacters = quotas.rolePolicyCharacters.limit / 2;
/** Characters of a managed policy for its statements: all but those around them. */
const managedCharacters = quotas.managedPolicyCharacters.limit - 60;

/** Do `accesses` fit into the policies of one role? */
export function fitsRole(accesses: readonly Access[]): boolean {
  return policiesOf(accesses, inlineCharacters).length <= quotas.managedPoliciesPerRole.limit + 1;
}

/**
 * Grants `accesses` in statements and policies that stay within the quotas of IAM: in the role's own policy while there
 * is room, then in managed ones, which roles with the same accesses share. The CDK would divide only between
 * statements.
 */
export function grantAccess(role: Role, accesses: readonly Access[]): void {
  const [inline = [], ...managed] = policiesOf(accesses, inlineCharacters);
  for (const statement of inline) role.addToPolicy(statement);
  if (managed.length === 0) return;
  const stack = Stack.of(role);
  const made = shared.get(stack) ?? new Map<string, readonly ManagedPolicy[]>();
  shared.set(stack, made);
  const content = JSON.stringify(managed.map((some) => some.map((statement): unknown => statement.toStatementJson())));
  const same = made.get(content);
  if (same) for (const policy of same) policy.attachToRole(role);
  else made.set(content, attached(role, 'Sides', managed));
}

/** The managed policies of {@link grantAccess} in each stack, by what they allow. */
const shared = new WeakMap<Stack, Map<string, readonly ManagedPolicy[]>>();

/** Managed policies that grant `accesses` to one role, as many as their sizes need; `id` begins their logical IDs. */
export function managedPolicies(role: Role, id: string, accesses: readonly Access[]): ManagedPolicy[] {
  return attached(role, id, policiesOf(accesses, managedCharacters));
}

function attached(role: Role, id: string, policies: readonly PolicyStatement[][]): ManagedPolicy[] {
  return policies.map(
    (statements, index) =>
      new ManagedPolicy(role, `${id}${index + 1}`, {
        roles: [role],
        // Merged again, they would be too long.
        document: new PolicyDocument({ statements, minimize: false }),
      }),
  );
}

/**
 * The statements of `accesses`, divided into policies: the first has room for `firstCharacters`, the others are managed
 * ones. All resources (or contexts) with the same actions and conditions are in one statement, or in one a policy.
 */
export function policiesOf(accesses: readonly Access[], firstCharacters: number): PolicyStatement[][] {
  const policies: PolicyStatement[][] = [[]];
  let room = firstCharacters;
  for (const { access, texts } of alike(accesses)) {
    const frame = charactersOf(statementOf(access, ['']).toStatementJson());
    let taken: string[] = [];
    const close = (): void => {
      if (taken.length > 0) policies.at(-1)?.push(statementOf(access, taken));
      taken = [];
    };
    for (const text of texts) {
      const size = charactersOf(text) + 1 + (taken.length === 0 ? frame : 0);
      if (size > room && (policies.length === 1 || room < managedCharacters)) {
        close();
        policies.push([]);
        room = managedCharacters - frame - charactersOf(text) - 1;
      } else {
        room -= size;
      }
      taken.push(text);
    }
    close();
  }
  return policies;
}

/** Accesses with the same actions and conditions as one, with all their resources; or all their contexts. */
function alike(accesses: readonly Access[]): { access: Access; texts: Set<string> }[] {
  const found = new Map<string, { access: Access; texts: Set<string> }>();
  for (const { contexts, ...access } of accesses) {
    const actions = [...new Set(access.actions)].sort();
    const key = JSON.stringify([actions, access.conditions ?? {}, contexts && access.resources]);
    const same = found.get(key) ?? { access: { ...access, actions, ...(contexts && { contexts }) }, texts: new Set() };
    found.set(key, same);
    for (const text of contexts ?? access.resources) same.texts.add(text);
  }
  return [...found.values()];
}

/** @param texts the resources, or the contexts of an access that has some */
function statementOf({ actions, resources, conditions = {}, contexts }: Access, texts: string[]): PolicyStatement {
  const inContexts = contexts ? { StringLike: { 'kms:EncryptionContext:aws:s3:arn': texts } } : {};
  return new PolicyStatement({
    actions: [...actions],
    resources: contexts ? [...resources] : texts,
    conditions: { ...conditions, ...inContexts },
  });
}
