import { Fault } from './faults.ts';

/**
 * The work may not be done now, although nothing is wrong: its task or its run is paused, or the budget of calls is in
 * use. The job waits, and nothing of the wait is counted against it.
 */
export class Held extends Fault {
  /** when to look again */
  readonly delaySeconds: number;

  constructor(message: string, delaySeconds: number) {
    super('Held', message);
    this.delaySeconds = delaySeconds;
  }
}
