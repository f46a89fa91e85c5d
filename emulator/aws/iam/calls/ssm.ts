import { arnOf, type Account } from '../../account.ts';
import type { Call } from '../policy.ts';

/**
 * What a request to Parameter Store calls. A name's own slash is that of the ARN: /a/b is `parameter/a/b`. Source:
 * Service Authorization Reference, Actions, resources, and condition keys for AWS Systems Manager.
 */
export function ssmCalls(operation: string, input: Readonly<Record<string, unknown>>, account: Account): Call[] {
  const named = [input['Names'] ?? input['Name'] ?? input['Path']].flat().filter((name) => typeof name === 'string');
  const resources = named.map((name) =>
    name.startsWith('arn:') ? name : arnOf(account, 'ssm', `parameter/${name.replace(/^\//, '')}`),
  );
  return (resources.length > 0 ? resources : ['*']).map((resource) => ({ action: `ssm:${operation}`, resource }));
}
