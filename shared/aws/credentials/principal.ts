import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { isS3Itself } from '../../model/config/s3-itself.ts';
import type { Side } from '../../model/config/task.ts';
import { clientSettings } from '../service-clients.ts';
import type { KeySource } from './key-source.ts';

/**
 * Whose permissions the requests of a side have, for messages: an ARN where the task names one or STS tells it (which
 * needs no permission: AWS STS API Reference, GetCallerIdentity), otherwise where the keys come from. Never a key.
 * @param keys the side's own keys; without them the process's credentials are used
 */
export async function principalOf(side: Side, keys: KeySource | undefined): Promise<string> {
  const { credentials } = side;
  if (credentials === undefined) return (await callerArn(side.region, undefined)) ?? 'the role of this process';
  if ('anonymous' in credentials) return 'an anonymous request';
  if ('roleArn' in credentials) return credentials.roleArn;
  if ('webIdentity' in credentials) return credentials.webIdentity.roleArn;
  const place =
    'ssmParameter' in credentials ? `parameter ${credentials.ssmParameter}` : `secret ${credentials.secretArn}`;
  const owner = `the owner of the keys in ${place}`;
  // Keys of another store are none of AWS's business.
  return isS3Itself(side) ? ((await callerArn(side.region, keys)) ?? owner) : owner;
}

/** @returns undefined if STS does not say it, for whatever reason: the message is about something else */
async function callerArn(region: string | undefined, keys: KeySource | undefined): Promise<string | undefined> {
  const client = new STSClient({
    ...clientSettings(),
    maxAttempts: 2,
    ...(region !== undefined && { region }),
    ...(keys && { credentials: () => keys.current() }),
  });
  try {
    return (await client.send(new GetCallerIdentityCommand({}))).Arn;
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}
