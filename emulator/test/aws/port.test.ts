import { describe, expect, test } from '@jest/globals';
import { request } from 'node:http';
import { join } from 'node:path';
import { startEmulator } from '../../aws/index.ts';
import { deployed, directory, options } from './fixture.ts';

const fixture = deployed();

describe('the one port', () => {
  function raw(
    headers: Record<string, string>,
    path = '/',
    method = 'POST',
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const req = request(`${fixture.aws.endpoint}${path}`, { method, headers }, (res) => {
        let body = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        res.on('end', () => resolve({ status: res.statusCode!, body }));
      });
      req.on('error', reject).end(method === 'POST' ? '{}' : undefined);
    });
  }
  const scope = (service: string): string =>
    `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;

  test('gives the outputs of the stack', () => {
    expect(fixture.aws.outputs).toEqual({
      Machine: 'arn:aws:states:us-east-1:000000000000:stateMachine:Stack-Machine',
      Jobs: `${fixture.aws.endpoint}/000000000000/Stack-Jobs`,
      Dead: `${fixture.aws.endpoint}/000000000000/Stack-Dead`,
    });
  });

  test('names a service that it does not serve, in the protocol of the request', async () => {
    const xml = await raw({ authorization: scope('lambda') });
    expect(xml).toMatchObject({ status: 501, body: expect.stringContaining('signed for the service "lambda"') });
    const json = await raw({ authorization: scope('kms'), 'x-amz-target': 'TrentService.Encrypt' });
    expect(JSON.parse(json.body)).toMatchObject({ __type: 'UnknownService' });
  });

  test('refuses what is not signed', async () => {
    expect(await raw({ 'x-amz-target': 'AmazonSSM.GetParameter' })).toMatchObject({
      status: 403,
      body: expect.stringContaining('MissingAuthenticationToken'),
    });
    expect(await raw({}, '/source', 'GET')).toMatchObject({
      status: 403,
      body: expect.stringContaining('AccessDenied'),
    });
  });

  test('reads the scope of a presigned URL', async () => {
    const answer = await raw(
      {},
      `/?X-Amz-Credential=${encodeURIComponent('test/20260101/us-east-1/lambda/aws4_request')}`,
    );
    expect(answer.body).toContain('signed for the service "lambda"');
  });

  test('names an operation that it does not know', async () => {
    const answer = await raw({ authorization: scope('ssm'), 'x-amz-target': 'AmazonSSM.SendCommand' });
    expect(answer.body).toMatch(/UnknownOperationException.*AmazonSSM\.SendCommand/);
  });

  test('that is taken is an error that names it and the option', async () => {
    const second = startEmulator({
      ...options,
      port: fixture.aws.port,
      portOption: '--the-port',
      dataDirectory: join(directory.path, 'second'),
    });
    await expect(second).rejects.toThrow(
      `port ${fixture.aws.port} of 127.0.0.1 is in use; choose another one with --the-port`,
    );
  });

  test('a data directory takes one process only', async () => {
    await expect(startEmulator(options)).rejects.toThrow(/data directory .* is in use by another process/);
  });
});
