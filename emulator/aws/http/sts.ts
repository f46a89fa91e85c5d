import { arnOf, type Account } from '../account.ts';
import { AwsError, readBody, respond, type RequestHandler } from './exchange.ts';

/** STS: GetCallerIdentity only, which tools call first. */
export function stsHandler(account: Account): RequestHandler {
  return async (req, res) => {
    const action = new URLSearchParams((await readBody(req, 1024 * 1024)).toString()).get('Action');
    if (action !== 'GetCallerIdentity') {
      throw new AwsError('InvalidAction', `found Action "${action ?? ''}", expected GetCallerIdentity`);
    }
    const arn = arnOf({ ...account, region: '' }, 'iam', 'root');
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
