import { noControl, type Control } from '../model/control.ts';
import { asFault, type Fault } from '../model/faults.ts';
import type { Clock } from '../ports/clock.ts';
import type { Controls } from '../ports/controls.ts';

/** How long what was read is believed: an order takes effect within this time. */
const freshMillis = 15_000;
/** Tasks that are remembered: names come from messages. Others push out the one that was read first. */
const maxRemembered = 1000;

export interface ControlsCacheOptions {
  readonly controls: Pick<Controls, 'read'>;
  readonly clock: Clock;
  /** Called when a task's item cannot be read, or makes no sense. Work goes on with what was known before. */
  readonly onFault: (task: string, fault: Fault) => void;
}

interface Remembered {
  /** when the read began, milliseconds since the epoch */
  readonly at: number;
  readonly control: Promise<Control>;
  /** what was last read */
  last: Control;
}

/**
 * What is decided about tasks, read every 15 seconds for those that are worked on. An answer that fails changes
 * nothing: a table that is not there for a moment neither stops work nor lets go what is paused.
 */
export class ControlsCache {
  readonly #options: ControlsCacheOptions;
  readonly #remembered = new Map<string, Remembered>();

  constructor(options: ControlsCacheOptions) {
    this.#options = options;
  }

  /** What is decided about a task. Concurrent callers share one read. Never throws. */
  async of(task: string): Promise<Control> {
    return (this.#fresh(task) ?? this.#read(task)).control;
  }

  /** The same, as it was last read, for callers that cannot wait; a read begins if that was too long ago. */
  lastOf(task: string): Control {
    return (this.#fresh(task) ?? this.#read(task)).last;
  }

  /** What was just written, which is newer than what was read. */
  keep(task: string, control: Control): void {
    this.#remember(task, { at: this.#options.clock.now(), control: Promise.resolve(control), last: control });
  }

  #fresh(task: string): Remembered | undefined {
    const known = this.#remembered.get(task);
    return known && this.#options.clock.now() - known.at < freshMillis ? known : undefined;
  }

  #read(task: string): Remembered {
    const { controls, clock, onFault } = this.#options;
    const { last } = this.#remembered.get(task) ?? { last: noControl };
    const control = controls.read(task).catch((error: unknown) => {
      onFault(task, asFault(error));
      return last;
    });
    const remembered: Remembered = { at: clock.now(), control, last };
    void control.then((read) => (remembered.last = read));
    return this.#remember(task, remembered);
  }

  #remember(task: string, remembered: Remembered): Remembered {
    this.#remembered.delete(task);
    this.#remembered.set(task, remembered);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > maxRemembered && oldest !== undefined) this.#remembered.delete(oldest);
    return remembered;
  }
}
