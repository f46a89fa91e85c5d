import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Credentials } from '../../../../shared/aws/credentials/credentials.ts';
import { BoundedHttpHandler } from '../../../../shared/aws/http/handler.ts';
import { Fault } from '../../../../shared/model/faults.ts';
import type { SideCredentials } from '../../../../shared/model/config/task.ts';

/** The SDK's own clients, against a server that answers as STS and Secrets Manager do. */

interface Asked {
  readonly signed: boolean;
  readonly region: string | undefined;
  readonly fields: Record<string, string>;
}

const roleArn = 'arn:aws:iam::123456789012:role/reader';
const chinaRole = 'arn:aws-cn:iam::123456789012:role/writer';
const secretArn = 'arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:keys-a1B2c3';
const json = '{"aws_access_key_id":"i","aws_secret_access_key":"s","session_token":"t","region":"r"}';

let server: Server;
let asked: Asked[];
let refuse: { status: number; code: string } | undefined;
let secretAnswer: object;
const before = process.env;

function sts(action: string, result: string): string {
  return `<${action}Response xmlns="https://sts.test/doc/2011-06-15/"><${action}Result>${result}</${action}Result></${action}Response>`;
}

const assumed =
  '<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>assumed-secret</SecretAccessKey>' +
  '<SessionToken>assumed-token</SessionToken><Expiration>2026-11-22T08:00:00Z</Expiration></Credentials>';

function answer(fields: Record<string, string>): string {
  const action = fields['Action'] ?? '';
  if (action === '') return JSON.stringify(secretAnswer);
  return sts(action, action === 'GetWebIdentityToken' ? '<WebIdentityToken>a.jwt.x</WebIdentityToken>' : assumed);
}

beforeAll(async () => {
  server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    void text(req).then((body) => {
      const target = req.headers['x-amz-target'];
      const fields =
        target === undefined
          ? Object.fromEntries(new URLSearchParams(body))
          : { target: String(target), ...(JSON.parse(body) as Record<string, string>) };
      const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(req.headers.authorization ?? '')?.[1];
      asked.push({ signed: req.headers.authorization !== undefined, region, fields });
      if (!refuse) return res.writeHead(200).end(answer(fields));
      const { status, code } = refuse;
      const shown =
        target === undefined
          ? `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>m</Message></Error></ErrorResponse>`
          : JSON.stringify({ __type: code, message: 'm' });
      return res.writeHead(status).end(shown);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env = {
    ...before,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'own',
    AWS_SECRET_ACCESS_KEY: 'own-secret',
  };
});

afterAll(async () => {
  process.env = before;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  asked = [];
  refuse = undefined;
  secretAnswer = { ARN: secretArn, SecretString: json };
});

const parameters: Record<string, string> = { good: json };
const credentials = new Credentials({
  secret: async (name) => {
    const found = parameters[name];
    if (found === undefined) throw new Fault('CredentialsRefused', `parameter ${name} with credentials does not exist`);
    return found;
  },
});

/** Reads without a cache. */
function read(own: SideCredentials, region?: string): Promise<unknown> {
  const fresh = new Credentials({ secret: async (name) => parameters[name] ?? '' });
  const source = fresh.of({ credentials: own, ...(region !== undefined && { region }) });
  return source ? source.current() : Promise.resolve(undefined);
}

const keys = { accessKeyId: 'i', secretAccessKey: 's', sessionToken: 't', region: 'r' };
const assumedKeys = {
  accessKeyId: 'ASIA1',
  secretAccessKey: 'assumed-secret',
  sessionToken: 'assumed-token',
  expires: Date.UTC(2026, 10, 22, 8),
};

describe('credentials of a side', () => {
  it('are undefined if the role of the function is used, or requests are not signed', () => {
    expect(credentials.of({})).toBeUndefined();
    expect(credentials.of({ credentials: { anonymous: true } })).toBeUndefined();
  });

  it('are shared by sides that name the same credentials', () => {
    const one = credentials.of({ credentials: { roleArn }, region: 'us-east-1' });
    expect(credentials.of({ credentials: { roleArn }, region: 'eu-west-1' })).toBe(one);
    expect(credentials.of({ credentials: { roleArn, externalId: 'x1' } })).not.toBe(one);
    // The STS of the region gives the role.
    const webIdentity = { roleArn: chinaRole, audience: 'a' };
    const north = credentials.of({ credentials: { webIdentity }, region: 'cn-north-1' });
    expect(credentials.of({ credentials: { webIdentity }, region: 'cn-northwest-1' })).not.toBe(north);
  });

  it('are read from a SecureString', async () => {
    expect(await read({ ssmParameter: 'good' })).toEqual(keys);
    await expect(credentials.of({ credentials: { ssmParameter: 'none' } })?.current()).rejects.toMatchObject({
      name: 'CredentialsRefused',
      message: 'parameter none with credentials does not exist',
    });
  });

  it('are read from a secret, in the region of its ARN', async () => {
    expect(await read({ secretArn })).toEqual(keys);
    expect(asked).toEqual([
      {
        signed: true,
        region: 'cn-north-1',
        fields: { target: 'secretsmanager.GetSecretValue', SecretId: secretArn },
      },
    ]);
  });

  it('never appear in a message, whatever the secret contains', async () => {
    for (const bad of [
      'TOPSECRET',
      '{"aws_secret_access_key":"TOPSECRET"}',
      '{"aws_access_key_id":7,"aws_secret_access_key":"TOPSECRET"}',
    ]) {
      parameters['bad'] = bad;
      secretAnswer = { SecretString: bad };
      for (const own of [{ ssmParameter: 'bad' }, { secretArn }]) {
        const failed = (await read(own).catch((error: unknown) => error)) as Error;
        expect(failed).toMatchObject({ name: 'InvalidTask', message: expect.stringContaining('expected JSON with') });
        expect(JSON.stringify(failed) + failed.message + String(failed.stack)).not.toContain('TOPSECRET');
      }
    }
    secretAnswer = { SecretBinary: 'VE9QU0VDUkVU' };
    await expect(read({ secretArn })).rejects.toThrow('found binary content, expected JSON text');
  });

  it('come from AssumeRole for a role', async () => {
    expect(await read({ roleArn, externalId: 'our-id' })).toEqual(assumedKeys);
    expect(await read({ roleArn })).toEqual(assumedKeys);
    const fields = {
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: 's3-ferry',
      DurationSeconds: '3600',
    };
    expect(asked).toEqual([
      { signed: true, region: 'us-east-1', fields: { ...fields, ExternalId: 'our-id' } },
      { signed: true, region: 'us-east-1', fields },
    ]);
  });

  it('come from the STS of another partition for a role there, in exchange for a token of our own', async () => {
    expect(await read({ webIdentity: { roleArn: chinaRole, audience: 'ferry' } }, 'cn-north-1')).toEqual(assumedKeys);
    expect(asked).toEqual([
      {
        signed: true,
        region: 'us-east-1',
        fields: {
          Action: 'GetWebIdentityToken',
          Version: '2011-06-15',
          'Audience.member.1': 'ferry',
          SigningAlgorithm: 'RS256',
          DurationSeconds: '300',
        },
      },
      {
        signed: false,
        region: undefined,
        fields: {
          Action: 'AssumeRoleWithWebIdentity',
          Version: '2011-06-15',
          RoleArn: chinaRole,
          RoleSessionName: 's3-ferry',
          DurationSeconds: '3600',
          WebIdentityToken: 'a.jwt.x',
        },
      },
    ]);
  });

  it('are requested through the bounded request handler', async () => {
    const handle = jest.spyOn(BoundedHttpHandler.prototype, 'handle');
    await read({ roleArn });
    await read({ webIdentity: { roleArn: chinaRole, audience: 'ferry' } }, 'cn-north-1');
    await read({ secretArn });
    expect(asked).toHaveLength(4);
    expect(handle).toHaveBeenCalledTimes(4);
    handle.mockRestore();
  });

  it.each([
    [{ secretArn }, 400, 'ResourceNotFoundException', 'CredentialsRefused', `GetSecretValue ${secretArn}: `],
    [{ roleArn }, 403, 'AccessDenied', 'CredentialsRefused', `AssumeRole ${roleArn}: `],
    [{ roleArn }, 400, 'Throttling', 'Throttled', `AssumeRole ${roleArn}: `],
    [
      { webIdentity: { roleArn: chinaRole, audience: 'a' } },
      400,
      'OutboundWebIdentityFederationDisabledException',
      'CredentialsRefused',
      'GetWebIdentityToken: ',
    ],
  ] as const)('%j, refused with HTTP %p %s, fail with %s', async (own, status, code, name, start) => {
    refuse = { status, code };
    await expect(read(own, 'cn-north-1')).rejects.toMatchObject({
      name,
      message: expect.stringContaining(start + code),
    });
  });
});
