import type { Side, SideCredentials } from '../../model/config/task.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import { RenewableKeys, type KeySource, type SideKeys } from './key-source.ts';
import { parseKeys } from './keys-text.ts';
import type { Parameters } from '../parameters.ts';
import { assumeRole, assumeRoleByToken } from './roles.ts';
import { readSecret } from './secrets.ts';

/** The credentials of sides that have some of their own; sides that name the same ones share them. */
export class Credentials {
  readonly #parameters: Pick<Parameters, 'secret'>;
  readonly #clock: Clock;
  readonly #sources = new Map<string, KeySource>();

  constructor(parameters: Pick<Parameters, 'secret'>, clock: Clock = systemClock) {
    this.#parameters = parameters;
    this.#clock = clock;
  }

  /** @returns undefined for a side without any, or whose requests are not signed */
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
    // A task whose side names no region is refused when it is parsed.
    return assumeRoleByToken(roleArn, audience, region ?? '');
  }
}
