import { S3Error } from '../errors.ts';
import type { Call, Server } from '../call.ts';

/**
 * Refuses a request that is signed for a region other than the bucket's, if the store does.
 * @throws S3Error AuthorizationHeaderMalformed, PermanentRedirect or TemporaryRedirect, with the bucket's region
 */
export function requireRegion({ personality, authentication, info }: Call, server: Server): void {
  const { otherRegion } = personality.requests;
  const region = server.storage.buckets.find(info.bucket)?.region;
  const signed = authentication?.scope.split('/')[1];
  if (otherRegion === 'accepted' || region === undefined || signed === undefined || signed === region) return;
  const headers = { 'x-amz-bucket-region': region };
  const details = { Region: region };
  if (otherRegion === 'malformed') {
    const message = `The authorization header is malformed; the region '${signed}' is wrong; expecting '${region}'`;
    throw new S3Error('AuthorizationHeaderMalformed', message, { details, headers });
  }
  const code = otherRegion === 'permanent-redirect' ? 'PermanentRedirect' : 'TemporaryRedirect';
  const location = `http://${info.bucket}.s3.${region}.amazonaws.com/`;
  throw new S3Error(code, undefined, {
    details: { ...details, Bucket: info.bucket },
    headers: { ...headers, location },
  });
}
