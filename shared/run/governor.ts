import type { Clock, Deadline } from '../ports/clock.ts';
import { ControlsCache, type ControlsCacheOptions } from './controls-cache.ts';
import { standingOf, type Belonging, type Standing } from './standing.ts';

export interface GovernorOptions extends ControlsCacheOptions {
  readonly clock: Clock;
}

/** Knows, in one process, what work may be done now. */
export class Governor {
  readonly #cache: ControlsCache;

  constructor(options: GovernorOptions) {
    this.#cache = new ControlsCache(options);
  }

  /** The deadline, which has passed as soon as the work may not be done any more. */
  deadline(work: Belonging, deadline: Deadline): Deadline {
    const isFree = (): boolean => standingOf(this.#cache.lastOf(work.task), work).kind === 'free';
    return { remaining: () => (isFree() ? deadline.remaining() : -1) };
  }

  /** May this work be done now? Never throws. */
  async standing(work: Belonging): Promise<Standing> {
    return standingOf(await this.#cache.of(work.task), work);
  }
}
