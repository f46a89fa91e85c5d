import type { CustomResourceAnswer } from '../model/messages/custom-resource.ts';
import { Fault } from '../model/faults.ts';
import { systemClock } from '../ports/clock.ts';

/** Attempts to deliver an answer. Without one, CloudFormation waits an hour. */
const maxAttempts = 5;

/**
 * Reports to CloudFormation how a request ended.
 * @param url presigned, for a PUT without a content type
 * @throws Fault `Unavailable` if it cannot be delivered
 */
export async function answerCloudFormation(url: string, answer: CustomResourceAnswer): Promise<void> {
  // As bytes: for text, fetch adds a content type, which is not part of the signature.
  const body = Buffer.from(JSON.stringify(answer));
  for (let attempt = 1; ; attempt++) {
    const reason = await put(url, body);
    if (reason === undefined) return;
    if (attempt >= maxAttempts) throw new Fault('Unavailable', `CloudFormation does not accept the answer: ${reason}`);
    await systemClock.sleep(200 * 2 ** attempt);
  }
}

/** @returns the reason if it failed; the URL is a secret and never part of it */
async function put(url: string, body: Buffer<ArrayBuffer>): Promise<string | undefined> {
  try {
    const response = await fetch(url, { method: 'PUT', body, signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.name : 'no answer';
  }
}
