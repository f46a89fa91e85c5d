import { asFault, type FaultName } from '../../model/faults.ts';
import type { Clock, Deadline } from '../../ports/clock.ts';

/** Attempts at one body or part before its fault goes to the next layer (the queue, or the upload's next round). */
const maxAttempts = 4;
/** The delay before the second attempt; it doubles each time, with full jitter. */
const firstDelayMillis = 200;

/** Faults of the wire: another attempt may succeed. The layers above handle all others. */
const wireFaults: ReadonlySet<FaultName> = new Set(['Truncated', 'Unavailable', 'Throttled', 'VerificationFailed']);

/**
 * Retries `work` after faults of the wire. This is the only layer that retries bodies and parts: the SDK does not
 * repeat requests whose body is a stream.
 * @param onRetry called before every retry
 * @throws the last fault
 */
export async function withAttempts<Result>(
  { clock, deadline }: { clock: Clock; deadline: Deadline },
  work: () => Promise<Result>,
  onRetry: (fault: FaultName, message: string) => void,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const fault = asFault(error);
      const delayMillis = Math.random() * firstDelayMillis * 2 ** (attempt - 1);
      if (!wireFaults.has(fault.name) || attempt >= maxAttempts || deadline.remaining() < delayMillis) throw fault;
      onRetry(fault.name, fault.message);
      await clock.sleep(delayMillis);
    }
  }
}
