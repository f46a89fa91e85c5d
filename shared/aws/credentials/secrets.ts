import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Fault } from '../../model/faults.ts';
import { accessFault } from '../faults.ts';
import { clientSettings } from '../service-clients.ts';

/**
 * Reads the text of a secret from Secrets Manager in the region that its ARN names.
 * @throws Fault `CredentialsRefused`, `Throttled`, `Unavailable`
 */
export async function readSecret(arn: string): Promise<string> {
  const client = new SecretsManagerClient({ ...clientSettings(), region: arn.split(':')[3] ?? '' });
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    if (SecretString !== undefined) return SecretString;
  } catch (error) {
    throw accessFault(error, `GetSecretValue ${arn}`);
  } finally {
    client.destroy();
  }
  throw new Fault('CredentialsRefused', `secret ${arn}: found binary content, expected JSON text`);
}
