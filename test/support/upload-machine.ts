import { asFault } from '../../shared/model/faults.ts';
import type { Job } from '../../shared/model/job.ts';
import type { BatchOutcome, CheckUploadInput, UploadState } from '../../shared/model/messages/payloads.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { checkUpload } from '../../shared/transfer/steps/check-upload.ts';
import { planUpload } from '../../shared/transfer/steps/plan-upload.ts';
import { sendBatch } from '../../shared/transfer/steps/send-batch.ts';

/**
 * The UPLOAD machine over the functions that its Lambda steps call, composed as infra/machines/upload.ts does: payloads
 * pass as JSON, each call gets its own context, a batch that fails becomes an outcome, and a step that fails is
 * retried. The deployed definition itself is tested in test/machines.
 */

/** What an execution did. */
export interface Execution {
  readonly state: UploadState;
  /** the states that were entered: `plan` and `check`, with their results */
  readonly path: readonly string[];
}

/** How the steps of an execution are called. */
export interface StepCalls {
  /** Calls one step, as one Lambda invocation with its own context. */
  readonly call: <Result>(step: (context: TransferContext) => Promise<Result>) => Promise<Result>;
  /** Waits before the parts are checked again. */
  readonly wait: (millis: number) => Promise<void>;
  /** times a failed step is retried */
  readonly retries: number;
  /** waits after a step that its surroundings failed, which is then retried without end; by default it counts */
  readonly outlast?: (() => Promise<void>) | undefined;
}

/**
 * Runs an execution to its end.
 * @param context makes the context of one call
 */
export async function runUpload(context: () => TransferContext, job: Job): Promise<Execution> {
  return runSteps(job, {
    call: (step) => step(context()),
    wait: (millis) => context().clock.sleep(millis),
    retries: 4,
  });
}

/** As {@link runUpload}; `calls` decides how each step is called. */
export async function runSteps(job: Job, calls: StepCalls): Promise<Execution> {
  const path: string[] = [];
  let state = await withRetries(calls, (context) => planUpload(context, { job, attempt: 0 }));
  path.push(`plan: ${state.state}`);
  for (;;) {
    switch (state.state) {
      case 'finished':
        return { state, path };
      case 'replan': {
        const input = asJson(state);
        state = await withRetries(calls, (context) => planUpload(context, input));
        path.push(`plan: ${state.state}`);
        break;
      }
      case 'uploading':
      case 'waiting': {
        let input: CheckUploadInput = asJson(state);
        if (state.state === 'uploading') input = { ...input, outcomes: await sendBatches(calls, state) };
        else await calls.wait((state.waitSeconds ?? 60) * 1000);
        state = await withRetries(calls, (context) => checkUpload(context, asJson(input)));
        path.push(`check: ${state.state}`);
      }
    }
  }
}

async function sendBatches(
  { call }: StepCalls,
  state: Extract<UploadState, { batches: unknown }>,
): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = [];
  for (const batch of asJson(state).batches) {
    try {
      outcomes.push({
        outcome: await call((context) => sendBatch(context, asJson({ job: state.job, target: state.target, batch }))),
      });
    } catch (error) {
      outcomes.push({ outcome: asFault(error).name });
    }
  }
  return outcomes;
}

/**
 * Calls a step with a state's Retry: faults that retries can cure, and a source or destination that changed meanwhile.
 */
export async function withRetries<Result>(
  { call, retries, outlast }: Pick<StepCalls, 'call' | 'retries' | 'outlast'>,
  step: (context: TransferContext) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ;) {
    try {
      return await call(step);
    } catch (error) {
      const fault = asFault(error);
      if (outlast && fault.ofSurroundings) await outlast();
      else if (fault.retry === 'never' || attempt++ > retries) throw error;
    }
  }
}

function asJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
