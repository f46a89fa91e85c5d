import type { IncomingMessage } from 'node:http';

/** What a SigV4 signature says it is for. */
export interface CredentialScope {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

/**
 * The credential scope of a signed request (`Authorization` header, or `X-Amz-Credential` of a presigned URL). This is
 * how one port serves several services: the scope names the service whatever host the client believes it talks to.
 * @returns undefined where the request is not signed with SigV4
 */
export function credentialScope(req: Pick<IncomingMessage, 'headers' | 'url'>): CredentialScope | undefined {
  const header = /^AWS4-[A-Z0-9-]+\s.*?Credential=([^,\s]+)/.exec(req.headers.authorization ?? '')?.[1];
  const credential = header ?? new URLSearchParams(req.url?.split('?', 2)[1] ?? '').get('X-Amz-Credential');
  // <access key>/<date>/<region>/<service>/aws4_request, read from the end: nothing forbids a "/" in an access key.
  const match = /^(.+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request$/.exec(credential ?? '');
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return undefined;
  return { accessKeyId: match[1], region: match[2], service: match[3].toLowerCase() };
}
