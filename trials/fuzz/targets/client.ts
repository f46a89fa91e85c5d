import { S3Client } from '@aws-sdk/client-s3';
import { boundAnswers, BoundedAnswers } from '../../../shared/aws/http/answers.ts';
import { BoundedHttpHandler } from '../../../shared/aws/http/handler.ts';
import { S3ObjectStore } from '../../../shared/aws/s3/object-store.ts';
import { Fault, faultTable } from '../../../shared/model/faults.ts';
import { maxKeyBytes, maxParts } from '../../../shared/model/limits.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { ObjectStore } from '../../../shared/ports/object-store.ts';
import {
  canary,
  errorXml,
  HostileStore,
  listingXml,
  type Asked,
  type Reply,
} from '../../../test/support/hostile-store.ts';
import { Finding, outcomeOf, type Target } from '../target.ts';
import { noAttributes } from '../../../test/support/objects.ts';

/** Time limits in milliseconds, so that a missing answer ends a case soon. */
const limit = { min: 3000, first: 3000, max: 3000 };
const timeLimits = { read: limit, small: limit, list: limit, complete: limit, copy: limit };

/** What a store answers, read by the real client over a socket. */

const from = { bucket: 'source', key: objectKey('k'), etag: 'e' };
const prefix = 'in/';

function check(holds: boolean, what: string): void {
  if (!holds) throw new Finding(`accepted: ${what}`);
}

const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0;

/** Each call, with what may not be believed of its answer. The first byte of an input chooses one. */
const calls: readonly ((store: ObjectStore) => Promise<unknown>)[] = [
  async (store) => {
    const all = [];
    for await (const page of store.list({ prefix })) all.push(...page);
    for (const { key, size, etag } of all) {
      check(key.startsWith(prefix), 'a key outside of the prefix');
      check(Buffer.byteLength(key) <= maxKeyBytes && key.isWellFormed(), 'a key that is none');
      check(isSize(size), `size ${size}`);
      check(/^[\x20-\x7e]{0,256}$/.test(etag), 'an ETag that is none');
    }
    return all.slice(0, 3);
  },
  async (store) => {
    const parts = await store.listParts(objectKey('k'), 'U');
    check(parts.length <= maxParts && parts.every(({ size }) => isSize(size)), 'parts that cannot be');
    return parts.slice(0, 3);
  },
  async (store) => {
    const { uploadId } = await store.createUpload(objectKey('k'), noAttributes);
    check(/^[\x21-\x7e]{1,1024}$/.test(uploadId), 'an upload ID that is none');
    return 'created';
  },
  async (store) => {
    const tags = await store.tags(objectKey('k'));
    check(
      Object.entries(tags)
        .flat()
        .every((text) => text.isWellFormed()),
      'tags that are no text',
    );
    return Object.keys(tags).length;
  },
  (store) => store.copy(from, objectKey('k'), noAttributes),
  (store) => store.completeUpload(objectKey('k'), 'U', [], { size: 3 }),
  async (store) => {
    for await (const page of store.listUploads(prefix)) {
      check(
        page.every(({ key }) => key.startsWith(prefix)),
        'an upload outside of the prefix',
      );
    }
    return 'listed';
  },
  (store) => store.delete(objectKey('k')),
  async (store) => {
    const info = await store.head(objectKey('k'));
    check(info === undefined || isSize(info.size), 'a size that is none');
    return info;
  },
  async (store) => {
    const opened = await store.get(objectKey('k'), { ifMatch: 'e' });
    opened?.body.destroy();
    return opened?.info;
  },
];

const isClean = (error: Error): boolean => {
  if (!(error instanceof Fault)) return false;
  if (!Object.hasOwn(faultTable, error.name)) throw new Finding(`a fault that is none of the table: ${error.name}`);
  for (const secret of [canary.secretAccessKey, canary.sessionToken]) {
    if (error.message.includes(secret)) throw new Finding('a secret in a message');
  }
  return true;
};

interface Subject extends Target {
  readonly hostile: HostileStore;
}

async function subject(
  seeds: readonly (readonly [number, string])[],
  words: readonly string[],
  reply: (body: Buffer, asked: Asked) => Reply,
): Promise<Subject> {
  const hostile = await HostileStore.open();
  const client = new S3Client({
    endpoint: hostile.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: canary,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // What is tried again takes its time, and shows nothing new.
    maxAttempts: 1,
    requestHandler: new BoundedHttpHandler({ maxSockets: 10, times: { answer: 3000 }, bounds: timeLimits }),
  });
  boundAnswers(client, new BoundedAnswers());
  const store = new S3ObjectStore(client, { bucket: 'bucket', prefix: '', requestPayer: false });
  return {
    hostile,
    seeds: seeds.map(([call, text]) => Buffer.concat([Buffer.from([call]), Buffer.from(text, 'latin1')])),
    words,
    run: async (input) => {
      const call = calls[(input[0] ?? 0) % calls.length];
      const body = input.subarray(1);
      hostile.asked.length = 0;
      hostile.answer = (asked) => {
        if (hostile.asked.length > 2000) throw new Error('asked for ever');
        // The same page for ever, unless the token is the same too.
        return reply(body, asked);
      };
      return `${(input[0] ?? 0) % calls.length} ${await outcomeOf(() => call?.(store), isClean)}`;
    },
    close: async () => {
      client.destroy();
      await hostile.close();
    },
  };
}

const documents: readonly (readonly [number, string])[] = [
  [0, listingXml([{ key: 'in/a' }, { key: 'in/b+c%20d' }])],
  [0, listingXml([{ key: 'in/a' }], '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>')],
  [
    1,
    '<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size><ETag>"e"</ETag></Part><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>',
  ],
  [
    2,
    '<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>U</UploadId></InitiateMultipartUploadResult>',
  ],
  [3, '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'],
  [4, '<CopyObjectResult><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag></CopyObjectResult>'],
  [5, '<CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>'],
  [
    6,
    '<ListMultipartUploadsResult><EncodingType>url</EncodingType><Upload><Key>in/a</Key><UploadId>U</UploadId><Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload></ListMultipartUploadsResult>',
  ],
  [7, errorXml('AccessDenied', 'no', '<RequestId>r</RequestId>')],
  [5, errorXml('InternalError', 'later')],
];

const xmlWords = [
  ...['<a>', '</a>', '<a/>', '<!--', '-->', '<![CDATA[', ']]>', '<!DOCTYPE x>', '<!ENTITY a "b">', '&a;', '<?x?>'],
  ...['&#x41;', '&#xD800;', '&#0;', '&#1114112;', '&amp;', '&lt;', '<__proto__>', '</__proto__>', '<constructor>'],
  ...['<Contents>', '</Contents>', '<Key>', '</Key>', '<Size>', '</Size>', '<ETag>', '<Code>', '</Code>', '<Message>'],
  ...['<IsTruncated>true</IsTruncated>', '<NextContinuationToken>', 'in/', 'url', '%zz', '%00', ' x="y"', '\r\n'],
  ...['<Error>', '</Error>', '<ServerTime>', '#text', 'true', 'null', canary.sessionToken],
];

/** Documents: those of success, and errors (where the call is DeleteObject). */
export function xmlTarget(): Promise<Target> {
  return subject(documents, xmlWords, (body, { method }) => ({
    ...(method === 'DELETE' && { status: 400 }),
    body,
    headers: { etag: '"e"' },
  }));
}

const head = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: "e"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n';

/** Whole answers, byte by byte as they are on the wire. */
export function httpTarget(): Promise<Target> {
  return subject(
    [
      [8, `${head}x-amz-meta-a: b\r\nx-amz-checksum-crc32: NhCmhg==\r\nx-amz-mp-parts-count: 2\r\n\r\n`],
      [8, 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'],
      [9, `${head}Content-Range: bytes 0-2/3\r\nx-amz-tagging-count: 1\r\n\r\nabc`],
      [9, 'HTTP/1.1 412 Precondition Failed\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<a/> \r\n0\r\n\r\n'],
      [7, 'HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'],
      [7, 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n'],
      [
        0,
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n<ListBucketResult><Contents\r\n1d\r\n></Contents></ListBucketResult>\r\n0\r\nX: y\r\n\r\n`,
      ],
      [3, 'HTTP/1.0 200 OK\r\n\r\n<Tagging></Tagging>'],
    ],
    [
      ...[
        '\r\n',
        '\n',
        '\r',
        ': ',
        'Content-Length',
        'Transfer-Encoding',
        'chunked',
        'gzip',
        'HTTP/1.1',
        'HTTP/2.0',
        ' 200',
      ],
      ...[
        '101 ',
        '102 ',
        '204 ',
        '301 ',
        '304 ',
        '400 ',
        '403 ',
        '500 ',
        '503 ',
        'Location',
        'http://127.0.0.1:1/',
        'ETag',
      ],
      ...[
        'x-amz-meta-',
        '__proto__',
        'constructor',
        'Connection: close',
        'Upgrade: x',
        'Retry-After: 99',
        'Date: ',
        '\0',
      ],
      ...['Content-Range', 'bytes 0-2/', '/*', '0\r\n\r\n', 'ffffffff\r\n', 'x-amz-request-id', canary.sessionToken],
    ],
    (body) => ({
      raw: (socket) => {
        socket.on('error', () => undefined);
        socket.end(body);
      },
    }),
  );
}
