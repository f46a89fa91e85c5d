import type { Clock } from '../ports/clock.ts';
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

  /** May this work be done now? Never throws. */
  async standing(work: Belonging): Promise<Standing> {
    return standingOf(await this.#cache.of(work.task), work);
  }
}
