import dynalite from 'dynalite';
import { EventEmitter, once } from 'node:events';
import type { Server } from 'node:http';
import { AwsError, type Answer, type Exchange } from '../http/exchange.ts';
import type { KeyRanges } from '../quotas/key-ranges.ts';

/**
 * DynamoDB: dynalite in this process, on LevelDB in the data directory. LevelDB hands each write to the operating
 * system before acknowledging it, without fsync: an acknowledged write survives the death of the process, not of the
 * machine.
 */
export interface Tables {
  readonly exchange: Exchange;
  /** Calls an operation from inside this process. @throws AwsError the error that the service answers */
  readonly call: (operation: string, input: object) => Promise<Record<string, unknown>>;
  readonly close: () => Promise<void>;
}

/** The limit of DynamoDB for BatchWriteItem. */
export const maxTableBodyBytes = 16 * 1024 * 1024;

/**
 * Opens the tables stored in `directory`. The caller has locked it: LevelDB allows only one process.
 * @param keyRanges the throughput of partitions, for requests of clients
 */
export function openTables(directory: string, keyRanges?: KeyRanges): Tables {
  const server = dynalite({ path: directory, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const open = new Set<Promise<Answer>>();

  async function exchange(headers: Record<string, string | string[] | undefined>, body: Buffer): Promise<Answer> {
    const answer = ask(server, headers, body);
    open.add(answer);
    return answer.finally(() => open.delete(answer));
  }

  return {
    exchange: keyRanges?.within(exchange) ?? exchange,
    call: async (operation, input) => {
      const answer = await exchange(
        {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `DynamoDB_20120810.${operation}`,
          'x-amz-date': '19700101T000000Z',
          authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=0',
        },
        Buffer.from(JSON.stringify(input)),
      );
      const output = JSON.parse(answer.body) as Record<string, unknown>;
      if (answer.status === 200) return output;
      throw new AwsError(String(output['__type']).replace(/^.*#/, ''), String(output['message']), answer.status);
    },
    close: async () => {
      await Promise.allSettled(open);
      // dynalite closes its store only after its server, and a server must listen before it can close.
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      await new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
    },
  };
}

/**
 * One exchange with dynalite, on stand-ins for the request and the response. With the real ones dynalite throws outside
 * any handler if a client disconnects in the middle of a request, and that would end the process.
 */
function ask(server: Server, headers: Record<string, string | string[] | undefined>, body: Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    const request = Object.assign(new EventEmitter(), { method: 'POST', url: '/', headers });
    const answered: Record<string, string> = {};
    const response = {
      statusCode: 200,
      setHeader: (name: string, value: unknown) => {
        if (name.toLowerCase() !== 'content-length') answered[name.toLowerCase()] = String(value);
      },
      end: (text = '') => resolve({ status: response.statusCode, headers: answered, body: text }),
    };
    server.emit('request', request, response);
    request.emit('data', body);
    request.emit('end');
  });
}
