import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { withAttempts } from '../../../../shared/aws/http/attempts.ts';

interface Asked {
  readonly errorType: string;
  readonly retryAfterHint?: Date;
}

/** A client whose strategy allows so many attempts, without a delay, and notes what it is asked. */
function clientWith(attempts: number): { client: S3Client; asked: Asked[]; succeeded: () => number } {
  const asked: Asked[] = [];
  let succeeded = 0;
  const token = { getRetryDelay: () => 0 };
  const strategy = {
    acquireInitialRetryToken: () => Promise.resolve(token),
    refreshRetryTokenForRetry: (_token: unknown, error: Asked) => {
      asked.push(error);
      const isRepeated = error.errorType !== 'CLIENT_ERROR' && asked.length < attempts;
      return isRepeated ? Promise.resolve(token) : Promise.reject(new Error('no more'));
    },
    recordSuccess: () => succeeded++,
  };
  const client = { config: { retryStrategy: () => Promise.resolve(strategy) } } as unknown as S3Client;
  return { client, asked, succeeded: () => succeeded };
}

function failure(fields: object): Error {
  return Object.assign(new Error('m'), fields);
}

describe('attempts', () => {
  it.each([
    [{ name: 'SlowDown' }, 'THROTTLING'],
    [{ $metadata: { httpStatusCode: 429 } }, 'THROTTLING'],
    [{ $metadata: { httpStatusCode: 503 } }, 'TRANSIENT'],
    [{ name: 'TimeoutError' }, 'TRANSIENT'],
    [{ code: 'ECONNRESET' }, 'TRANSIENT'],
    [{ clockWasWrong: true, $metadata: { httpStatusCode: 403 } }, 'TRANSIENT'],
    [{ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }, 'CLIENT_ERROR'],
    [{ name: 'InvalidAnswer' }, 'CLIENT_ERROR'],
  ])('after %j are a matter of %s', async (fields, errorType) => {
    const { client, asked } = clientWith(1);
    const error = failure(fields);
    await expect(withAttempts(client, true, () => Promise.reject(error))).rejects.toBe(error);
    expect(asked).toEqual([{ error, errorType }]);
  });

  it('are made until one succeeds, and the success is noted', async () => {
    const { client, succeeded } = clientWith(5);
    const made: number[] = [];
    const result = await withAttempts(client, true, (number) => {
      made.push(number);
      return number < 3 ? Promise.reject(failure({ code: 'EPIPE' })) : Promise.resolve('done');
    });
    expect({ result, made, succeeded: succeeded() }).toEqual({ result: 'done', made: [1, 2, 3], succeeded: 1 });
  });

  it('end with the last error when the strategy allows no more', async () => {
    const { client } = clientWith(3);
    const last = withAttempts(client, true, (number) => Promise.reject(failure({ code: 'EPIPE', number })));
    await expect(last).rejects.toMatchObject({ number: 3 });
  });

  it('of a body that streams are one', async () => {
    const { client, asked } = clientWith(3);
    await expect(withAttempts(client, false, () => Promise.reject(failure({ code: 'EPIPE' })))).rejects.toThrow('m');
    expect(asked).toEqual([]);
  });

  it('wait as long as the store says', async () => {
    const { client, asked } = clientWith(1);
    const error = failure({ name: 'SlowDown', $response: { headers: { 'retry-after': '7' } } });
    await expect(withAttempts(client, true, () => Promise.reject(error))).rejects.toBe(error);
    const seconds = ((asked[0]?.retryAfterHint?.getTime() ?? 0) - Date.now()) / 1000;
    expect(Math.round(seconds)).toBe(7);
  });
});
