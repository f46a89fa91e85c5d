import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseKeys } from '../../shared/aws/credentials/keys-text.ts';
import { project } from '../support/child.ts';
import { failureOf } from '../support/failure.ts';
import { until } from '../support/until.ts';
import type { LeakCase } from './leaks.ts';
import { canary, errorXml, HostileStore, type Asked, type Reply } from '../support/hostile-store.ts';

const { accessKeyId, secretAccessKey, sessionToken } = canary;
const secret = JSON.stringify({
  aws_access_key_id: accessKeyId,
  aws_secret_access_key: secretAccessKey,
  session_token: sessionToken,
  region: 'us-east-1',
});
const characterReferences = (text: string): string =>
  text.replace(/[^]/g, (c) => `&#x${c.charCodeAt(0).toString(16)};`);

/** What a store can say of what it was sent. */
const echoes: readonly (readonly [string, (sent: string) => string])[] = [
  ['as it is', (sent) => sent],
  ['in XML', (sent) => sent.replaceAll('&', '&amp;').replaceAll('"', '&quot;')],
  ['in a URL', (sent) => encodeURIComponent(sent)],
  ['in character references', characterReferences],
  ['around a comment', (sent) => `${sent.slice(0, 8)}<!-- -->${sent.slice(8)}`],
  ['in CDATA', (sent) => `<![CDATA[${sent.slice(0, 8)}]]>${sent.slice(8)}`],
];

describe('credentials', () => {
  let honest: HostileStore;
  let hostile: HostileStore;

  let child: ChildProcess;
  let output = '';

  beforeAll(async () => {
    honest = await HostileStore.open();
    hostile = await HostileStore.open();
    child = fork(join(project, 'test/security/leaks.ts'), [honest.endpoint, hostile.endpoint], {
      cwd: project,
      silent: true,
      execArgv: [],
      env: {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL_STS: hostile.endpoint,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: hostile.endpoint,
        POWERTOOLS_LOG_LEVEL: 'DEBUG',
        POWERTOOLS_DEV: 'false',
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
  });

  beforeEach(() => {
    const object = { 'content-length': '3', etag: '"900150983cd24fb0d6963f7d28e17f72"' };
    honest.answer = ({ query, target }) =>
      query.has('tagging')
        ? { body: '<Tagging/>' }
        : target.startsWith('/bucket/')
          ? { status: 404 }
          : { headers: object, body: 'abc' };
    hostile.asked.length = 0;
    output = '';
  });

  afterAll(async () => {
    const exit = once(child, 'exit');
    child.disconnect();
    await exit;
    await honest.close();
    await hostile.close();
  });

  /** Runs one case in the child process. @returns everything that the child wrote */
  async function outputWith(kind: string, text = secret): Promise<string> {
    child.send({ kind, secret: text } satisfies LeakCase);
    await until(() => [...output.matchAll(/^end of the case$/gm)].length === 2 || child.exitCode !== null);
    expect(child.exitCode).toBeNull();
    return output;
  }

  /** The services of AWS are honest, the store is not. */
  function service({ method, target, body, headers }: Asked): Reply | undefined {
    if (method !== 'POST' || target !== '/') return undefined;
    if (headers['x-amz-target'] === 'secretsmanager.GetSecretValue') {
      return {
        headers: { 'content-type': 'application/x-amz-json-1.1' },
        body: JSON.stringify({ SecretString: secret }),
      };
    }
    expect(body.toString()).toContain('Action=AssumeRole');
    const keys = `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken>`;
    const result = `<AssumeRoleResult><Credentials>${keys}<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>`;
    return {
      body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</AssumeRoleResponse>`,
    };
  }

  const signatures = (): string[] =>
    hostile.asked.flatMap(({ headers }) => /Signature=([0-9a-f]{64})/.exec(headers.authorization ?? '')?.[1] ?? []);

  function expectNoSecretIn(output: string): void {
    // The case ran to its end and wrote what is searched here.
    expect(output).toContain('ledger: ');
    expect(output).toContain('dead letter: ');
    expect(signatures().length).toBeGreaterThan(3);
    for (const text of [secretAccessKey, sessionToken, encodeURIComponent(sessionToken), ...signatures()]) {
      expect(output.includes(text)).toBe(false);
    }
  }

  /** Each form in errors, and the plain one everywhere. */
  const ways = echoes.flatMap(([name, form], index) =>
    (index === 0 ? ['an error', 'a success', 'headers'] : ['an error']).map((where) => [name, where, form] as const),
  );
  it.each(ways)('that a store repeats %s in %s appear in no output', async (_name, where, form) => {
    hostile.answer = (asked) => {
      const honestly = service(asked);
      if (honestly) return honestly;
      const { authorization = '' } = asked.headers;
      const token = String(asked.headers['x-amz-security-token'] ?? '');
      const sent = [authorization, token, authorization.slice(-64)].map(form);
      const [all = '', one = '', signature = ''] = sent;
      // Headers hold no markup; what a store can put there is the text itself, or something else's.
      const plain = {
        etag: `"${token}"`,
        'x-amz-meta-a': token,
        'x-amz-version-id': authorization,
        'content-type': `a/${authorization.slice(-64)}`,
      };
      if (where === 'headers') return { headers: { ...plain, 'content-length': '3' }, body: 'abc' };
      if (where === 'a success') {
        const uploads = asked.query.has('uploads') ? 'InitiateMultipartUploadResult' : 'CompleteMultipartUploadResult';
        const root = asked.query.has('list-type') ? 'ListBucketResult' : uploads;
        return {
          headers: { etag: '"e"', 'content-length': String(0) },
          body: `<${root}><UploadId>${one}</UploadId><ETag>${signature}</ETag><Tag>${all}</Tag></${root}>`.slice(
            0,
            asked.method === 'HEAD' ? 0 : undefined,
          ),
        };
      }
      const more = `<Token-0>${one}</Token-0><StringToSign>${all}</StringToSign><SignatureProvided>${signature}</SignatureProvided><cause>${one}</cause>`;
      return {
        status: 400,
        body: errorXml('InvalidArgument', sent.join(' '), more),
        headers: { 'x-amz-request-id': token },
      };
    };
    expectNoSecretIn(await outputWith('ssmParameter'));
  });

  it.each(['roleArn', 'secretArn'])('from a %s appear in no output', async (kind) => {
    hostile.answer = (asked) =>
      service(asked) ?? {
        status: 403,
        body: errorXml(
          'ExpiredToken',
          `${asked.headers.authorization} ${String(asked.headers['x-amz-security-token'])}`,
        ),
      };
    expectNoSecretIn(await outputWith(kind));
  });

  it.each([
    ['no JSON', secret.slice(1)],
    [
      'other fields',
      JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken }),
    ],
    ['text', `${accessKeyId}:${secretAccessKey}:${sessionToken}`],
    ['lists', JSON.stringify([secretAccessKey, sessionToken])],
    [
      'wrong kinds',
      JSON.stringify({ aws_access_key_id: [accessKeyId], aws_secret_access_key: { [secretAccessKey]: sessionToken } }),
    ],
    [
      'a line end in the key',
      JSON.stringify({
        aws_access_key_id: `${accessKeyId}\r\nX: y`,
        aws_secret_access_key: secretAccessKey,
        session_token: `${sessionToken}\r\nX: y`,
      }),
    ],
  ])('configured as %s appear in no output', async (_name, text) => {
    hostile.answer = () => ({ status: 403, body: errorXml('AccessDenied', 'x') });
    const output = await outputWith('ssmParameter', text);
    expect(output).toContain('dead letter: ');
    for (const one of [secretAccessKey, sessionToken]) expect(output.includes(one)).toBe(false);
  });

  it('appear in no error of the parser of secrets', async () => {
    const failure = await failureOf(
      Promise.resolve().then(() => parseKeys(`{"a": "${secretAccessKey}`, 'parameter p')),
    );
    expect(JSON.stringify([failure.message, failure.stack, failure.cause])).not.toContain(secretAccessKey);
  });

  it('are never sent in a signed URL', async () => {
    hostile.answer = () => ({ status: 403 });
    await outputWith('ssmParameter');
    for (const { query } of hostile.asked)
      expect([...query.keys()].filter((name) => /^x-amz-/i.test(name))).toEqual([]);
  });
});
