import { randomBytes } from 'node:crypto';
import type { Account } from '../account.ts';
import { EmulatorError } from '../errors.ts';
import type { Credentials } from '../lambda/function-definition.ts';
import type { Policies } from './evaluate.ts';
import type { Call, CallerNames, Decision, Grant } from './policy.ts';

/** A role of the stack. */
export interface Role {
  readonly name: string;
  readonly arn: string;
  readonly policies: Policies;
  /** who may assume it */
  readonly trust: Policies;
}

/** All permissions of a stack. */
export interface StackPermissions {
  readonly roles: readonly Role[];
  /** the roles of instance profiles, by ARN */
  readonly instanceRoles: readonly string[];
  /** the policies of queues and functions, by the ARN of the resource */
  readonly resources: ReadonlyMap<string, Policies>;
}

/** Who makes a call. */
export interface Caller {
  /** as messages and GetCallerIdentity show it */
  readonly arn: string;
  readonly names: CallerNames;
  /** `all`: the account's administrator; `none`: a service, which only policies of resources admit */
  readonly policies: Policies | 'all' | 'none';
}

/** A refused call, with the reason as AWS words it. */
export interface Refusal {
  readonly caller: string;
  readonly action: string;
  readonly resource: string;
  readonly reason: string;
}

/** A permission of the stack, and whether a call has needed it so far. */
export interface PermissionUse extends Grant {
  /** the name of the role, or the ARN of the resource whose policy it is */
  readonly holder: string;
  readonly used: boolean;
}

interface Key {
  readonly credentials: Credentials;
  readonly caller: Caller;
}

/**
 * Who may do what (IAM User Guide: Policy evaluation logic, for one account): a call is allowed if a policy of the
 * caller or of the resource allows it and none denies it. The account's own credentials may do everything.
 */
export class Access {
  readonly #account: Account;
  readonly #keys = new Map<string, Key>();
  readonly #used = new Set<Grant>();
  #stack: StackPermissions = { roles: [], instanceRoles: [], resources: new Map() };

  /** @param admin the credentials of the account's user, as the commands print them */
  constructor(account: Account, admin: Credentials) {
    this.#account = account;
    const arn = this.#iam('root');
    this.#keys.set(admin.accessKeyId, { credentials: admin, caller: { arn, names: { arns: [arn] }, policies: 'all' } });
  }

  /** Takes over the permissions of a stack. Sessions of roles that were begun before keep theirs. */
  deploy(stack: StackPermissions): void {
    this.#stack = stack;
  }

  /** The credentials of an access key ID. */
  credentialsOf(accessKeyId: string): Credentials | undefined {
    return this.#keys.get(accessKeyId)?.credentials;
  }

  /** Whose access key it is. */
  callerOf(accessKeyId: string): Caller | undefined {
    return this.#keys.get(accessKeyId)?.caller;
  }

  /** Adds a user, such as one of another account, with policies of its own. */
  addUser(name: string, credentials: Credentials, policies: Policies): void {
    const arn = this.#iam(`user/${name}`);
    this.#keys.set(credentials.accessKeyId, { credentials, caller: { arn, names: this.#names(arn), policies } });
  }

  /**
   * A service in a role of the stack, such as the function that runs in it.
   * @param session the name that messages show: of the function, the machine or the rule
   * @throws EmulatorError `InvalidInput` if there is no such role, or its trust policy does not admit the service
   */
  assume(roleArn: string, service: string, session: string, source = ''): Caller {
    const role = this.#stack.roles.find(({ arn }) => arn === roleArn);
    if (!role) throw new EmulatorError('InvalidInput', `${session}: the template has no role ${roleArn}`);
    const context = { 'aws:SourceArn': source, 'aws:SourceAccount': this.#account.accountId };
    const { verdict } = role.trust.decide({ action: 'sts:AssumeRole', resource: roleArn, context }, { service });
    if (verdict !== 'allowed') {
      throw new EmulatorError('InvalidInput', `${session}: the role ${roleArn} cannot be assumed by ${service}`);
    }
    const { partition, accountId } = this.#account;
    const arn = `arn:${partition}:sts::${accountId}:assumed-role/${role.name}/${session}`;
    return { arn, names: this.#names(arn, roleArn), policies: role.policies };
  }

  /** Credentials of a session, as Lambda passes them to a function. */
  credentialsFor(caller: Caller): Credentials {
    const credentials = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(90).toString('base64'),
    };
    this.#keys.set(credentials.accessKeyId, { credentials, caller });
    return credentials;
  }

  /** Credentials of the role of the stack's instances. @throws EmulatorError if the stack has none */
  instanceCredentials(): Credentials {
    const [roleArn] = this.#stack.instanceRoles;
    if (roleArn === undefined) throw new EmulatorError('InvalidInput', 'the template has no instance profile');
    // In China the service principal of EC2 has another ending.
    return this.credentialsFor(this.assume(roleArn, `ec2.${this.#account.urlSuffix}`, 'i-0000000000000local'));
  }

  /** A service that acts for itself, which only policies of resources can admit. */
  service(name: string): Caller {
    return { arn: name, names: { service: name }, policies: 'none' };
  }

  /** Why a call is refused; undefined if it is allowed, which counts as a use of what allows it. */
  refusal(caller: Caller, call: Call): Refusal | undefined {
    if (caller.policies === 'all') return undefined;
    const whole = { ...call, context: { ...this.#commonContext(caller), ...call.context } };
    const own = caller.policies === 'none' ? nothing : caller.policies.decide(whole);
    const resource = this.#stack.resources.get(call.resource)?.decide(whole, caller.names) ?? nothing;
    const grant = own.grant ?? resource.grant;
    const denied = [own, resource].find(({ verdict }) => verdict === 'denied');
    if (grant && !denied) {
      this.#used.add(grant);
      return undefined;
    }
    const byResource = denied ? denied === resource : caller.policies === 'none';
    const kind = byResource ? 'resource-based' : 'identity-based';
    const reason = denied
      ? `with an explicit deny in ${byResource ? 'a' : 'an'} ${kind} policy`
      : `because no ${kind} policy allows the ${call.action} action`;
    return { caller: caller.arn, action: call.action, resource: call.resource, reason };
  }

  /** All permissions of the stack's roles and resources. */
  permissions(): PermissionUse[] {
    const use = (holder: string, { grants }: Policies): PermissionUse[] =>
      grants.map((grant) => ({ holder, ...grant, used: this.#used.has(grant) }));
    return [
      ...this.#stack.roles.flatMap(({ name, policies }) => use(name, policies)),
      ...[...this.#stack.resources].flatMap(([arn, policies]) => use(arn, policies)),
    ];
  }

  /** AWS global condition keys that every call has. The loopback stands in for TLS. */
  #commonContext({ names }: Caller): NonNullable<Call['context']> {
    const { accountId } = this.#account;
    return {
      'aws:SecureTransport': 'true',
      'aws:ResourceAccount': accountId,
      ...(names.service === undefined && { 'aws:PrincipalAccount': accountId }),
    };
  }

  #names(...arns: readonly string[]): CallerNames {
    return { arns: [...arns, this.#iam('root')] };
  }

  #iam(resource: string): string {
    return `arn:${this.#account.partition}:iam::${this.#account.accountId}:${resource}`;
  }
}

const nothing: Decision = { verdict: 'not allowed' };

/** A refusal in one sentence (IAM User Guide: Troubleshoot access denied error messages). */
export function refusalText({ caller, action, resource, reason }: Refusal): string {
  return `User: ${caller} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
}
