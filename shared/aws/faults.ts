import { Fault, type FaultName } from '../model/faults.ts';
import { excerpt } from '../model/text.ts';

/** The parts of the SDK's errors that are used here. Code and message come from the store and may be anything. */
interface ServiceError {
  readonly name: unknown;
  readonly message: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly Code?: unknown;
  /** an element of the error's document */
  readonly Region?: unknown;
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** Characters of a store's error code and message that a fault repeats. S3's own are shorter. */
const maxCodeLength = 64;
const maxMessageLength = 500;

/** Codes of an error that mean the same in every operation, whatever their HTTP status. */
const byCode: Readonly<Record<string, FaultName>> = {
  NoSuchBucket: 'BucketNotFound',
  NoSuchUpload: 'UploadGone',
  // Ranges are only requested within the known size.
  InvalidRange: 'SourceChanged',
  ConditionalRequestConflict: 'DestinationConflict',
  OperationAborted: 'Unavailable',
  InvalidObjectState: 'ArchivedSource',
  BadDigest: 'VerificationFailed',
  InvalidDigest: 'VerificationFailed',
  // Bodies are sent as UNSIGNED-PAYLOAD: a store that compares that with a hash refuses each of them.
  XAmzContentSHA256Mismatch: 'Refused',
  XAmzContentChecksumMismatch: 'VerificationFailed',
  IncompleteBody: 'Truncated',
  // Complete: a part was replaced since it was listed, or the upload is gone. What there is now is looked at again.
  InvalidPart: 'DestinationConflict',
  EntityTooLarge: 'TooLarge',
  NotImplemented: 'NotSupported',
  PermanentRedirect: 'InvalidTask',
  IllegalLocationConstraintException: 'InvalidTask',
  // S3: the name of a new bucket is not known everywhere yet.
  TemporaryRedirect: 'Unavailable',
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
  // Quotas of Step Functions (StartExecution) and SQS (ReceiveMessage, SendMessage), all with a status of 400 or 403.
  ExecutionLimitExceeded: 'Throttled',
  OverLimit: 'Throttled',
  RequestThrottled: 'Throttled',
  KmsThrottled: 'Throttled',
  'KMS.ThrottlingException': 'Throttled',
  CredentialsProviderError: 'CredentialsRefused',
  // Of a proxy, not of a store (shared/aws/http/tunnel.ts), which concerns every job.
  ProxyLoginRefused: 'CredentialsRefused',
  ProxyRefused: 'Unavailable',
  AccessDenied: 'AccessDenied',
  AccessDeniedException: 'AccessDenied',
  ExpiredToken: 'CredentialsRefused',
  ExpiredTokenException: 'CredentialsRefused',
  InvalidToken: 'CredentialsRefused',
  TokenRefreshRequired: 'CredentialsRefused',
  InvalidAccessKeyId: 'CredentialsRefused',
  SignatureDoesNotMatch: 'CredentialsRefused',
};

/** What an operation is about. It decides what "not found", "conflict" and a failed condition mean. */
type Subject = 'object' | 'copy' | 'write' | 'upload' | 'bucket';

const subjects: Readonly<Record<string, Subject>> = {
  HeadObject: 'object',
  GetObject: 'object',
  GetObjectTagging: 'object',
  // What a store does not find is not there to be deleted.
  DeleteObject: 'object',
  CopyObject: 'copy',
  UploadPartCopy: 'copy',
  PutObject: 'write',
  CreateMultipartUpload: 'write',
  UploadPart: 'upload',
  ListParts: 'upload',
  CompleteMultipartUpload: 'upload',
  AbortMultipartUpload: 'upload',
  HeadBucket: 'bucket',
  ListObjects: 'bucket',
  ListObjectsV2: 'bucket',
  ListMultipartUploads: 'bucket',
};

/** A status without a known code, for operations of one subject; `else` for the others. */
type Meaning = Partial<Record<Subject, FaultName>> & { readonly else: FaultName };

const notFound: Meaning = {
  object: 'SourceGone',
  copy: 'SourceGone',
  write: 'BucketNotFound',
  upload: 'UploadGone',
  bucket: 'BucketNotFound',
  else: 'Refused',
};
/** The condition of a read or a copy is the source's version; that of a write is what the destination had. */
const preconditionFailed: Meaning = {
  object: 'SourceChanged',
  copy: 'SourceChanged',
  else: 'DestinationConflict',
};

/** What an HTTP status means if no code says more. */
const byStatus: Readonly<Record<number, Meaning>> = {
  304: { else: 'Unavailable' },
  307: { else: 'Unavailable' },
  401: { else: 'AccessDenied' },
  403: { else: 'AccessDenied' },
  404: notFound,
  405: { else: 'NotSupported' },
  408: { else: 'Unavailable' },
  409: { object: 'Unavailable', bucket: 'Unavailable', else: 'DestinationConflict' },
  412: preconditionFailed,
  425: { else: 'Unavailable' },
  429: { else: 'Throttled' },
  501: { else: 'NotSupported' },
  503: { else: 'Throttled' },
};

/** Codes whose meaning depends on the operation too: they are what S3 says for a status. */
const statusOfCode: Readonly<Record<string, number>> = {
  NoSuchKey: 404,
  NoSuchVersion: 404,
  NoSuchTagSet: 404,
  NotFound: 404,
  PreconditionFailed: 412,
  MethodNotAllowed: 405,
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
  const region = regionOf(service);
  const [operation = ''] = what.split(' ', 1);
  const name = faultName({ operation, code, status, region });
  const answered = status === undefined ? '' : ` (HTTP ${status})`;
  // The SDK appends a hint for developers about where to find the raw response.
  const message = excerpt(String(service.message).replace(/\n {2}Deserialization error: [^]*$/, ''), maxMessageLength);
  return new Fault(
    name,
    `${what}: ${code}${answered}: ${message}${hint(name, code, region)}${trustHint(status, message)}`,
    {
      cause: error,
    },
  );
}

interface Refusal {
  /** the SDK's name of the operation, or any other word for a call to another service */
  readonly operation: string;
  readonly code: string;
  readonly status: number | undefined;
  /** the bucket's region, if the answer names one other than the request's */
  readonly region: string | undefined;
}

/** The code comes from the store, so "constructor" must not be found in a table. */
function faultName({ operation, code, status, region }: Refusal): FaultName {
  const known = Object.hasOwn(byCode, code) ? byCode[code] : undefined;
  if (known) return known;
  if (code.startsWith('KMS.')) return 'AccessDenied';
  // A HEAD request for a bucket in another region gets 400 without a code.
  if (code === 'AuthorizationHeaderMalformed') return region === undefined ? 'AccessDenied' : 'InvalidTask';
  if (status === 400 && region !== undefined) return 'InvalidTask';
  const meant = Object.hasOwn(statusOfCode, code) ? statusOfCode[code] : status;
  if (meant === undefined) return 'Unavailable';
  const meaning = byStatus[meant];
  const subject = Object.hasOwn(subjects, operation) ? subjects[operation] : undefined;
  if (meaning) return (subject && meaning[subject]) ?? meaning.else;
  // Redirects are not followed: they would send a signed request to a host that the task does not name.
  if (meant > 300 && meant < 400) return 'InvalidTask';
  return meant >= 400 && meant < 500 ? 'Refused' : 'Unavailable';
}

/** The region that the answer names. A store's text: only what can be a region is repeated. */
function regionOf({ $response, Region }: ServiceError): string | undefined {
  const named = $response?.headers?.['x-amz-bucket-region'] ?? Region;
  return typeof named === 'string' && /^[a-z0-9-]{1,40}$/.test(named) ? named : undefined;
}

/**
 * The fault for an error of a call for credentials. Whatever the reason, there are none: only faults that may be
 * temporary keep their names.
 */
export function accessFault(error: unknown, what: string): Fault {
  const fault = faultOf(error, what);
  if (fault.name === 'Throttled' || fault.name === 'Unavailable') return fault;
  return new Fault('CredentialsRefused', fault.message, { cause: error });
}

function hint(name: FaultName, code: string, region: string | undefined): string {
  if (name === 'InvalidTask') {
    const right = region === undefined ? '' : `: the store names "${region}"`;
    return ` (is the region of this bucket right in the task?${right})`;
  }
  if (code === 'RequestTimeTooSkewed') return ' (is the clock of this machine right?)';
  if (code === 'XAmzContentSHA256Mismatch') return ' (the store does not accept bodies whose hash is not signed)';
  if (/^(InvalidTag|BadTag)/.test(code)) return ` (tags: false in the task leaves the object's tags out)`;
  return '';
}

/** What OpenSSL says of a certificate whose authority is not trusted (its X509_verify_cert_error_string). */
const untrusted = /self-signed certificate|unable to (get (local )?issuer certificate|verify the first certificate)/;

/** For a store with a private authority, or behind a proxy that looks into TLS. Without TLS there was no answer. */
function trustHint(status: number | undefined, message: string): string {
  if (status !== undefined || !untrusted.test(message)) return '';
  return ' (if its authority is your own: certificateAuthority in the task, or AWS_CA_BUNDLE for a command)';
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof Error) return error;
  return { name: 'Error', message: String(error) };
}
