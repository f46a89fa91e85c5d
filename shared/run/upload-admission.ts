import { asFault, type Fault } from '../model/faults.ts';
import { Held } from '../model/held.ts';
import type { Job } from '../model/job.ts';
import type { Clock } from '../ports/clock.ts';
import type { OpenUploads } from '../ports/open-uploads.ts';
import type { RunningUploads, Uploads } from '../ports/uploads.ts';

/**
 * Executions of the UPLOAD machine begin only while there is room for their calls. A job that finds none goes back to
 * the queue as a delayed message, and nothing of the wait is counted. How many calls an execution may make at once
 * follows from how many there are.
 */

/** How often one process of all compares the counter with what Step Functions lists. */
const comparedEveryMillis = 3 * 60_000;
/** How long a process that found no room does not ask again: a million jobs may wait. */
const refusedForMillis = 5_000;
/**
 * Seconds until a job that found no room returns: 15, and one more for each that this process has held back in the last
 * minutes, at most five minutes. So few that wait are back soon after an execution ends, and many cost little.
 */
const firstDelaySeconds = 15;
const maxDelaySeconds = 300;
const pressureMillis = 300_000;

export interface UploadAdmissionOptions {
  readonly uploads: Uploads & RunningUploads;
  readonly open: OpenUploads;
  /** executions at once */
  readonly limit: number;
  readonly clock: Clock;
  /** Called if the counter could not be corrected. The next comparison does it. */
  onFault(fault: Fault): void;
}

/** Starts executions, as many at once as the limit allows. */
export class UploadAdmission implements Uploads {
  readonly #options: UploadAdmissionOptions;
  #refusedUntil = -Infinity;
  #askedAt = -Infinity;
  /** jobs held back, of which each counts less with time, and when the last one was */
  #pressure = 0;
  #heldAt = -Infinity;

  constructor(options: UploadAdmissionOptions) {
    this.#options = options;
  }

  /** Was there no room a moment ago? Then a large object need not be looked at now. @throws Held */
  checkRoom(): void {
    if (this.#options.clock.now() < this.#refusedUntil) throw this.#held();
  }

  /** @throws Held if there is no room for another execution */
  async start(job: Job): Promise<{ readonly execution: string; readonly started: boolean }> {
    const { uploads, open, limit, clock } = this.#options;
    const onFault = (error: unknown): void => this.#options.onFault(asFault(error));
    this.checkRoom();
    await this.#compare().catch(onFault);
    if (!(await open.admit(limit))) {
      this.#refusedUntil = clock.now() + refusedForMillis;
      throw this.#held();
    }
    let started = false;
    try {
      const result = await uploads.start(job);
      started = result.started;
      return result;
    } finally {
      if (!started) await open.release().catch(onFault);
    }
  }

  #held(): Held {
    const { limit, clock } = this.#options;
    const now = clock.now();
    this.#pressure = this.#pressure * Math.exp((this.#heldAt - now) / pressureMillis) + 1;
    this.#heldAt = now;
    const delaySeconds = heldSeconds(this.#pressure, Math.random());
    return new Held(`there are ${limit} executions of uploads, as many as may be`, delaySeconds);
  }

  /** Corrects the counter by what Step Functions lists, in one process at a time. */
  async #compare(): Promise<void> {
    const { uploads, open, clock } = this.#options;
    const now = clock.now();
    if (now - this.#askedAt < comparedEveryMillis) return;
    this.#askedAt = now;
    const comparison = await open.beginComparison(now, now - comparedEveryMillis);
    if (!comparison) return;
    const difference = (await uploads.countRunning()) - comparison.count;
    await open.endComparison(difference, correctionOf(comparison.lastDifference, difference));
  }
}

/**
 * Seconds until a job that found no room returns; up to half of them are left out, so that jobs come evenly.
 * @param pressure how many a process has held back lately
 * @param random from 0 to 1, exclusive
 */
export function heldSeconds(pressure: number, random: number): number {
  return Math.round(Math.min(maxDelaySeconds, firstDelaySeconds + pressure) * (1 - random / 2));
}

/**
 * By how much the counter is corrected. Executions that begin or end during a comparison make a difference of a moment;
 * what two comparisons in a row agree on is what a crash, or a person, has left.
 */
export function correctionOf(last: number, now: number): number {
  if (last > 0 && now > 0) return Math.min(last, now);
  if (last < 0 && now < 0) return Math.max(last, now);
  return 0;
}

/**
 * Calls that one execution may make at once: its part of all, and at least one.
 * @param calls of upload-parts, over all executions
 * @param open executions, the asking one included
 */
export function shareOf(calls: number, open: number): number {
  return Math.max(1, Math.floor(calls / Math.max(1, open)));
}
