import type { IncomingMessage } from 'node:http';
import type { Account } from '../account.ts';
import { refusalText, type Access, type Refusal } from '../iam/access.ts';
import type { Call } from '../iam/policy.ts';
import { credentialScope } from './credential-scope.ts';
import { AwsError, jsonError, type Answer } from './exchange.ts';

/** Answers a request that its caller may not make; undefined lets it pass. */
export type Guard = (req: Pick<IncomingMessage, 'headers' | 'url'>, body: Buffer) => Answer | undefined;

export interface GuardOptions {
  readonly service: string;
  /** what an operation calls, with the JSON input of the request */
  readonly callsOf: (operation: string, input: Readonly<Record<string, unknown>>, account: Account) => readonly Call[];
  readonly access: Access;
  readonly account: Account;
}

/** Admits the requests to a JSON service that the policies of their callers allow. Signatures are not verified. */
export function guard({ service, callsOf, access, account }: GuardOptions): Guard {
  return (req, body) => {
    const accessKeyId = credentialScope(req)?.accessKeyId ?? '';
    const caller = access.callerOf(accessKeyId);
    const token = access.credentialsOf(accessKeyId)?.sessionToken;
    if (!caller || (token !== undefined && req.headers['x-amz-security-token'] !== token)) {
      const message = 'The security token included in the request is invalid.';
      return jsonError(new AwsError(unknownKeyCodes[service] ?? 'UnrecognizedClientException', message, 403));
    }
    // Of a request in another protocol, what it calls is not known. Then the action is one that no policy allows.
    const operation = String(req.headers['x-amz-target'] ?? '').split('.')[1] ?? 'unknown';
    for (const call of callsOf(operation, parsed(body), account)) {
      const refusal = access.refusal(caller, call);
      if (refusal) return refusals[service]?.(refusal) ?? accessDeniedException(refusal);
    }
    return undefined;
  };
}

/** Which code a service answers for an unknown key (its API Reference: Common errors). */
const unknownKeyCodes: Readonly<Record<string, string>> = { sqs: 'InvalidClientTokenId' };

const refusals: Readonly<Record<string, (refusal: Refusal) => Answer>> = {
  /** SQS writes actions in lower case, as in aws/serverless-application-model#3633. */
  sqs: (refusal) => {
    const lower = refusal.action.toLowerCase();
    const reason = refusal.reason.replace(refusal.action, lower);
    const text = refusalText({ ...refusal, action: lower, reason });
    const { headers, ...answer } = jsonError(new AwsError('AccessDeniedException', text, 403));
    // SDKs name the error after this header, as in the query protocol.
    return { ...answer, headers: { ...headers, 'x-amzn-query-error': 'AccessDenied;Sender' } };
  },
};

/** The code in the common errors of DynamoDB, Step Functions and Systems Manager. */
function accessDeniedException(refusal: Refusal): Answer {
  return jsonError(new AwsError('AccessDeniedException', refusalText(refusal)));
}

/** The body as JSON; `{}` if it is malformed, which the service itself reports. */
function parsed(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
