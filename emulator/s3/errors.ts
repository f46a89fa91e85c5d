/** Every error that this server answers: the code, the HTTP status and the message, all as S3 sends them. */
const table = {
  AccessControlListNotSupported: [400, 'The bucket does not allow ACLs'],
  AccessDenied: [403, 'Access Denied'],
  AuthorizationHeaderMalformed: [400, 'The authorization header that you provided is not valid.'],
  AuthorizationQueryParametersError: [400, 'The query-string authentication parameters are not valid.'],
  BadDigest: [400, 'The Content-MD5 or checksum value that you specified did not match what the server received.'],
  BucketAlreadyOwnedByYou: [409, 'Your previous request to create the named bucket succeeded and you already own it.'],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty'],
  ConditionalRequestConflict: [
    409,
    'The conditional request cannot succeed due to a conflicting operation against this resource.',
  ],
  EntityTooLarge: [400, 'Your proposed upload exceeds the maximum allowed size'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed size'],
  IncompleteBody: [400, 'You did not provide the number of bytes specified by the Content-Length HTTP header.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  InvalidAccessKeyId: [403, 'The AWS Access Key Id you provided does not exist in our records.'],
  InvalidArgument: [400, 'Invalid Argument'],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidDigest: [400, 'The Content-MD5 you specified is not valid.'],
  InvalidObjectState: [403, "The operation is not valid for the object's storage class"],
  InvalidPart: [
    400,
    'One or more of the specified parts could not be found. The part may not have been uploaded, or the specified ' +
      "entity tag may not match the part's entity tag.",
  ],
  InvalidPartNumber: [416, 'The requested partnumber is not satisfiable'],
  InvalidPartOrder: [400, 'The list of parts was not in ascending order. Parts must be ordered by part number.'],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidRequest: [400, 'Invalid Request'],
  InvalidStorageClass: [400, 'The storage class you specified is not valid'],
  InvalidRedirectLocation: [400, 'The website redirect location must have a prefix of http:// or https:// or /.'],
  InvalidToken: [400, 'The provided token is malformed or otherwise invalid.'],
  InvalidTag: [400, 'The tag provided was not a valid tag.'],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, 'Your key is too long'],
  MalformedXML: [400, 'The XML you provided was not well-formed or did not validate against our published schema'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  MissingContentLength: [411, 'You must provide the Content-Length HTTP header.'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchUpload: [
    404,
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or ' +
      'completed.',
  ],
  NotImplemented: [501, 'A header or query parameter you provided implies functionality that is not implemented'],
  PermanentRedirect: [
    301,
    'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future ' +
      'requests to this endpoint.',
  ],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
  RequestTimeTooSkewed: [403, "The difference between the request time and the server's time is too large."],
  SignatureDoesNotMatch: [
    403,
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ],
  TemporaryRedirect: [307, 'Please re-send this request to the specified temporary endpoint.'],
  XAmzContentSHA256Mismatch: [400, "The provided 'x-amz-content-sha256' header does not match what was computed."],
} as const satisfies Record<string, readonly [number, string]>;

/** The name of an S3 error, as in `<Code>`. */
export type ErrorCode = keyof typeof table;

/**
 * An error answered to the client. Thrown anywhere below the request listener, which turns it into the status and the
 * XML document of S3.
 */
export class S3Error extends Error {
  readonly code: string;
  readonly status: number;
  /** More elements of the error document, such as `ActualObjectSize`. */
  readonly details: Readonly<Record<string, string>>;
  /** Response headers of the error. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param code the S3 error name
   * @param message replaces the usual message of S3 for this code
   * @param extra more XML elements and response headers
   */
  constructor(
    code: ErrorCode,
    message?: string,
    extra: { details?: Record<string, string>; headers?: Record<string, string> } = {},
  ) {
    super(message ?? table[code][1]);
    this.name = 'S3Error';
    this.code = code;
    this.status = table[code][0];
    this.details = extra.details ?? {};
    this.headers = extra.headers ?? {};
  }

  /** An error that S3 does not have. @param code any name @param message for people */
  static other(status: number, code: string, message: string): S3Error {
    return new OtherError(status, code, message);
  }
}

/** An error of another store. */
class OtherError extends S3Error {
  override readonly code: string;
  override readonly status: number;

  constructor(status: number, code: string, message: string) {
    super('InternalError', message);
    this.code = code;
    this.status = status;
  }
}
