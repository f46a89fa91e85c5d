import { Fault, type FaultName } from '../../shared/model/faults.ts';
import type { Random } from '../engine/random.ts';
import type { Timeline } from '../engine/timeline.ts';

/** How one attempt at a request ended. */
export type Answer = 'accepted' | 'throttled' | 'unavailable' | 'refused';

/**
 * The standard retries of the SDK as this project has it (@smithy/core 3.x, retries-2026-config.js and
 * StandardRetryStrategy.js; five attempts: shared/aws/s3/client.ts and shared/aws/service-clients.ts).
 */
const attempts = 5;
const firstDelayMillis = { throttled: 1000, unavailable: 50 } as const;
const longestDelayMillis = 20_000;
const tokensInitially = 500;
const costs = { throttled: 5, unavailable: 14 } as const;
const refundWithoutRetry = 1;

/** Processes whose clients keep their tokens apart: a sample, each for many. */
const processes = 16;

const faultOf: Record<Exclude<Answer, 'accepted'>, FaultName> = {
  throttled: 'Throttled',
  unavailable: 'Unavailable',
  refused: 'CredentialsRefused',
};

/** The clients of one service, in all processes. */
export class SdkClients {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #tokens = Array.from({ length: processes }, () => ({ left: tokensInitially }));

  constructor(timeline: Timeline, random: Random) {
    this.#timeline = timeline;
    this.#random = random;
  }

  /**
   * Makes a request with the SDK's retries.
   * @param attempt makes one attempt, and takes the time that it takes
   * @throws Fault of the last attempt
   */
  async send(what: string, attempt: () => Promise<Answer>): Promise<void> {
    const tokens = this.#tokens[Math.floor(this.#random.next() * processes)] ?? { left: 0 };
    let cost = 0;
    for (let made = 1; ; made++) {
      const answer = await attempt();
      if (answer === 'accepted') {
        tokens.left = Math.min(tokensInitially, tokens.left + (cost || refundWithoutRetry));
        return;
      }
      const cannotRetry = answer === 'refused' || made >= attempts || tokens.left < costs[answer];
      if (cannotRetry) throw new Fault(faultOf[answer], `${what}: ${answer} after ${made} attempts`);
      cost = costs[answer];
      tokens.left -= cost;
      const longest = Math.min(longestDelayMillis, firstDelayMillis[answer] * 2 ** (made - 1));
      await this.#timeline.sleep(this.#random.next() * longest);
    }
  }
}
