import type { CustomResourceAnswer } from '../model/messages/custom-resource.ts';
import { Fault } from '../model/faults.ts';
import { systemClock } from '../ports/clock.ts';

/** Without an answer CloudFormation waits an hour, so it is worth some attempts. */
const attempts = 5;

/**
 * Tells CloudFormation how a request ended.
 * @param url presigned, for a PUT without a content type
 * @throws Fault `Unavailable` where it cannot be told
 */
export async function answerCloudFormation(url: string, answer: CustomResourceAnswer): Promise<void> {
  // As bytes: with text, fetch would add a content type, which the signature does not have.
  const body = Buffer.from(JSON.stringify(answer));
  for (let attempt = 1; ; attempt++) {
    const reason = await put(url, body);
    if (reason === undefined) return;
    if (attempt >= attempts) throw new Fault('Unavailable', `CloudFormation does not take the answer: ${reason}`);
    await systemClock.sleep(200 * 2 ** attempt);
  }
}

/** @returns why it failed; the URL is a secret and never part of it */
async function put(url: string, body: Buffer<ArrayBuffer>): Promise<string | undefined> {
  try {
    const response = await fetch(url, { method: 'PUT', body, signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.name : 'no answer';
  }
}
