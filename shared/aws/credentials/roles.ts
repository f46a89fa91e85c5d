import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetWebIdentityTokenCommand,
  STSClient,
  type Credentials,
} from '@aws-sdk/client-sts';
import { Fault } from '../../model/faults.ts';
import { identityTokenSeconds } from '../../model/limits.ts';
import { accessFault } from '../faults.ts';
import type { SideKeys } from './key-source.ts';
import { clientSettings } from '../service-clients.ts';

/** STS's maximum for a role that is assumed by the session of another role. */
const sessionSeconds = 3600;
/** Shown in the other account's CloudTrail. */
const sessionName = 's3-ferry';

/** Keys of a role of the same partition. @throws Fault `CredentialsRefused`, `Throttled`, `Unavailable` */
export async function assumeRole(roleArn: string, externalId: string | undefined): Promise<SideKeys> {
  const command = new AssumeRoleCommand({
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: sessionSeconds,
    ...(externalId !== undefined && { ExternalId: externalId }),
  });
  const what = `AssumeRole ${roleArn}`;
  const answer = await withClient(undefined, what, (client) => client.send(command));
  return keysOf(answer.Credentials, what);
}

/**
 * Keys of a role of another partition. Our own STS signs a token with our identity, and the STS of a region of the
 * other partition exchanges it for keys; that request carries the token and no signature.
 * @throws Fault `CredentialsRefused`, `Throttled`, `Unavailable`
 */
export async function assumeRoleByToken(roleArn: string, audience: string, region: string): Promise<SideKeys> {
  const asked = new GetWebIdentityTokenCommand({
    Audience: [audience],
    // The identity providers of every partition support it.
    SigningAlgorithm: 'RS256',
    DurationSeconds: identityTokenSeconds,
  });
  const { WebIdentityToken } = await withClient(undefined, 'GetWebIdentityToken', (client) => client.send(asked));
  const exchange = new AssumeRoleWithWebIdentityCommand({
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: sessionSeconds,
    WebIdentityToken,
  });
  const what = `AssumeRoleWithWebIdentity ${roleArn} in ${region}`;
  const answer = await withClient(region, what, (client) => client.send(exchange));
  return keysOf(answer.Credentials, what);
}

/** Makes one call to STS. @param region by default the one in which this process runs */
async function withClient<Answer>(
  region: string | undefined,
  what: string,
  call: (client: STSClient) => Promise<Answer>,
): Promise<Answer> {
  const client = new STSClient({ ...clientSettings(), ...(region !== undefined && { region }) });
  try {
    return await call(client);
  } catch (error) {
    throw accessFault(error, what);
  } finally {
    client.destroy();
  }
}

function keysOf(credentials: Credentials | undefined, what: string): SideKeys {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = credentials ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) {
    throw new Fault('Unavailable', `${what}: the answer has no credentials`);
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    ...(Expiration && { expires: Expiration.getTime() }),
  };
}
