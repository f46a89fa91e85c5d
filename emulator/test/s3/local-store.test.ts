import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { startServer, type Harness } from './harness.ts';

describe('the local store', () => {
  let server: Harness;
  const errors: unknown[] = [];

  beforeEach(async () => {
    errors.length = 0;
    server = await startServer({ authorize: () => true, onError: (error) => errors.push(error) });
    await server.client().send(new CreateBucketCommand({ Bucket: 'bucket' }));
  });

  afterEach(() => server.stop());

  it('does not take a client that hangs up behind its request for an error of its own', async () => {
    for (let index = 0; index < 20; index++) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined).resume();
      socket.end('PUT /bucket/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello');
      await once(socket, 'close');
    }
    expect(errors).toEqual([]);
  });
});
