import type { Side, SideCredentials } from '../../model/config/task.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import { RenewableKeys, type KeySource, type SideKeys } from './key-source.ts';
import { parseKeys } from './keys-text.ts';
import type { Parameters } from '../parameters.ts';
import { assumeRole, assumeRoleByToken } from './roles.ts';
import { readSecret } from './secrets.ts';

/**
 * Credentials of a task's sides. A side names at most one kind: a SecureString, a secret, a role, or a role of another
 * partition; without one, the process's own credentials are used. Each kind is read by its own module (keys-text.ts,
 * secrets.ts, roles.ts). The keys are cached and read again when they are old, about to expire or refused
 * (key-source.ts). An S3 client repeats a call whose keys were refused once new ones are there (renewing.ts), so no
 * other code notices a rotation. Sides that name the same credentials share one source.
 */
export class Credentials {
  readonly #parameters: Pick<Parameters, 'secret'>;
  readonly #clock: Clock;
  readonly #sources = new Map<string, KeySource>();

  constructor(parameters: Pick<Parameters, 'secret'>, clock: Clock = systemClock) {
    this.#parameters = parameters;
    this.#clock = clock;
  }

  /** @returns undefined for a side without credentials of its own, or whose requests are not signed */
  of({ credentials, region }: Pick<Side, 'credentials' | 'region'>): KeySource | undefined {
    if (!credentials || 'anonymous' in credentials) return undefined;
    const identity = JSON.stringify([credentials, 'webIdentity' in credentials && region]);
    let source = this.#sources.get(identity);
    if (!source) {
      source = new RenewableKeys(() => this.#read(credentials, region), this.#clock);
      this.#sources.set(identity, source);
    }
    return source;
  }

  async #read(
    credentials: Exclude<SideCredentials, { readonly anonymous: true }>,
    region: string | undefined,
  ): Promise<SideKeys> {
    if ('ssmParameter' in credentials) {
      const name = credentials.ssmParameter;
      return parseKeys(await this.#parameters.secret(name), `parameter ${name}`);
    }
    if ('secretArn' in credentials) {
      return parseKeys(await readSecret(credentials.secretArn), `secret ${credentials.secretArn}`);
    }
    if ('roleArn' in credentials) return assumeRole(credentials.roleArn, credentials.externalId);
    const { roleArn, audience } = credentials.webIdentity;
    // Parsing refuses a task whose side lacks the region.
    return assumeRoleByToken(roleArn, audience, region ?? '');
  }
}
