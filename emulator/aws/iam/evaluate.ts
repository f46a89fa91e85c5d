import { EmulatorError } from '../errors.ts';
import { conditions, contextOf, type Condition, type Context } from './conditions.ts';
import { pattern, type Matcher } from './patterns.ts';
import type { Call, CallerNames, Decision, Grant, PolicyDocument, Statement, Verdict } from './policy.ts';

/** Policies that are ready to decide calls: what does not depend on a call was done once. */
export interface Policies {
  /** IAM User Guide: Policy evaluation logic. A statement that denies wins over all that allow. */
  readonly decide: (call: Call, caller?: CallerNames) => Decision;
  /** every action on every resource that a statement allows, in order */
  readonly grants: readonly Grant[];
}

/**
 * What the policies of one identity say of a call. Boundaries and sessions are not looked at.
 * @throws EmulatorError `NotSupported` for an element or an operator that it does not know: guessing could allow a call
 */
export function evaluate(documents: readonly PolicyDocument[], call: Call): Verdict {
  return identityPolicies(documents).decide(call).verdict;
}

/** Policies of an identity: a user or a role. @throws EmulatorError `NotSupported`, as {@link evaluate} */
export function identityPolicies(documents: readonly PolicyDocument[]): Policies {
  return policies(documents, (statement) => {
    requireKnown(statement, ['Sid', 'Effect', 'Action', 'Resource', 'Condition']);
    return () => true;
  });
}

/**
 * Policies of a resource, which name whom they are about: of a queue, a function, or the trust policy of a role.
 * @throws EmulatorError `NotSupported`, as {@link evaluate}
 */
export function resourcePolicies(documents: readonly PolicyDocument[]): Policies {
  return policies(documents, (statement) => {
    requireKnown(statement, ['Sid', 'Effect', 'Action', 'Resource', 'Condition', 'Principal']);
    return isAbout(statement.Principal ?? {});
  });
}

function requireKnown(statement: Statement, elements: readonly string[]): void {
  const unknown = Object.keys(statement).find((element) => !elements.includes(element));
  if (unknown !== undefined) throw new EmulatorError('NotSupported', `policies with ${unknown} are not evaluated`);
}

type IsAbout = (caller: CallerNames) => boolean;

/** `"*"` and `{"AWS": "*"}` are everyone; an account's ID is all of the account. */
function isAbout(principal: NonNullable<Statement['Principal']>): IsAbout {
  if (principal === '*') return () => true;
  if (typeof principal === 'string') return () => false;
  const services = new Set([principal['Service'] ?? []].flat());
  const names = [principal['AWS'] ?? []].flat();
  return ({ service, arns = [] }) =>
    (service !== undefined && services.has(service)) ||
    names.some((name) => name === '*' || arns.some((arn) => arn === name || arn.split(':')[4] === name));
}

interface Compiled {
  readonly denies: boolean;
  readonly isAbout: IsAbout;
  readonly actions: readonly Matcher[];
  readonly resources: readonly Matcher[];
  readonly holds: Condition;
  /** by action, then by resource; empty if the statement denies */
  readonly grants: readonly (readonly Grant[])[];
}

function policies(documents: readonly PolicyDocument[], aboutOf: (statement: Statement) => IsAbout): Policies {
  const statements = documents
    .flatMap(({ Statement }) => [Statement].flat())
    .map((statement) => compiled(statement, aboutOf(statement)));
  const denying = statements.filter(({ denies }) => denies);
  const allowing = statements.filter(({ denies }) => !denies);
  return {
    grants: allowing.flatMap(({ grants }) => grants.flat()),
    decide: (call, caller = {}) => {
      const context = contextOf(call);
      const action = call.action.toLowerCase();
      const match = (statement: Compiled): Grant | undefined =>
        statement.isAbout(caller) ? matched(statement, action, call.resource, context) : undefined;
      if (denying.some(match)) return { verdict: 'denied' };
      for (const statement of allowing) {
        const grant = match(statement);
        if (grant) return { verdict: 'allowed', grant };
      }
      return { verdict: 'not allowed' };
    },
  };
}

function compiled(statement: Statement, about: IsAbout): Compiled {
  const actions = [statement.Action].flat();
  // A trust policy has no resource: it is that of one role.
  const resources = [statement.Resource ?? (statement.Principal === undefined ? [] : '*')].flat();
  return {
    denies: statement.Effect === 'Deny',
    isAbout: about,
    actions: actions.map((action) => pattern(action.toLowerCase())),
    resources: resources.map(pattern),
    holds: conditions(statement.Condition ?? {}),
    grants: actions.map((action) => resources.map((resource) => ({ action, resource }))),
  };
}

/** @param action in lower case */
function matched(statement: Compiled, action: string, resource: string, context: Context): Grant | undefined {
  const actionIndex = statement.actions.findIndex((matches) => matches(action));
  if (actionIndex < 0) return undefined;
  const resourceIndex = statement.resources.findIndex((matches) => matches(resource));
  if (resourceIndex < 0 || !statement.holds(context)) return undefined;
  return statement.grants[actionIndex]?.[resourceIndex];
}
