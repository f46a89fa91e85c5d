import { describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { join } from 'node:path';
import { startEmulator } from '../../../aws/index.ts';
import { directory, options, type Fixture } from '../fixture.ts';

export function describePort(fixture: Fixture): void {
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

    it('returns the outputs of the stack', () => {
      expect(fixture.aws.outputs).toEqual({
        Machine: 'arn:aws:states:us-east-1:000000000000:stateMachine:Stack-Machine',
        Jobs: `${fixture.aws.endpoint}/000000000000/Stack-Jobs`,
        Dead: `${fixture.aws.endpoint}/000000000000/Stack-Dead`,
      });
    });

    it('answers for an unknown service in the protocol of the request', async () => {
      const xml = await raw({ authorization: scope('lambda') });
      expect(xml).toMatchObject({ status: 501, body: expect.stringContaining('signed for the service "lambda"') });
      const json = await raw({ authorization: scope('kms'), 'x-amz-target': 'TrentService.Encrypt' });
      expect(JSON.parse(json.body)).toMatchObject({ __type: 'UnknownService' });
    });

    it('refuses unsigned requests', async () => {
      expect(await raw({ 'x-amz-target': 'AmazonSSM.GetParameter' })).toMatchObject({
        status: 403,
        body: expect.stringContaining('MissingAuthenticationToken'),
      });
      expect(await raw({}, '/source', 'GET')).toMatchObject({
        status: 403,
        body: expect.stringContaining('AccessDenied'),
      });
    });

    it('reads the credential scope of a presigned URL', async () => {
      const answer = await raw(
        {},
        `/?X-Amz-Credential=${encodeURIComponent('test/20260101/us-east-1/lambda/aws4_request')}`,
      );
      expect(answer.body).toContain('signed for the service "lambda"');
    });

    it('names an unknown operation', async () => {
      const answer = await raw({ authorization: scope('ssm'), 'x-amz-target': 'AmazonSSM.SendCommand' });
      expect(answer.body).toMatch(/UnknownOperationException.*AmazonSSM\.SendCommand/);
    });

    it('reports a port in use with the option that changes it', async () => {
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

    it('refuses a data directory that another process uses', async () => {
      await expect(startEmulator(options)).rejects.toThrow(/data directory .* is in use by another process/);
    });
  });
}
