import { asFault, Fault } from '../shared/model/faults.ts';
import type { Clock, Deadline } from '../shared/ports/clock.ts';
import type { JobSource, ReceivedMessage } from '../shared/ports/job-source.ts';
import type { Progress } from '../shared/ports/progress.ts';
import { beatOf, type DeliveryLimits } from './beat.ts';

export interface DeliverySurroundings {
  readonly source: JobSource;
  readonly clock: Clock;
  readonly limits: DeliveryLimits;
  /** is the process ending? */
  readonly ending: () => boolean;
  /** a heartbeat failed: the message may come back too early, and whoever gets it then finds out */
  readonly onMissedBeat: (fault: Fault) => void;
}

/** A message in hand: stays hidden from others while its job makes progress, and no longer. */
export class Delivery {
  readonly message: ReceivedMessage;
  /** for the core: no part is begun once the process is ending, or the message was held for long enough */
  readonly deadline: Deadline;
  /** rejects when the job has made no progress for too long */
  readonly stuck: Promise<never>;
  readonly #surroundings: DeliverySurroundings;
  readonly #receivedAt: number;
  #progressAt: number;
  #progressed = false;
  #isStuck = false;
  #timer: NodeJS.Timeout | undefined;
  #giveUp: (fault: Fault) => void = () => undefined;

  constructor(message: ReceivedMessage, surroundings: DeliverySurroundings) {
    const { clock, limits, ending } = surroundings;
    this.message = message;
    this.#surroundings = surroundings;
    this.#receivedAt = clock.now();
    this.#progressAt = this.#receivedAt;
    this.deadline = {
      remaining: () => (ending() ? -1 : this.#receivedAt + limits.maxHold * 1000 - clock.now()),
    };
    this.stuck = new Promise<never>((_, reject) => (this.#giveUp = reject));
    // Nobody may be waiting for it.
    this.stuck.catch(() => undefined);
    this.#timer = setInterval(() => this.#beat(), (limits.visibility * 1000) / 3);
  }

  /** Was the message held for about as long as it may be, with something to show for it? */
  get held(): boolean {
    const { clock, limits } = this.#surroundings;
    // The core begins no part in a deadline's last minute.
    return this.#progressed && clock.now() - this.#receivedAt > (limits.maxHold - 60) * 1000;
  }

  /** Is it the worker that ends, and not the job that fails? */
  get interrupted(): boolean {
    return !this.#isStuck && (this.#surroundings.ending() || this.held);
  }

  /** Passes the core's events on, and takes what arrived at the destination for a sign of life. */
  listen(listener: Progress): Progress {
    return (event) => {
      if (event.type === 'sent') {
        this.#progressAt = this.#surroundings.clock.now();
        this.#progressed = true;
      }
      listener(event);
    };
  }

  /** Ends the heartbeat. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    const { source, clock, limits, onMissedBeat } = this.#surroundings;
    const times = { receivedAt: this.#receivedAt, progressAt: this.#progressAt };
    const beat = beatOf(times, limits, clock.now());
    switch (beat.kind) {
      case 'extend':
        source.after(this.message.receipt, beat.seconds).catch((error: unknown) => {
          // One that has just been deleted cannot be hidden any longer.
          if (this.#timer) onMissedBeat(asFault(error));
        });
        break;
      case 'stuck':
        this.end();
        this.#isStuck = true;
        this.#giveUp(new Fault('OutOfTime', `no progress for ${limits.jobTimeout} s; the job was given up`));
        break;
      case 'none':
        break;
    }
  }
}
