import { asFault } from '../../shared/model/faults.ts';
import type { Job } from '../../shared/model/job.ts';
import type { CheckUploadInput, UploadState } from '../../shared/model/messages/payloads.ts';
import { abandonUpload } from '../../shared/transfer/steps/abandon-upload.ts';
import { checkUpload } from '../../shared/transfer/steps/check-upload.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { planUpload } from '../../shared/transfer/steps/plan-upload.ts';
import { sendBatch } from '../../shared/transfer/steps/send-batch.ts';
import type { HistoryWorld } from './world.ts';

/** A Lambda call: a new process that works, and may be killed. */
export type Call = <Result>(work: (context: TransferContext) => Promise<Result>) => Promise<Result>;

interface Execution {
  readonly execution: string;
  readonly job: Job;
}

/** Retries of a state. The machine's are fewer in a row, but last longer. */
const stateRetries = 6;
/** What stays undone by abandoning is a failed execution with an alarm; calm comes before that. */
const abandonRetries = 100;

/** One execution of the UPLOAD machine over the use-cases, to its end; what goes wrong for good is a violation. */
export async function runExecution(world: HistoryWorld, call: Call, { execution, job }: Execution): Promise<void> {
  try {
    await uploadObject(world, call, job);
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
    await withRetries(call, abandon, abandonRetries).catch(
      (left: unknown) => void world.violations.push(`abandoning failed: ${asFault(left).message}`),
    );
  }
}

async function uploadObject({ clock }: HistoryWorld, call: Call, job: Job): Promise<void> {
  let state = await withRetries(call, (context) => planUpload(context, { job, attempt: 0 }));
  while (state.state !== 'finished') {
    // From state to state it passes as JSON.
    const now: UploadState = JSON.parse(JSON.stringify(state)) as UploadState;
    if (now.state === 'replan') {
      state = await withRetries(call, (context) => planUpload(context, now));
      continue;
    }
    let input = now as CheckUploadInput;
    if (now.state === 'uploading') {
      const outcomes = await Promise.all(
        now.batches.map((batch) =>
          call((context) => sendBatch(context, { job, target: now.target, batch })).then(
            (outcome) => ({ outcome }),
            (error: unknown) => ({ outcome: asFault(error).name }),
          ),
        ),
      );
      input = { ...now, outcomes };
    } else await clock.sleep(60_000);
    state = await withRetries(call, (context) => checkUpload(context, input));
  }
}

/** A state with the machine's Retry. */
async function withRetries<Result>(
  call: Call,
  work: (context: TransferContext) => Promise<Result>,
  retries = stateRetries,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(work);
    } catch (error) {
      if (asFault(error).retry === 'never' || attempt > retries) throw error;
    }
  }
}
