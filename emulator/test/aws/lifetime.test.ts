import {
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startEmulator } from '../../aws/index.ts';
import { credentials, directory, options } from './fixture.ts';

afterAll(directory.remove);

describe('what outlives the process', () => {
  test('an acknowledged write to a table survives kill -9', async () => {
    const child = spawn(process.execPath, ['--input-type=module'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const module = (path: string): string => JSON.stringify(new URL(`../../../emulator/${path}`, import.meta.url).href);
    const dataDirectory = join(directory.path, 'killed');
    child.stdin.end(`import { startEmulator } from ${module('aws/index.ts')};
      import { openS3Server } from ${module('s3/index.ts')};
      const aws = await startEmulator({ ...${JSON.stringify({ ...options, dataDirectory })}, openS3: (s) => openS3Server(s) });
      console.log(aws.endpoint);`);
    const [line] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [Buffer];
    const config = { endpoint: line.toString().trim(), region: 'us-east-1', credentials };
    const before = new DynamoDBClient(config);
    const item = { id: { S: 'kept' }, task: { S: 'one' } };
    await before.send(new PutItemCommand({ TableName: 'Stack-Ledger', Item: item }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    before.destroy();

    const again = await startEmulator({ ...options, dataDirectory });
    const after = new DynamoDBClient({ ...config, endpoint: again.endpoint });
    try {
      expect((await after.send(new ListTablesCommand({}))).TableNames).toEqual(['Stack-Ledger']);
      expect(
        (await after.send(new GetItemCommand({ TableName: 'Stack-Ledger', Key: { id: { S: 'kept' } } }))).Item,
      ).toEqual(item);
      const query = new QueryCommand({
        TableName: 'Stack-Ledger',
        IndexName: 'byTask',
        KeyConditionExpression: 'task = :t',
        ExpressionAttributeValues: { ':t': { S: 'one' } },
      });
      expect((await after.send(query)).Items).toEqual([item]);
    } finally {
      after.destroy();
      await again.stop();
    }
  });

  test('a stop leaves nothing open, and the same directory can be started again', async () => {
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

  test('a stack whose bucket is missing is refused, and leaves nothing open', async () => {
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
