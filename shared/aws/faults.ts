import { Fault, type FaultName } from '../model/faults.ts';
import { excerpt } from '../model/text.ts';

/** The parts of the SDK's errors that are used here. Code and message come from the store and may be anything. */
interface ServiceError {
  readonly name: unknown;
  readonly message: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly Code?: unknown;
}

/** Characters of a store's error code and message that a fault repeats. S3's own are shorter. */
const maxCodeLength = 64;
const maxMessageLength = 500;

/** Error codes that mean the same whatever their HTTP status. */
const byCode: Readonly<Record<string, FaultName>> = {
  NoSuchBucket: 'BucketNotFound',
  NoSuchUpload: 'UploadGone',
  NoSuchKey: 'SourceGone',
  NoSuchVersion: 'SourceGone',
  NotFound: 'SourceGone',
  PreconditionFailed: 'SourceChanged',
  // Ranges are only requested within the known size.
  InvalidRange: 'SourceChanged',
  ConditionalRequestConflict: 'DestinationConflict',
  OperationAborted: 'Unavailable',
  InvalidObjectState: 'ArchivedSource',
  BadDigest: 'VerificationFailed',
  InvalidDigest: 'VerificationFailed',
  XAmzContentSHA256Mismatch: 'VerificationFailed',
  XAmzContentChecksumMismatch: 'VerificationFailed',
  IncompleteBody: 'Truncated',
  InvalidPart: 'Unavailable',
  EntityTooLarge: 'TooLarge',
  NotImplemented: 'NotSupported',
  PermanentRedirect: 'InvalidTask',
  // The SDK turns an error inside a 200 into a 503, which would read as throttling.
  InternalError: 'Unavailable',
  SlowDown: 'Throttled',
  RequestTimeout: 'Unavailable',
  RequestTimeTooSkewed: 'Unavailable',
  Throttling: 'Throttled',
  ThrottlingException: 'Throttled',
  TooManyRequestsException: 'Throttled',
  ProvisionedThroughputExceededException: 'Throttled',
  RequestLimitExceeded: 'Throttled',
  CredentialsProviderError: 'AccessDenied',
  AccessDeniedException: 'AccessDenied',
  ExpiredToken: 'AccessDenied',
  ExpiredTokenException: 'AccessDenied',
  InvalidToken: 'AccessDenied',
  TokenRefreshRequired: 'AccessDenied',
  InvalidAccessKeyId: 'AccessDenied',
  SignatureDoesNotMatch: 'AccessDenied',
};

/**
 * The fault for an error of a call to AWS, or to a store with the same API.
 * @param what the operation and its object, for the message: `PutObject bucket: "key"`
 */
export function faultOf(error: unknown, what: string): Fault {
  if (error instanceof Fault) return error;
  const service = asServiceError(error);
  const status = service.$metadata?.httpStatusCode;
  const code = excerpt(String(service.Code ?? service.name), maxCodeLength);
  const name = faultName(code, status);
  const answered = status === undefined ? '' : ` (HTTP ${status})`;
  // The SDK appends a hint for developers about where to find the raw response.
  const message = excerpt(String(service.message).replace(/\n {2}Deserialization error: [^]*$/, ''), maxMessageLength);
  return new Fault(name, `${what}: ${code}${answered}: ${message}${hint(name, code)}`, { cause: error });
}

/** The code comes from the store, so "constructor" must not be found in the table. */
function faultName(code: string, status: number | undefined): FaultName {
  const known = Object.hasOwn(byCode, code) ? byCode[code] : undefined;
  return known ?? (code.startsWith('KMS.') ? 'AccessDenied' : byStatus(status));
}

/**
 * The fault for an error of a call for credentials. Whatever the reason, access is missing: only faults that may be
 * temporary keep their names.
 */
export function accessFault(error: unknown, what: string): Fault {
  const fault = faultOf(error, what);
  if (fault.name === 'Throttled' || fault.name === 'Unavailable') return fault;
  return new Fault('AccessDenied', fault.message, { cause: error });
}

function byStatus(status: number | undefined): FaultName {
  if (status === undefined) return 'Unavailable';
  if (status === 401 || status === 403) return 'AccessDenied';
  if (status === 404) return 'SourceGone';
  if (status === 409) return 'DestinationConflict';
  if (status === 412) return 'SourceChanged';
  if (status === 408 || status === 500 || status === 502 || status === 504) return 'Unavailable';
  if (status === 429 || status === 503) return 'Throttled';
  // Redirects are not followed: they would send a signed request to a host that the task does not name.
  if (status > 300 && status < 400 && status !== 304) return 'InvalidTask';
  if (status === 405 || status === 501 || (status >= 400 && status < 500)) return 'NotSupported';
  return 'Unavailable';
}

function hint(name: FaultName, code: string): string {
  if (name === 'InvalidTask') return ' (is the region of this bucket right in the task?)';
  if (code === 'RequestTimeTooSkewed') return ' (is the clock of this machine right?)';
  return '';
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof Error) return error;
  return { name: 'Error', message: String(error) };
}
