import type { S3Client } from '@aws-sdk/client-s3';

/** The parts of the SDK's retry strategy that are used here. */
interface RetryToken {
  getRetryDelay(): number;
}
interface RetryStrategy {
  acquireInitialRetryToken(scope: string): Promise<RetryToken>;
  refreshRetryTokenForRetry(token: RetryToken, error: ErrorInfo): Promise<RetryToken>;
  recordSuccess(token: RetryToken): void;
}
interface ErrorInfo {
  readonly error: unknown;
  readonly errorType: 'THROTTLING' | 'TRANSIENT' | 'SERVER_ERROR' | 'CLIENT_ERROR';
  readonly retryAfterHint?: Date;
}

/** The errors that the SDK retries ("Retry behavior", AWS SDKs and Tools Reference Guide): by code, and by status. */
const throttling: ReadonlySet<string> = new Set([
  ...['BandwidthLimitExceeded', 'EC2ThrottledException', 'LimitExceededException', 'PriorRequestNotComplete'],
  ...['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'RequestThrottled', 'SlowDown'],
  ...['RequestThrottledException', 'ThrottledException', 'Throttling', 'ThrottlingException'],
  ...['TooManyRequestsException', 'TransactionInProgressException'],
]);
const transient: ReadonlySet<string> = new Set([
  ...['TimeoutError', 'RequestTimeout', 'RequestTimeoutException'],
  ...['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
]);
const transientStatus: ReadonlySet<number> = new Set([500, 502, 503, 504]);

interface Failure {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  /** set by the code that corrected the clock */
  readonly clockWasWrong?: boolean;
}

/**
 * Makes a call up to as often as the client's retry strategy allows. The strategy is the SDK's own, with its budget of
 * retries, which all calls of the client share.
 * @param attempt makes one attempt; gets its number, from 1
 * @param canRepeat false for a body that streams: the first failure is the call's
 */
export async function withAttempts<Result>(
  { config }: S3Client,
  canRepeat: boolean,
  attempt: (number: number) => Promise<Result>,
): Promise<Result> {
  const strategy = (await config.retryStrategy()) as unknown as RetryStrategy;
  let token = await strategy.acquireInitialRetryToken('');
  for (let number = 1; ; number++) {
    try {
      const result = await attempt(number);
      strategy.recordSuccess(token);
      return result;
    } catch (error) {
      if (!canRepeat) throw error;
      try {
        token = await strategy.refreshRetryTokenForRetry(token, errorInfo(error));
      } catch {
        // The strategy says so by an error: this one is not repeated, or not any more.
        throw error;
      }
      const delay = token.getRetryDelay();
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

function errorInfo(error: unknown): ErrorInfo {
  const { name, code, $metadata, $response, clockWasWrong } = (error ?? {}) as Failure;
  const status = $metadata?.httpStatusCode ?? 0;
  const isThrottled = status === 429 || throttling.has(String(name));
  const isTransient =
    clockWasWrong === true || transient.has(String(name)) || transient.has(String(code)) || transientStatus.has(status);
  const retryAfter = hintOf($response?.headers?.['retry-after']);
  return {
    error,
    errorType: isThrottled ? 'THROTTLING' : isTransient ? 'TRANSIENT' : 'CLIENT_ERROR',
    ...(retryAfter && { retryAfterHint: retryAfter }),
  };
}

/** @param retryAfter seconds or a date */
function hintOf(retryAfter: string | undefined): Date | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = Number(retryAfter);
  const at = new Date(Number.isNaN(seconds) ? Date.parse(retryAfter) : Date.now() + seconds * 1000);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
