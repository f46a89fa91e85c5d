import type { S3Client } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { Fault } from '../../model/faults.ts';
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
            const refusal = refusalOf(error);
            if (refusal === undefined || renewals >= maxRenewals) throw error;
            if (!(await keys.renewed(used, refusal === 'keys'))) throw error;
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

/** Codes that say that it is the keys. Some come with 400. */
const ofKeys: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);
/** Codes of a 403 that no other keys help. */
const notOfKeys: ReadonlySet<string> = new Set(['InvalidObjectState', 'RequestTimeTooSkewed']);
/** What the SDK calls an error without a code. */
const noCode = /^(Unknown|UnknownError|BadRequest|400)$/;

/**
 * May the answer be due to the keys? `keys`: the store says so; `access`: it may be a permission too. The answer to HEAD
 * has no body that says more than its status, which is 400 for a token that ended.
 */
function refusalOf(error: unknown): 'keys' | 'access' | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (ofKeys.has(name)) return 'keys';
  const refused = ((status === 401 || status === 403) && !notOfKeys.has(name)) || (status === 400 && noCode.test(name));
  return refused ? 'access' : undefined;
}
