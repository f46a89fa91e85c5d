import { asFault, Fault } from '../shared/model/faults.ts';
import type { Clock, Deadline } from '../shared/ports/clock.ts';
import type { JobSource, ReceivedMessage } from '../shared/ports/job-source.ts';
import type { Progress } from '../shared/ports/progress.ts';
import { heartbeatAction, type DeliveryLimits } from './heartbeat.ts';

export interface DeliveryContext {
  readonly source: JobSource;
  readonly clock: Clock;
  readonly limits: DeliveryLimits;
  /** is the process draining? */
  readonly isEnding: () => boolean;
  /**
   * a heartbeat failed: the message may be delivered again too early; the second consumer then finds the object done
   */
  readonly onMissedHeartbeat: (fault: Fault) => void;
}

/** A received message. Heartbeats hide it from other consumers as long as its job makes progress. */
export class Delivery {
  readonly message: ReceivedMessage;
  /** for the core: it starts no part once the process drains, or the message was held for its maximum time */
  readonly deadline: Deadline;
  /** rejects when the job made no progress for the job timeout */
  readonly stuck: Promise<never>;
  readonly #context: DeliveryContext;
  readonly #receivedAt: number;
  #progressAt: number;
  #progressed = false;
  #isStuck = false;
  #timer: NodeJS.Timeout | undefined;
  #giveUp: (fault: Fault) => void = () => undefined;

  constructor(message: ReceivedMessage, context: DeliveryContext) {
    const { clock, limits, isEnding: ending } = context;
    this.message = message;
    this.#context = context;
    this.#receivedAt = clock.now();
    this.#progressAt = this.#receivedAt;
    this.deadline = {
      remaining: () => (ending() ? -1 : this.#receivedAt + limits.maxHoldSeconds * 1000 - clock.now()),
    };
    this.stuck = new Promise<never>((_, reject) => (this.#giveUp = reject));
    // Without a listener a rejection would end the process.
    this.stuck.catch(() => undefined);
    this.#timer = setInterval(() => this.#heartbeat(), (limits.visibilitySeconds * 1000) / 3);
  }

  /** Did the job make progress, and was its message held for nearly the maximum time? */
  get wasHeldLong(): boolean {
    const { clock, limits } = this.#context;
    // The core starts no part in the last minute before a deadline.
    return this.#progressed && clock.now() - this.#receivedAt > (limits.maxHoldSeconds - 60) * 1000;
  }

  /** Was the job stopped by the worker (drain, or hold limit), rather than failed? */
  get interrupted(): boolean {
    return !this.#isStuck && (this.#context.isEnding() || this.wasHeldLong);
  }

  /** Passes the core's events on; each part that was sent, or read again, counts as progress. */
  watchProgress(listener: Progress): Progress {
    return (event) => {
      if (event.type === 'sent' || event.type === 'read again') {
        this.#progressAt = this.#context.clock.now();
        this.#progressed = true;
      }
      listener(event);
    };
  }

  /** Stops the heartbeat. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #heartbeat(): void {
    const { source, clock, limits, onMissedHeartbeat: onMissedBeat } = this.#context;
    const times = { receivedAt: this.#receivedAt, progressAt: this.#progressAt };
    const action = heartbeatAction(times, limits, clock.now());
    switch (action.kind) {
      case 'extend':
        source.after(this.message.receipt, action.seconds).catch((error: unknown) => {
          // A message that was just deleted cannot be hidden any more; that is not a fault.
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
