import type { Account } from '../account.ts';
import type { Access } from '../iam/access.ts';
import { credentialScope } from './credential-scope.ts';
import { AwsError, readBody, respond, type RequestHandler } from './exchange.ts';

/**
 * STS: GetCallerIdentity only, which tools call first. It needs no permission (STS API Reference: GetCallerIdentity).
 */
export function stsHandler(account: Account, access: Access): RequestHandler {
  return async (req, res) => {
    const action = new URLSearchParams((await readBody(req, 1024 * 1024)).toString()).get('Action');
    if (action !== 'GetCallerIdentity') {
      throw new AwsError('InvalidAction', `found Action "${action ?? ''}", expected GetCallerIdentity`);
    }
    const arn = access.callerOf(credentialScope(req)?.accessKeyId ?? '')?.arn;
    if (arn === undefined) {
      throw new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid.', 403);
    }
    const result = `<Arn>${arn}</Arn><UserId>${account.accountId}</UserId><Account>${account.accountId}</Account>`;
    respond(res, {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body:
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
        `<GetCallerIdentityResult>${result}</GetCallerIdentityResult></GetCallerIdentityResponse>`,
    });
  };
}
