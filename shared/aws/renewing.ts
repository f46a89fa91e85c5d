import type { S3Client } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { Fault } from '../model/faults.ts';
import type { KeySource } from './key-source.ts';

/** Times that one call is made again with other keys: a second rotation within one call is hardly possible. */
const maxRenewals = 2;

/**
 * Makes a call of the client anew, once other keys are there, after the store refused those it was signed with. The one
 * place that does: whoever uses the client does not see that keys were rotated. A body that streams cannot be sent a
 * second time: its owner does, on the fault `Unavailable`, and finds the new keys.
 */
export function renewRefusedKeys(client: S3Client, keys: KeySource): void {
  client.middlewareStack.add(
    (next, { commandName = 'call' }) =>
      async (args) => {
        for (let renewals = 0; ; renewals++) {
          const used = await keys.current();
          try {
            return await next(args);
          } catch (error) {
            if (!isRefusal(error) || renewals >= maxRenewals) throw error;
            if (!(await keys.renewed(used))) throw error;
            if ((args.input as { Body?: unknown }).Body instanceof Readable) {
              const operation = commandName.replace(/Command$/, '');
              throw new Fault(
                'Unavailable',
                `${operation}: the store refused the credentials; others are there, the body has to be sent again`,
                { cause: error },
              );
            }
          }
        }
      },
    // Outside of everything else, so that the call is signed anew.
    { step: 'initialize', priority: 'high', name: 's3FerryRenewRefusedKeys' },
  );
}

/** Codes of refusals that are not 403. */
const refusals: ReadonlySet<string> = new Set([
  'AccessDenied',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);
/** Codes of a 403 that no other keys help. */
const notByKeys: ReadonlySet<string> = new Set(['InvalidObjectState', 'RequestTimeTooSkewed']);

/**
 * May the answer be due to the keys? HEAD has no body that says more than the status, which is 400 for a token that
 * ended.
 */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (refusals.has(name)) return true;
  if (status === 400) return !/[A-Z][a-z]+[A-Z]/.test(name) || name === 'BadRequest' || name === 'UnknownError';
  return (status === 401 || status === 403) && !notByKeys.has(name);
}
