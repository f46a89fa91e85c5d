import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { Side } from '../../model/config/task.ts';
import { ByteSigner } from '../http/byte-signer.ts';
import { BoundedHttpHandler } from '../http/handler.ts';
import type { KeySource, SideKeys } from '../credentials/key-source.ts';
import { boundAnswers, BoundedAnswers } from '../http/answers.ts';
import { renewRefusedKeys } from '../credentials/renewing.ts';
import { asksForChecksum, rawExpires } from './client-fields.ts';
import { DirectCalls } from './direct/calls.ts';
import { traitsOf } from '../../model/stores/stores.ts';
import { guardTargets } from './request-target.ts';

export type { SideKeys } from '../credentials/key-source.ts';

/** Sockets per store: more than the parts and objects that one process moves at the same time. */
const maxSockets = 200;

/**
 * The client of one side of a task.
 * @param keys the side's own keys, fixed or from a source; without them the process's credentials are used
 * @param requestHandler used by this client alone: it learns the latencies of one store
 */
export function createS3Client(
  side: Side,
  keys: SideKeys | KeySource | undefined,
  requestHandler = new BoundedHttpHandler({ maxSockets, authorities: authoritiesOf(side) }),
): S3Client {
  const anonymous = side.credentials !== undefined && 'anonymous' in side.credentials;
  const source = keys && 'current' in keys ? keys : undefined;
  const fixed = keys && 'current' in keys ? undefined : keys;
  const region = side.region ?? fixed?.region;
  const config: S3ClientConfig = {
    ...(region !== undefined && { region }),
    ...(side.endpoint !== undefined && { endpoint: side.endpoint }),
    ...(side.forcePathStyle !== undefined && { forcePathStyle: side.forcePathStyle }),
    ...(fixed && { credentials: credentialsOf(fixed) }),
    ...(source && { credentials: signingKeys(source) }),
    // Anonymous requests are not signed.
    ...(anonymous && { signer: { sign: (request) => Promise.resolve(request) }, credentials: noKeys }),
    signerConstructor: ByteSigner,
    // The core sends checksums that it computed. The SDK's default wraps bodies in aws-chunked, which costs a third
    // more CPU and which some stores refuse (quirks.ts).
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Otherwise every body over 2 MiB opens a new socket.
    expectContinueHeader: false,
    cacheMiddleware: true,
    logger: silent,
    maxAttempts: 5,
    requestHandler,
  };
  const client = new S3Client(config);
  const answers = new BoundedAnswers();
  boundAnswers(client, answers);
  const namesOperation = traitsOf(side).operationIds.is !== 'no';
  if (!namesOperation) dropOperationIds(client);
  const basePath = side.endpoint === undefined ? '' : new URL(side.endpoint).pathname.replace(/\/+$/, '');
  guardTargets(client, basePath);
  const { signsBodies } = addHeaderMiddleware(client);
  if (side.dataPlane !== 'sdk') {
    new DirectCalls(client, { handler: requestHandler, answers, basePath, namesOperation, signsBodies });
  }
  if (source) renewRefusedKeys(client, source);
  return client;
}

function authoritiesOf({ certificateAuthority }: Side): string[] | undefined {
  return certificateAuthority === undefined ? undefined : [certificateAuthority];
}

const ignore = (): void => undefined;
/** The SDK prints a warning for streams that it does not retry; the core reports their faults. */
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Keys in the SDK's form. */
interface SigningKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

const noKeys: SigningKeys = { accessKeyId: '', secretAccessKey: '' };

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken }: SideKeys): SigningKeys {
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

/** Called for each request: the SDK caches keys that do not expire, and asks again for keys that seem expired. */
function signingKeys(source: KeySource): () => Promise<SigningKeys> {
  return async () => ({ ...credentialsOf(await source.current()), expiration: new Date(0) });
}

/**
 * Leaves the operation's name out of the query before it is signed. A GET of an object is then bounded as a listing is,
 * whose limits are wider (shared/aws/http/request.ts).
 */
function dropOperationIds(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      delete (args.request as HeaderRequest).query?.['x-id'];
      return next(args);
    },
    { step: 'build', priority: 'low', name: 's3FerryOperationIds' },
  );
}

interface HeaderRequest {
  headers: Record<string, string>;
  query?: Record<string, unknown>;
}

/**
 * Adds headers that the SDK does not send: the source's Expires, the request for a checksum of GET, and
 * UNSIGNED-PAYLOAD for bodies with an MD5 or CRC, which is a signed header. Hashing such a body a second time would
 * cost more than all other work. A store that compares UNSIGNED-PAYLOAD with a hash refuses it with the code below;
 * then that body, and all later ones, are hashed. A stream cannot be: it is refused for good.
 */
function addHeaderMiddleware(client: S3Client): { readonly signsBodies: () => boolean } {
  let signsBodies = false;
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        const { Body } = args.input as { Body?: unknown };
        const refused = error instanceof Error && error.name === 'XAmzContentSHA256Mismatch';
        if (!refused || !(Body instanceof Uint8Array)) throw error;
        signsBodies = true;
        return next(args);
      }
    },
    { step: 'initialize', name: 's3FerrySignedBodies' },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as HeaderRequest;
      const input = args.input as { [rawExpires]?: string; [asksForChecksum]?: true };
      const expires = input[rawExpires];
      if (input[asksForChecksum]) request.headers['x-amz-checksum-mode'] = 'ENABLED';
      if (expires !== undefined) request.headers['expires'] = expires;
      const checked =
        'content-md5' in request.headers ||
        Object.keys(request.headers).some((name) => /^x-amz-checksum-crc/.test(name));
      if (checked && !signsBodies) request.headers['x-amz-content-sha256'] ??= 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { step: 'build', priority: 'low', name: 's3FerryHeaders' },
  );
  return { signsBodies: () => signsBodies };
}
