import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { identityPolicies, resourcePolicies } from '../../aws/iam/evaluate.ts';
import type { Statement } from '../../aws/iam/policy.ts';
import { settingsOf } from '../../aws/options.ts';
import { openServices, type Services } from '../../aws/services.ts';
import { Teardown } from '../../aws/teardown.ts';
import { openS3Server } from '../../s3/index.ts';
import { scratch } from './assembly.ts';

type Keys = { accessKeyId: string; secretAccessKey: string };
type Client<T> = new (config: { endpoint: string; region: string; credentials: Keys; maxAttempts: number }) => T;

/** An account without a stack: the services, and callers with any permissions. */
export interface OpenAccount {
  readonly services: Services;
  /** An SDK client of a user who may do what these statements allow; of the administrator without any. */
  readonly client: <T extends { destroy: () => void }>(Client: Client<T>, statements?: readonly Statement[]) => T;
  /** Gives a resource a policy, instead of all that were given before. */
  readonly resourcePolicy: (arn: string, statement: Statement) => void;
  readonly close: () => Promise<void>;
}

const admin: Keys = { accessKeyId: 'admin', secretAccessKey: 'secret' };

export async function openAccount(buckets: readonly string[]): Promise<OpenAccount> {
  const directory = scratch();
  const teardown = new Teardown();
  const settings = settingsOf({
    port: 0,
    dataDirectory: join(directory.path, 'data'),
    assemblyDirectory: '',
    credentials: admin,
    openS3: (surroundings) => openS3Server({ ...surroundings, onError: () => undefined }),
  });
  const services = await openServices(settings, teardown);
  for (const bucket of buckets) await services.s3.createBucket(bucket);
  const clients: { destroy: () => void }[] = [];
  return {
    services,
    client: (Client, statements) => {
      const credentials = statements ? { accessKeyId: randomUUID(), secretAccessKey: 'secret' } : admin;
      if (statements) services.access.addUser('tester', credentials, identityPolicies([{ Statement: statements }]));
      const client = new Client({
        endpoint: services.gateway.endpoint,
        region: 'us-east-1',
        credentials,
        maxAttempts: 1,
      });
      clients.push(client);
      return client;
    },
    resourcePolicy: (arn, statement) => {
      const resources = new Map([[arn, resourcePolicies([{ Statement: statement }])]]);
      services.access.deploy({ roles: [], instanceRoles: [], resources });
    },
    close: async () => {
      for (const client of clients) client.destroy();
      await teardown.run(1000);
      directory.remove();
    },
  };
}
