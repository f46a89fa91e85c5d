import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openTables } from '../../aws/dynamodb/tables.ts';
import { startEmulator } from '../../aws/index.ts';
import { credentials, directory, ledgerProperties, options } from './fixture.ts';

afterAll(directory.remove);

describe('a killed process', () => {
  it('loses no acknowledged write to a table', async () => {
    const dataDirectory = join(directory.path, 'killed');
    const TableName = 'Stack-Ledger';
    const item = { id: { S: 'kept' }, task: { S: 'one' } };
    const child = spawn(process.execPath, ['--input-type=module'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const module = JSON.stringify(new URL('../../aws/dynamodb/tables.ts', import.meta.url).href);
    child.stdin.end(`import { openTables } from ${module};
      const tables = openTables(${JSON.stringify(dataDirectory)});
      await tables.call('CreateTable', ${JSON.stringify({ TableName, ...ledgerProperties })});
      while ((await tables.call('DescribeTable', { TableName: '${TableName}' })).Table.TableStatus !== 'ACTIVE');
      await tables.call('PutItem', ${JSON.stringify({ TableName, Item: item })});
      console.log('acknowledged');
      setInterval(() => undefined, 1000);`);
    const exited = once(child, 'exit');
    const [line] = (await Promise.race([once(child.stdout, 'data'), exited])) as [Buffer];
    expect(String(line)).toBe('acknowledged\n');
    child.kill('SIGKILL');
    await exited;

    const tables = openTables(dataDirectory);
    try {
      expect(await tables.call('ListTables', {})).toMatchObject({ TableNames: [TableName] });
      const Key = { id: { S: 'kept' } };
      expect(await tables.call('GetItem', { TableName, Key, ConsistentRead: true })).toEqual({ Item: item });
      const query = {
        TableName,
        IndexName: 'byTask',
        KeyConditionExpression: 'task = :t',
        ExpressionAttributeValues: { ':t': { S: 'one' } },
      };
      expect(await tables.call('Query', query)).toMatchObject({ Items: [item] });
    } finally {
      await tables.close();
    }
  });
});

describe('startEmulator', () => {
  it('starts again over the data of a stopped emulator, which leaves nothing open', async () => {
    const dataDirectory = join(directory.path, 'again');
    for (let round = 0; round < 2; round++) {
      const started = await startEmulator({ ...options, dataDirectory });
      const s3 = new S3Client({ endpoint: started.endpoint, region: 'us-east-1', credentials });
      await s3.send(new PutObjectCommand({ Bucket: 'source', Key: `k${round}`, Body: 'x' }));
      const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'source' }));
      expect(Contents!.length).toBe(round + 1);
      s3.destroy();
      await Promise.all([started.stop(), started.stop()]);
      await expect(fetch(started.endpoint)).rejects.toThrow();
    }
  });

  it('reports the reason of a custom resource that fails, and leaves nothing open', async () => {
    const dataDirectory = join(directory.path, 'missing');
    const start = () => startEmulator({ ...options, dataDirectory, buckets: [] });
    await expect(start()).rejects.toMatchObject({
      code: 'ResourceFailed',
      reason: 'NoSuchBucket: bucket "source"',
      message: expect.stringContaining('"source"'),
    });
    await expect(start()).rejects.toMatchObject({ code: 'ResourceFailed' });
  });
});
