import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Error } from '../../../emulator/s3/errors.ts';
import { parseConfiguration } from '../../../emulator/s3/events/configuration.ts';
import { AwsChunkedDecoder } from '../../../emulator/s3/http/aws-chunked.ts';
import { parseTagging } from '../../../emulator/s3/http/tags.ts';
import { decodeUri, parseQuery } from '../../../emulator/s3/http/uri.ts';
import { parseXml } from '../../../emulator/s3/http/xml.ts';
import { httpServerOptions, openS3Server } from '../../../emulator/s3/index.ts';
import { Finding, outcomeOf, type Target } from '../target.ts';

/** The local store, which real clients and the tests talk to. */

const isClean = (error: Error): boolean => error instanceof S3Error;

const complete =
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"e"</ETag></Part></CompleteMultipartUpload>';
const notifications =
  '<NotificationConfiguration><QueueConfiguration><Id>a</Id><Queue>arn:aws:sqs:r:1:q</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>a</Value></FilterRule></S3Key></Filter></QueueConfiguration></NotificationConfiguration>';
const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>';
const deletes = '<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>';
const chunks = '5;chunk-signature=' + '0'.repeat(64) + '\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n';
const credential =
  'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=' +
  '0'.repeat(64);

const words = [
  ...[
    '<a>',
    '</a>',
    '<a/>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<!DOCTYPE x>',
    '&a;',
    '<?x?>',
    '&#x41;',
    '&#xD800;',
    '&#0;',
  ],
  ...[
    '&amp;',
    '<__proto__>',
    '<Part>',
    '</Part>',
    '<Key>',
    '</Key>',
    '<Event>',
    '<Value>',
    '\r\n',
    '\n',
    '%00',
    '%zz',
    '%2e%2e',
  ],
  ...[
    '/../',
    '//',
    '?uploads',
    '?uploadId=',
    '&partNumber=',
    '?tagging',
    '?list-type=2',
    '&max-keys=',
    'chunked',
    'HTTP/1.1',
  ],
  ...[
    'Content-Length: ',
    'Transfer-Encoding: chunked',
    'x-amz-copy-source: ',
    'Range: bytes=',
    'Content-MD5: ',
    'x-amz-',
  ],
  ...[
    'If-Match: ',
    'x-amz-decoded-content-length: ',
    'x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'Host: ',
  ],
  ...[
    'x-amz-checksum-crc32: ',
    'x-amz-meta-__proto__: ',
    'Expect: 100-continue',
    ';chunk-signature=',
    'X-Amz-Signature=',
  ],
];

/** Parsers alone, thousands of times a second. The first byte of an input chooses one. */
export function parsersTarget(): Target {
  const parsers: readonly ((bytes: Buffer) => unknown)[] = [
    (bytes) => parseXml(bytes.toString(), 'CompleteMultipartUpload'),
    (bytes) => parseConfiguration(bytes.toString(), () => 'id'),
    (bytes) => parseTagging(bytes.toString()),
    (bytes) => parseXml(bytes.toString(), 'Delete'),
    unchunked,
    (bytes) => [decodeUri(bytes.toString('latin1')), parseQuery(bytes.toString('latin1'))].length,
  ];
  const texts = [complete, notifications, tagging, deletes, chunks, 'a%20b=c&d=%e2%82%ac&list-type=2'];
  return {
    seeds: texts.map((text, index) => Buffer.concat([Buffer.from([index]), Buffer.from(text)])),
    words,
    run: async (input) => {
      const index = (input[0] ?? 0) % parsers.length;
      return `${index} ${await outcomeOf(() => parsers[index]?.(input.subarray(1)), isClean)}`;
    },
  };
}

/** However the bytes are cut on their way, the same comes of them. */
function unchunked(bytes: Buffer): unknown {
  const whole = decode([bytes]);
  const cut = decode([...bytes].map((byte) => Buffer.from([byte])));
  if (whole !== cut)
    throw new Finding(`chunks depend on how they arrive: ${whole.slice(0, 80)} or ${cut.slice(0, 80)}`);
  return whole.replace(/[0-9a-f]{2,}/g, 'x').slice(0, 40);
}

function decode(pieces: readonly Buffer[]): string {
  const decoder = new AwsChunkedDecoder(undefined);
  const data: Buffer[] = [];
  try {
    for (const piece of pieces) data.push(...decoder.push(piece));
    decoder.finish();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return `${Buffer.concat(data).toString('hex')} ${[...decoder.trailers.keys()].join()}`;
}

/** `length` bytes follow is said by the fuzzer, so that what changes the body does not end in "not enough came". */
function requestOf(head: string, body = ''): string {
  return `${head}\r\nHost: localhost\r\nContent-Length: @\r\n\r\n${body}`;
}

const requests: readonly string[] = [
  requestOf('POST /bkt/k?uploadId=U HTTP/1.1', complete),
  requestOf('PUT /bkt?notification HTTP/1.1', notifications),
  requestOf('PUT /bkt/k?tagging HTTP/1.1', tagging),
  requestOf('POST /bkt?delete HTTP/1.1', deletes),
  requestOf('PUT /bkt/k HTTP/1.1\r\nx-amz-meta-a: b\r\nx-amz-tagging: a=b', 'hello'),
  requestOf(
    'PUT /bkt/k HTTP/1.1\r\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-decoded-content-length: 5\r\nx-amz-trailer: x-amz-checksum-crc32',
    '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n',
  ),
  requestOf('PUT /bkt/l HTTP/1.1\r\nx-amz-copy-source: bkt/k'),
  requestOf('GET /bkt/k HTTP/1.1\r\nRange: bytes=0-2\r\nIf-Match: "e"'),
  requestOf('HEAD /bkt/k?partNumber=1 HTTP/1.1'),
  requestOf('GET /bkt?list-type=2&prefix=a&encoding-type=url&max-keys=2&continuation-token=x HTTP/1.1'),
  requestOf('GET /bkt?uploads&key-marker=a HTTP/1.1'),
  requestOf('POST /bkt/k?uploads HTTP/1.1\r\nx-amz-checksum-algorithm: CRC32'),
  requestOf('PUT /bkt/k?uploadId=U&partNumber=1 HTTP/1.1', 'hello'),
  requestOf('DELETE /bkt/k?uploadId=U HTTP/1.1'),
  requestOf(
    `GET /bkt/k HTTP/1.1\r\nx-amz-date: 20260101T000000Z\r\nx-amz-content-sha256: x\r\nAuthorization: ${credential}`,
  ),
  requestOf('GET /bkt/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00&X-Amz-Credential=a HTTP/1.1'),
];

/** The whole server, over a socket. */
export async function serverTarget(): Promise<Target> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 's3-ferry-fuzz-'));
  const errors: unknown[] = [];
  const s3 = await openS3Server({
    dataDirectory,
    credentials: new Map([['AKIDEXAMPLE', 'secret']]),
    // The fuzzer cannot guess signatures, so requests without one are accepted.
    authorize: () => true,
    onError: (error) => errors.push(error),
  });
  const server = createServer(httpServerOptions, (request, response) => void s3.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  s3.createBucket('bkt');
  return {
    seeds: requests.map((text) => Buffer.from(text, 'latin1')),
    words,
    run: async (input) => {
      const answer = await exchange(port, withLength(input));
      if (errors.length > 0) {
        const [error] = errors.splice(0);
        throw new Finding(`InternalError: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
      return answer;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await s3.close();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

function withLength(input: Buffer): Buffer {
  const text = input.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const length = end < 0 ? 0 : text.length - end - 4;
  return Buffer.from(text.replace('Content-Length: @', `Content-Length: ${length}`), 'latin1');
}

/** Milliseconds for an answer, and those without a byte after which the client, having said all, hangs up. */
const timeLimitMillis = 5_000;
const silence = 60;

async function exchange(port: number, bytes: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => done(), timeLimitMillis);
    // A request that is not whole is waited for.
    let idle = setTimeout(() => socket.end(), silence);
    const done = (): void => {
      clearTimeout(timer);
      clearTimeout(idle);
      resolve();
    };
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      clearTimeout(idle);
      idle = setTimeout(done, 2);
    });
    socket.on('error', done);
    socket.on('close', done);
    socket.write(bytes);
  });
  socket.destroy();
  const text = Buffer.concat(chunks).toString('latin1');
  if (text !== '' && !text.startsWith('HTTP/1.1 ')) throw new Finding(`no HTTP: ${JSON.stringify(text.slice(0, 80))}`);
  const [, status = 'closed'] = /^HTTP\/1\.1 ([0-9]{3})/.exec(text) ?? [];
  return `${status} ${/<Code>(\w+)</.exec(text)?.[1] ?? ''}`;
}
