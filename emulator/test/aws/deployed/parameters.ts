import {
  DeleteParameterCommand,
  GetParameterCommand,
  GetParametersCommand,
  paginateGetParametersByPath,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { describe, expect, it } from '@jest/globals';
import { type Fixture } from '../fixture.ts';

export function describeParameters(fixture: Fixture): void {
  describe('SSM', () => {
    it('returns the parameters of the stack', async () => {
      const { Parameter } = await fixture.client(SSMClient).send(new GetParameterCommand({ Name: '/ferry/tasks/one' }));
      expect(Parameter).toMatchObject({
        Value: '{"name":"one"}',
        Type: 'String',
        Version: 1,
        ARN: 'arn:aws:ssm:us-east-1:000000000000:parameter/ferry/tasks/one',
      });
      expect(Parameter!.LastModifiedDate).toBeInstanceOf(Date);
    });

    it('counts versions, overwrites only on request, and shows secrets only decrypted', async () => {
      const ssm = fixture.client(SSMClient);
      const put = (Value: string, more: object = {}) =>
        ssm.send(new PutParameterCommand({ Name: 'secret', Value, ...more }));
      await expect(put('a')).rejects.toMatchObject({ name: 'ValidationException' });
      expect(await put('a', { Type: 'SecureString' })).toMatchObject({ Version: 1 });
      await expect(put('b')).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
      expect(await put('plain text', { Overwrite: true })).toMatchObject({ Version: 2 });
      const get = async (WithDecryption: boolean) =>
        (await ssm.send(new GetParameterCommand({ Name: 'secret', WithDecryption }))).Parameter;
      expect(await get(true)).toMatchObject({ Value: 'plain text', Type: 'SecureString', Version: 2 });
      expect((await get(false))!.Value).not.toContain('plain text');
      const several = await ssm.send(new GetParametersCommand({ Names: ['secret', 'unknown'] }));
      expect([several.Parameters!.length, several.InvalidParameters]).toEqual([1, ['unknown']]);
      await ssm.send(new DeleteParameterCommand({ Name: 'secret' }));
      await expect(get(true)).rejects.toMatchObject({ name: 'ParameterNotFound' });
    });

    it('refuses a value over the limit of its tier', async () => {
      const put = (Tier: 'Standard' | 'Advanced') =>
        fixture
          .client(SSMClient)
          .send(new PutParameterCommand({ Name: '/large', Type: 'String', Tier, Value: 'x'.repeat(5000) }));
      await expect(put('Standard')).rejects.toThrow(/5000 bytes.*Standard has at most 4096/);
      expect(await put('Advanced')).toMatchObject({ Tier: 'Advanced' });
    });

    it('lists by path, recursively or not, in pages', async () => {
      const ssm = fixture.client(SSMClient);
      const names = [...Array.from({ length: 12 }, (_, n) => `/list/n${String(n).padStart(2, '0')}`), '/list/sub/x'];
      for (const Name of [...names, '/listed'])
        await ssm.send(new PutParameterCommand({ Name, Value: Name, Type: 'String' }));
      const list = async (Recursive: boolean): Promise<(string | undefined)[]> => {
        const found = [];
        for await (const page of paginateGetParametersByPath(
          { client: ssm, pageSize: 5 },
          { Path: '/list/', Recursive },
        )) {
          found.push(...page.Parameters!.map(({ Name }) => Name));
        }
        return found;
      };
      expect(await list(true)).toEqual(names);
      expect(await list(false)).toEqual(names.slice(0, 12));
    });
  });
}
