import { asFault, type FaultName } from '../../model/faults.ts';
import type { Clock, Deadline } from '../../ports/clock.ts';

/** Tries of one body or part before its fault goes to the next owner (the queue, or the upload's next round). */
const maxAttempts = 4;
/** Milliseconds before the second try; doubles, with full jitter. */
const firstDelay = 200;

/** Faults of the wire: the same bytes may go through the next time. Everything else is not for this owner. */
const ofTheWire: ReadonlySet<FaultName> = new Set(['Truncated', 'Unavailable', 'Throttled', 'VerificationFailed']);

/**
 * Tries `work` again after faults of the wire. The one retry owner of bodies and parts: the SDK does not repeat what
 * streams.
 * @param onRetry told of every fault that is tried again
 * @throws the last fault
 */
export async function withAttempts<Result>(
  { clock, deadline }: { clock: Clock; deadline: Deadline },
  work: () => Promise<Result>,
  onRetry: (fault: string, message: string) => void,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const fault = asFault(error);
      const delay = Math.random() * firstDelay * 2 ** (attempt - 1);
      if (!ofTheWire.has(fault.name) || attempt >= maxAttempts || deadline.remaining() < delay) throw fault;
      onRetry(fault.name, fault.message);
      await clock.sleep(delay);
    }
  }
}
