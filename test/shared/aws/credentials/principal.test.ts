import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { principalOf } from '../../../../shared/aws/credentials/principal.ts';
import type { SideCredentials } from '../../../../shared/model/config/task.ts';

/** The SDK's STS client, against a server that answers as STS does. */

const arn = 'arn:aws-cn:iam::444455556666:user/ferry';
const keys = {
  current: async () => ({ accessKeyId: 'AKIAFAR', secretAccessKey: 'far-secret' }),
  renew: async () => true,
};
const before = process.env;
let server: Server;
let asked: { key: string | undefined; region: string | undefined }[];
let status: number;

beforeAll(async () => {
  server = createServer((req, res) => {
    const [, key, region] = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(req.headers.authorization ?? '') ?? [];
    asked.push({ key, region });
    void text(req).then(() =>
      res
        .writeHead(status)
        .end(
          `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${arn}</Arn></GetCallerIdentityResult>` +
            '</GetCallerIdentityResponse>',
        ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env = {
    ...before,
    AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIAOWN',
    AWS_SECRET_ACCESS_KEY: 'own-secret',
  };
});
afterAll(() => {
  process.env = before;
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  asked = [];
  status = 200;
});

const side = (credentials?: SideCredentials, more: object = {}) => ({
  bucket: 'b',
  prefix: '',
  requestPayer: false,
  ...(credentials && { credentials }),
  ...more,
});

describe('the principal of a side', () => {
  it('is who STS says, in the region of the side, asked with the keys of the side', async () => {
    const far = side({ ssmParameter: 'far' }, { region: 'cn-north-1' });
    expect(await principalOf(far, keys as never)).toBe(arn);
    expect(await principalOf(side(), undefined)).toBe(arn);
    expect(asked).toEqual([
      { key: 'AKIAFAR', region: 'cn-north-1' },
      { key: 'AKIAOWN', region: 'us-east-1' },
    ]);
  });

  it('is the role that the task names, or no one', async () => {
    const roleArn = 'arn:aws:iam::1:role/reader';
    expect(await principalOf(side({ roleArn }), undefined)).toBe(roleArn);
    expect(await principalOf(side({ webIdentity: { roleArn, audience: 'a' } }), undefined)).toBe(roleArn);
    expect(await principalOf(side({ anonymous: true }), undefined)).toBe('an anonymous request');
    expect(asked).toEqual([]);
  });

  it('is the place of the keys, if they are of another store or STS does not answer; never a key', async () => {
    const store = side({ ssmParameter: 'oss-keys' }, { endpoint: 'https://oss-cn-hangzhou.aliyuncs.com' });
    expect(await principalOf(store, keys as never)).toBe('the owner of the keys in parameter oss-keys');
    expect(asked).toEqual([]);
    status = 403;
    const secretArn = 'arn:aws:secretsmanager:us-east-1:1:secret:s';
    expect(await principalOf(side({ secretArn }), keys as never)).toBe(`the owner of the keys in secret ${secretArn}`);
    expect(await principalOf(side(), undefined)).toBe('the role of this process');
  });
});
