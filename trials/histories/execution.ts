import { asFault } from '../../shared/model/faults.ts';
import type { Job } from '../../shared/model/job.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { abandonUpload } from '../../shared/transfer/steps/abandon-upload.ts';
import { runSteps, withRetries, type StepCalls } from '../../test/support/upload-machine.ts';
import type { HistoryWorld } from './world.ts';

interface Started {
  readonly execution: string;
  readonly job: Job;
}

/** Retries of a state. The deployed machine makes fewer in a row, but over a longer time. */
const stateRetries = 6;
/**
 * The longest wait. It passes for all others too, also for one that has announced an upload and not created it yet: the
 * sweeper knows that no process takes hours for that.
 */
const longestWaitMillis = 60_000;
/** Between retries while the surroundings fail, as on average in the deployed machine. */
const retryMillis = 60_000;
/** Retries of the state that abandons. In an account its failure raises an alarm; here the faults end before that. */
const abandonRetries = 100;

/**
 * Runs one execution of the UPLOAD machine to its end. A failure that remains is a violation.
 * @param call calls one step as a process that may be killed
 */
export async function runExecution(world: HistoryWorld, call: StepCalls['call'], started: Started): Promise<void> {
  const { execution, job } = started;
  const recover = (): Promise<void> => world.clock.sleep(retryMillis);
  const outlast = world.traits.patient ? recover : undefined;
  try {
    const wait = (millis: number): Promise<void> => world.clock.sleep(Math.min(millis, longestWaitMillis));
    await runSteps(job, { call, wait, retries: stateRetries, outlast });
  } catch (error) {
    const fault = asFault(error);
    const failure = { Error: fault.name, Cause: JSON.stringify({ errorMessage: fault.message }) };
    const abandon = ({ task, destination, ledger, clock }: TransferContext): Promise<void> =>
      abandonUpload(
        {
          destination: () => Promise.resolve({ task, destination }),
          ledger,
          deadLetters: world.deadLetters,
          clock,
          onLeftover: () => undefined,
        },
        { job, execution, error: failure },
      );
    await withRetries({ call, retries: abandonRetries, outlast: recover }, abandon).catch(
      (left: unknown) => void world.violations.push(`abandoning failed: ${asFault(left).message}`),
    );
  }
}
