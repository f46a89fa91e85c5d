import type { S3Client } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { Fault } from '../../model/faults.ts';
import type { KeySource } from './key-source.ts';

/** Times that one call is repeated with new keys: a second rotation within one call is very unlikely. */
const maxRenewals = 2;

/**
 * Makes the client repeat a call after the store refused its keys, once new keys are available. No other layer does, so
 * users of the client do not notice a rotation. A body that streams cannot be sent twice: the call fails with the fault
 * `Unavailable`, and the owner of the body retries with the new keys.
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
                `${operation}: the store refused the credentials; ` +
                  `new ones are available, the body has to be sent again`,
                { cause: error },
              );
            }
          }
        }
      },
    // Outermost, so that the call is signed again.
    { step: 'initialize', priority: 'high', name: 's3FerryRenewRefusedKeys' },
  );
}

/** Codes that mean that the keys are invalid. Some come with status 400. */
const keyCodes: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);
/** Codes of a 403 that new keys would not change. */
const otherCodes: ReadonlySet<string> = new Set(['InvalidObjectState', 'RequestTimeTooSkewed']);
/** The SDK's names for an error without a code. */
const noCode = /^(Unknown|UnknownError|BadRequest|400)$/;

/**
 * Whether the keys may be the reason for an error. `keys`: the store says so; `access`: a missing permission is
 * possible too. The answer to HEAD has no body, so only its status is known: 400 for an expired token.
 */
function refusalOf(error: unknown): 'keys' | 'access' | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (keyCodes.has(name)) return 'keys';
  const denied = (status === 401 || status === 403) && !otherCodes.has(name);
  const badRequest = status === 400 && noCode.test(name);
  return denied || badRequest ? 'access' : undefined;
}
