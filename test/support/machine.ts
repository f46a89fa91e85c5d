import type { Job } from '../../shared/model/job.ts';
import type { BatchOutcome, CheckUploadInput, UploadState } from '../../shared/model/messages/payloads.ts';
import { asFault } from '../../shared/model/faults.ts';
import { checkUpload } from '../../shared/transfer/steps/check-upload.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { planUpload } from '../../shared/transfer/steps/plan-upload.ts';
import { sendBatch } from '../../shared/transfer/steps/send-batch.ts';

/** What happened in an execution. */
export interface Execution {
  readonly state: UploadState;
  /** the states that were entered, `plan` and `check` with what they answered */
  readonly path: readonly string[];
}

/**
 * The UPLOAD machine over the use-cases, as infra/machines/upload.ts composes them: payloads pass as JSON, each call has
 * a context of its own, a batch that fails becomes an outcome, and a call that fails is tried again a few times.
 * @param context makes the context of one call
 */
export async function runUpload(context: () => TransferContext, job: Job): Promise<Execution> {
  const path: string[] = [];
  let state = await retried(() => planUpload(context(), { job, attempt: 0 }));
  path.push(`plan: ${state.state}`);
  for (;;) {
    switch (state.state) {
      case 'finished':
        return { state, path };
      case 'replan': {
        const input = asJson(state);
        state = await retried(() => planUpload(context(), input));
        path.push(`plan: ${state.state}`);
        break;
      }
      case 'uploading':
      case 'waiting': {
        let input: CheckUploadInput = asJson(state);
        if (state.state === 'uploading') input = { ...input, outcomes: await sendBatches(context, state) };
        else await context().clock.sleep(60_000);
        state = await retried(() => checkUpload(context(), asJson(input)));
        path.push(`check: ${state.state}`);
      }
    }
  }
}

async function sendBatches(
  context: () => TransferContext,
  state: Extract<UploadState, { batches: unknown }>,
): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = [];
  for (const batch of asJson(state).batches) {
    try {
      outcomes.push({ outcome: await sendBatch(context(), asJson({ job: state.job, target: state.target, batch })) });
    } catch (error) {
      outcomes.push({ outcome: asFault(error).name });
    }
  }
  return outcomes;
}

/** A state's retries: faults that may pass, and a world that moved. */
async function retried<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (asFault(error).retry === 'never' || attempt > 4) throw error;
    }
  }
}

function asJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
