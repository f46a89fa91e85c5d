import { HeadObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { encodedPath, type SdkRequest } from '../../http/request.ts';
import type { Scope } from '../../http/signature.ts';

/** Where the requests about one bucket go, and how they are signed. */
export interface Address extends Pick<SdkRequest, 'protocol' | 'hostname'> {
  readonly port?: number;
  /** the Host header */
  readonly host: string;
  /** the path before an object's key, without a slash at its end */
  readonly base: string;
  /** the path of a listing */
  readonly listPath: string;
  /** undefined if requests are not signed */
  readonly scope: Scope | undefined;
}

/** Under this key, a call's input says that its request is only to be shown. */
const isShown = Symbol('isShown');

/** Ends a call whose request was shown. */
class Shown extends Error {
  readonly request: SdkRequest;

  constructor(request: SdkRequest) {
    super('the request was shown, not sent');
    this.request = request;
  }
}

/**
 * The addresses of a client's buckets (in use, it has one), as the SDK's rules make them: endpoints, regions, path
 * style, access points. So that there is one set of rules, the SDK makes a request of each kind, which is looked at and
 * not sent.
 */
export class Addresses {
  readonly #client: S3Client;
  readonly #known = new Map<string, Promise<Address | undefined>>();

  constructor(client: S3Client) {
    this.#client = client;
    client.middlewareStack.add(
      (next) => (args) => {
        if (isShown in args.input) throw new Shown(args.request as SdkRequest);
        return next(args);
      },
      // Innermost: the request is signed, and would be sent next.
      { step: 'deserialize', priority: 'low', name: 's3FerryAddress' },
    );
  }

  /** @returns undefined if only the SDK can make the requests: those it signs in another way, or not at all now */
  async of(bucket: string): Promise<Address | undefined> {
    let address = this.#known.get(bucket);
    if (!address) this.#known.set(bucket, (address = this.#look(bucket)));
    try {
      return await address;
    } catch {
      // The SDK could not make a request: without keys, for example. The call itself will say so.
      this.#known.delete(bucket);
      return undefined;
    }
  }

  async #look(bucket: string): Promise<Address | undefined> {
    const object = await this.#shown(
      new HeadObjectCommand({ Bucket: bucket, Key: sampleKey, [isShown]: true } as never),
    );
    const listing = await this.#shown(new ListObjectsV2Command({ Bucket: bucket, [isShown]: true } as never));
    const { protocol, hostname, port, path, headers } = object;
    const scope = scopeOf(headers['authorization']);
    const { host } = headers;
    const key = `/${encodedPath(sampleKey)}`;
    if (scope === 'other' || host === undefined || !path.endsWith(key) || listing.headers['host'] !== host) {
      return undefined;
    }
    const base = path.slice(0, -key.length);
    return { protocol, hostname, ...(port !== undefined && { port }), host, base, listPath: listing.path, scope };
  }

  async #shown(command: HeadObjectCommand | ListObjectsV2Command): Promise<SdkRequest> {
    try {
      await this.#client.send(command as HeadObjectCommand);
    } catch (error) {
      if (error instanceof Shown) return error.request;
      throw error;
    }
    throw new Error('the request was sent');
  }
}

/** Is this the call that shows an address? */
export function isOnlyShown(input: object): boolean {
  return isShown in input;
}

const sampleKey = 'key';

const signatureForm = /^AWS4-HMAC-SHA256 Credential=[^,]*\/\d{8}\/([^/,]+)\/s3\/aws4_request,/;

/** @returns `other` for requests that are signed in another way (several regions, directory buckets) */
function scopeOf(authorization: string | undefined): Scope | undefined | 'other' {
  if (authorization === undefined) return undefined;
  const region = signatureForm.exec(authorization)?.[1];
  return region === undefined ? 'other' : { region, service: 's3' };
}
