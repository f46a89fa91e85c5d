import type { IncomingMessage } from 'node:http';

/** The service and region that a SigV4 signature names. */
export interface CredentialScope {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

/**
 * The credential scope of a signed request (`Authorization` header, or `X-Amz-Credential` of a presigned URL). It lets
 * one port serve several services: the scope names the service, whatever host the client addressed.
 * @returns undefined if the request is not signed with SigV4
 */
export function credentialScope(req: Pick<IncomingMessage, 'headers' | 'url'>): CredentialScope | undefined {
  const header = /^AWS4-[A-Z0-9-]+\s.*?Credential=([^,\s]+)/.exec(req.headers.authorization ?? '')?.[1];
  const credential = header ?? new URLSearchParams(req.url?.split('?', 2)[1] ?? '').get('X-Amz-Credential');
  // <access key>/<date>/<region>/<service>/aws4_request, read from the end: an access key may contain "/".
  const match = /^(.+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request$/.exec(credential ?? '');
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return undefined;
  return { accessKeyId: match[1], region: match[2], service: match[3].toLowerCase() };
}
