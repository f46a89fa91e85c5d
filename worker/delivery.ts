import { asFault, Fault } from '../shared/model/faults.ts';
import type { Clock, Deadline } from '../shared/ports/clock.ts';
import type { JobSource, ReceivedMessage } from '../shared/ports/job-source.ts';
import type { Progress } from '../shared/ports/progress.ts';
import { heartbeatAction, type DeliveryLimits } from './heartbeat.ts';

export interface DeliveryContext {
  readonly source: JobSource;
  readonly clock: Clock;
  readonly limits: DeliveryLimits;
  /** is the process ending? */
  readonly isEnding: () => boolean;
  /** a heartbeat failed: the message may come back too early, and whoever gets it then finds out */
  readonly onMissedHeartbeat: (fault: Fault) => void;
}

/** A message in hand: stays hidden from others while its job makes progress, and no longer. */
export class Delivery {
  readonly message: ReceivedMessage;
  /** for the core: no part is begun once the process is ending, or the message was held for long enough */
  readonly deadline: Deadline;
  /** rejects when the job has made no progress for too long */
  readonly stuck: Promise<never>;
  readonly #surroundings: DeliveryContext;
  readonly #receivedAt: number;
  #progressAt: number;
  #progressed = false;
  #isStuck = false;
  #timer: NodeJS.Timeout | undefined;
  #giveUp: (fault: Fault) => void = () => undefined;

  constructor(message: ReceivedMessage, surroundings: DeliveryContext) {
    const { clock, limits, isEnding: ending } = surroundings;
    this.message = message;
    this.#surroundings = surroundings;
    this.#receivedAt = clock.now();
    this.#progressAt = this.#receivedAt;
    this.deadline = {
      remaining: () => (ending() ? -1 : this.#receivedAt + limits.maxHoldSeconds * 1000 - clock.now()),
    };
    this.stuck = new Promise<never>((_, reject) => (this.#giveUp = reject));
    // Nobody may be waiting for it.
    this.stuck.catch(() => undefined);
    this.#timer = setInterval(() => this.#beat(), (limits.visibilitySeconds * 1000) / 3);
  }

  /** Was the message held for about as long as it may be, with something to show for it? */
  get wasHeldLong(): boolean {
    const { clock, limits } = this.#surroundings;
    // The core begins no part in a deadline's last minute.
    return this.#progressed && clock.now() - this.#receivedAt > (limits.maxHoldSeconds - 60) * 1000;
  }

  /** Is it the worker that ends, and not the job that fails? */
  get interrupted(): boolean {
    return !this.#isStuck && (this.#surroundings.isEnding() || this.wasHeldLong);
  }

  /** Passes the core's events on, and takes what arrived at the destination for a sign of life. */
  watchProgress(listener: Progress): Progress {
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
    const { source, clock, limits, onMissedHeartbeat: onMissedBeat } = this.#surroundings;
    const times = { receivedAt: this.#receivedAt, progressAt: this.#progressAt };
    const beat = heartbeatAction(times, limits, clock.now());
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
        this.#giveUp(new Fault('OutOfTime', `no progress for ${limits.jobTimeoutSeconds} s; the job was given up`));
        break;
      case 'none':
        break;
    }
  }
}
