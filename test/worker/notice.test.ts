import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Notices } from '../../worker/notice.ts';

/** The instance metadata service, with the documents that it has now. */
const spot = '/latest/meta-data/spot/instance-action';
let documents: Map<string, number>;
let tokens: number;
let server: Server;
let notices: Notices;

beforeEach(async () => {
  documents = new Map();
  tokens = 0;
  server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path === '/latest/api/token') response.end(`token-${++tokens}`);
    else if (request.headers['x-aws-ec2-metadata-token'] !== `token-${tokens}`) response.writeHead(401).end();
    else response.writeHead(documents.get(path) ?? 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  notices = new Notices(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

describe('a notice of EC2', () => {
  it('is that of a spot interruption', async () => {
    expect(await notices.check()).toBeUndefined();
    documents.set(spot, 200);
    expect(await notices.check()).toBe('spot interruption');
    expect(tokens).toBe(1);
  });

  it('is not a rebalance recommendation: the group ends the machine once it has another, or never', async () => {
    documents.set('/latest/meta-data/events/recommendations/rebalance', 200);
    expect(await notices.check()).toBeUndefined();
  });

  it('is asked for with another token once the first has expired', async () => {
    await notices.check();
    tokens++;
    documents.set(spot, 200);
    expect(await notices.check()).toBeUndefined();
    expect(await notices.check()).toBe('spot interruption');
  });

  it('is not known while the service fails', async () => {
    documents.set(spot, 500);
    await expect(notices.check()).rejects.toThrow(/answered 500/);
  });
});
