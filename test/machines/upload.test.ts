import { beforeAll, describe, expect, test } from '@jest/globals';
import { faultTable } from '../../shared/model/faults.ts';
import { maxUploadBatches, maxUploadDays, maxUploadRounds } from '../../shared/model/limits.ts';
import type {
  CheckUploadInput,
  UploadBatch,
  UploadPartsInput,
  UploadState,
} from '../../shared/model/messages/payloads.ts';
import {
  failing,
  longestWaitSeconds,
  named,
  synthesizeMachines,
  type Definition,
  type Handler,
  type Machine,
} from './machine.ts';
import { decodeJob } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';

let machine: Machine;

beforeAll(() => {
  machine = synthesizeMachines().upload;
});

const job = { task: 'one', key: objectKey('a//b\n😀'), action: 'copy', size: 0 } as const;
const common = { job, execution: 'execution-1', attempt: 1, startedAt: 5 };
const target = {
  uploadId: 'upload-1',
  sourceEtag: 'etag',
  attributes: 'digest',
  plan: { size: 30, partSize: 10, partCount: 3, sourceLayout: false },
  method: 'relay',
  opaqueEtag: false,
} as const;
const batches: UploadBatch[] = [{ parts: [[1, 2]] }, { parts: [[3, 3]] }];
const uploading: UploadState = {
  ...common,
  state: 'uploading',
  target,
  batches,
  concurrency: 2,
  round: 0,
  idleRounds: 0,
  missing: 3,
};
const finished: UploadState = { ...common, state: 'finished' };

/** Answers of a function, one after another. */
function answers(...values: unknown[]): Handler {
  return () => values.shift();
}

/** Functions that bring the object over in one round. */
function functions(changed: Readonly<Record<string, Handler>> = {}): Record<string, Handler> {
  return {
    'plan-upload': () => uploading,
    'upload-parts': () => ({ outcome: 'sent' }),
    'check-upload': () => finished,
    'abandon-upload': () => ({ anything: true }),
    ...changed,
  };
}

test('an object in one round is planned, sent in batches and checked', async () => {
  const run = await machine.run(job, functions());
  expect(run.error).toBeUndefined();
  expect(run.output).toEqual(finished);
  expect(run.calls).toEqual([
    { state: 'PlanUpload', payload: { job, execution: 'execution-1', attempt: 0 } },
    { state: 'UploadParts', payload: { job, target, batch: batches[0] } },
    { state: 'UploadParts', payload: { job, target, batch: batches[1] } },
    { state: 'CheckUpload', payload: { ...uploading, outcomes: [{ outcome: 'sent' }, { outcome: 'sent' }] } },
  ]);
});

test('an object that turns out to need nothing ends immediately', async () => {
  const run = await machine.run(job, functions({ 'plan-upload': () => finished }));
  expect(run.output).toEqual(finished);
  expect(run.calls.map(({ state }) => state)).toEqual(['PlanUpload']);
});

test.each([
  ['as long as the state says', 120, 'WaitForParts'],
  ['a minute, as earlier versions of check-upload expect', undefined, 'WaitAMinute'],
])('parts that are missing: a wait, %s, another look, and only those again', async (_title, waitSeconds, wait) => {
  const waiting: UploadState = {
    ...uploading,
    state: 'waiting',
    batches: [batches[1]!],
    round: 1,
    missing: 1,
    ...(waitSeconds !== undefined && { waitSeconds }),
  };
  const rest: UploadState = { ...waiting, state: 'uploading', round: 2 };
  const run = await machine.run(job, functions({ 'check-upload': answers(waiting, rest, finished) }));
  expect(run.output).toEqual(finished);
  expect(run.calls.map(({ state }) => state)).toEqual([
    'PlanUpload',
    'UploadParts',
    'UploadParts',
    'CheckUpload',
    'CheckUpload',
    'UploadParts',
    'CheckUpload',
  ]);
  const checks = run.calls.filter(({ state }) => state === 'CheckUpload').map(({ payload }) => payload);
  expect(checks[1]).toEqual(waiting);
  // Outcomes are not carried along.
  expect(checks[2]).toEqual({ ...rest, outcomes: [{ outcome: 'sent' }] });
  expect(run.steps).toContain(wait);
});

test('waits for as many seconds as the state says', () => {
  expect(machine.states.get('WaitForParts')).toMatchObject({ SecondsPath: '$.waitSeconds' });
  expect(machine.states.get('WaitAMinute')).toMatchObject({ Seconds: 60 });
});

test('a source that changed is planned again, and attempts are counted', async () => {
  const replan: UploadState = { ...common, state: 'replan' };
  const second = { ...finished, attempt: 2 };
  const run = await machine.run(
    job,
    functions({ 'plan-upload': answers(uploading, second), 'check-upload': () => replan }),
  );
  expect(run.output).toEqual(second);
  expect(run.calls.at(-1)).toEqual({ state: 'PlanUpload', payload: replan });
});

test('a batch that fails is named and does not end the others', async () => {
  const parts = ({ batch }: UploadPartsInput) => {
    if (batch.parts[0]?.[0] === 1) throw named('SourceChanged');
    return { outcome: 'left' };
  };
  const run = await machine.run(job, functions({ 'upload-parts': parts }));
  expect(run.output).toEqual(finished);
  const { outcomes } = run.calls.at(-1)!.payload as CheckUploadInput;
  expect(outcomes).toEqual([{ outcome: 'SourceChanged' }, { outcome: 'left' }]);
});

test('a map that fails itself is followed by a look at the parts', async () => {
  // A child catches whatever it may, so this takes one that does not.
  const changed = JSON.parse(JSON.stringify(machine.definition)) as { States: Record<string, Record<string, never>> };
  const { States } = changed.States['SendParts']!['ItemProcessor'] as unknown as { States: Record<string, object> };
  const { Catch, ...child } = States['UploadParts'] as { Catch: unknown };
  expect(Catch).toBeDefined();
  States['UploadParts'] = child;
  const error = 'States.ExceedToleratedFailureThreshold';
  const handlers = functions({ 'upload-parts': failing(error, Infinity, () => undefined) });
  const run = await machine.run(job, handlers, changed as unknown as Definition);
  expect(run.steps).toContain('SendParts catches 0');
  expect(run.calls.at(-1)).toEqual({
    state: 'CheckUpload',
    payload: { ...uploading, mapError: { Error: error, Cause: `message of ${error}` } },
  });
  expect(run.output).toEqual(finished);
});

test('sends as many batches at once as the state says', async () => {
  const many = Array.from({ length: 12 }, () => batches[0]!);
  let running = 0;
  let most = 0;
  const parts = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return { outcome: 'sent' };
  };
  const plan = () => ({ ...uploading, batches: many, concurrency: 3 });
  await machine.run(job, functions({ 'plan-upload': plan, 'upload-parts': parts }));
  expect(most).toBe(3);
});

test('the outcomes of the most batches there may be, all failed, stay far below 256 KiB', async () => {
  const many = Array.from({ length: maxUploadBatches }, () => batches[0]!);
  const longest = Object.keys(faultTable).sort((a, b) => b.length - a.length)[0]!;
  const handlers = functions({
    'plan-upload': () => ({ ...uploading, batches: many, concurrency: 40 }),
    'upload-parts': () => ({ outcome: longest }),
  });
  const run = await machine.run(job, handlers);
  const { outcomes } = run.calls.at(-1)!.payload as CheckUploadInput;
  expect(outcomes).toHaveLength(maxUploadBatches);
  expect(JSON.stringify(outcomes).length).toBeLessThan(64 * 1024);
});

describe('an upload that cannot be done is abandoned, and the execution fails by the name of the fault', () => {
  function expectAbandoned(run: Awaited<ReturnType<Machine['run']>>, error: string, cause = `message of ${error}`) {
    const caught = { Error: error, Cause: cause };
    const abandoned = run.calls.filter(({ state }) => state === 'AbandonUpload').at(-1);
    expect(abandoned?.payload).toEqual({ job, execution: 'execution-1', error: caught });
    expect(run.error).toMatchObject({ name: error, message: JSON.stringify(caught) });
  }

  test.each(['plan-upload', 'check-upload'])('%s fails for good', async (name) => {
    for (const error of ['UploadStuck', 'ArchivedSource', 'TypeError']) {
      const run = await machine.run(job, functions({ [name]: failing(error, Infinity, () => finished) }));
      expectAbandoned(run, error);
    }
  });

  test('a state that the machine does not know', async () => {
    const run = await machine.run(job, functions({ 'plan-upload': () => ({ ...common, state: 'resting' }) }));
    expect(run.steps).toContain('WhatNext -> UnknownState');
    expectAbandoned(
      run,
      'InvalidInput',
      'the upload is in a state that this version of the machine does not know; redrive its job',
    );
  });

  describe('if abandon-upload fails too', () => {
    const handlers = functions({
      'plan-upload': () => {
        throw named('UploadStuck');
      },
      'abandon-upload': failing('UnknownTask', Infinity, () => undefined),
    });

    test('the machine itself puts the job into the dead-letter queue, as other dead letters are', async () => {
      const run = await machine.run(job, handlers);
      const { QueueUrl, MessageBody, MessageAttributes } = run.calls.at(-1)!.payload as {
        QueueUrl: string;
        MessageBody: object;
        MessageAttributes: unknown;
      };
      expect(QueueUrl).toMatch(/^<QueuesDeadLetters/);
      // Step Functions sends an object as JSON text.
      expect(decodeJob(JSON.stringify(MessageBody))).toEqual(job);
      const StringValue = 'UploadStuck: the upload was given up, and so was recording it';
      expect(MessageAttributes).toEqual({ reason: { DataType: 'String', StringValue } });
      expect(run.error?.name).toBe('UploadStuck');
    });

    test('the reason is that of the upload, also where the error has no cause', async () => {
      const timedOut = Object.assign(named('States.Timeout'), { message: '' });
      const plan = () => {
        throw timedOut;
      };
      const run = await machine.run(job, { ...handlers, 'plan-upload': plan });
      expect(run.calls.at(-1)).toMatchObject({
        payload: {
          MessageAttributes: { reason: { StringValue: expect.stringMatching(/^States\.Timeout: /) as unknown } },
        },
      });
    });

    test('sending is repeated for a day, whatever SQS answers, and then the execution fails by its error', async () => {
      const sent = machine.states.get('BuryJob')!;
      expect(sent.Retry).toEqual([expect.objectContaining({ ErrorEquals: ['States.ALL'], JitterStrategy: 'FULL' })]);
      expect(longestWaitSeconds(sent.Retry![0]!) / 2).toBeGreaterThan(24 * 3600);
      const some = failing('SQS.AmazonSQSException', 3, () => ({ MessageId: '1' }));
      const recovered = await machine.run(job, { ...handlers, BuryJob: some });
      expect(recovered.error?.name).toBe('UploadStuck');
      const never = failing('SQS.AmazonSQSException', Infinity, () => undefined);
      const run = await machine.run(job, { ...handlers, BuryJob: never });
      expect(run.error?.name).toBe('SQS.AmazonSQSException');
    });
  });
});

const retrying = [
  ['PlanUpload', 'plan-upload', ['later', 'restart']],
  ['UploadParts', 'upload-parts', ['later']],
  ['CheckUpload', 'check-upload', ['later', 'restart']],
  ['AbandonUpload', 'abandon-upload', ['later']],
] as const;

describe.each(retrying)('%s', (state, name, rules) => {
  /** A run in which the function fails; AbandonUpload is only come to where another one has failed. */
  async function runWith(error: string, times: number) {
    const handlers = functions(
      state === 'AbandonUpload' ? { 'plan-upload': failing('UploadStuck', 1, () => finished) } : {},
    );
    return machine.run(job, { ...handlers, [name]: failing(error, times, handlers[name]!) });
  }

  test('retries each error of each retrier, and the upload continues as usual', async () => {
    const { Retry = [] } = machine.states.get(state)!;
    expect(Retry).toHaveLength(3 + rules.length);
    for (const [index, { ErrorEquals, JitterStrategy }] of Retry.entries()) {
      expect(JitterStrategy).toBe('FULL');
      for (const error of ErrorEquals) {
        const run = await runWith(error, 1);
        expect(run.steps).toContain(`${state} retries ${index}`);
        expect(run.error?.name).toBe(state === 'AbandonUpload' ? 'UploadStuck' : undefined);
      }
    }
  });

  test('stops retrying at some point', async () => {
    for (const [index, { ErrorEquals, MaxAttempts }] of machine.states.get(state)!.Retry!.entries()) {
      const run = await runWith(ErrorEquals[0]!, Infinity);
      const retries = run.steps.filter((step) => step === `${state} retries ${index}`);
      expect(retries.length).toBe(MaxAttempts * (state === 'UploadParts' ? batches.length : 1));
      if (state === 'AbandonUpload') expect(run.calls.at(-1)?.state).toBe('BuryJob');
      else expect(run.error?.name).toBe(state === 'UploadParts' ? undefined : ErrorEquals[0]);
    }
  });

  test('retries only those faults of the project that may pass', () => {
    const retried = machine.states.get(state)!.Retry!.flatMap(({ ErrorEquals }) => ErrorEquals);
    for (const [fault, { retry }] of Object.entries(faultTable)) {
      expect([fault, retried.includes(fault)]).toEqual([fault, (rules as readonly string[]).includes(retry)]);
    }
  });
});

describe('how long it waits', () => {
  const hour = 3600;
  const day = 24 * hour;

  /** Seconds of waiting for throttled calls and for the surroundings, if chance makes half of each delay. */
  function patience(states: Machine['states'], state: string): number[] {
    const [throttled, surroundings] = states.get(state)!.Retry!;
    expect(throttled?.ErrorEquals).toEqual(['Lambda.TooManyRequestsException']);
    expect(surroundings?.ErrorEquals).toEqual(
      expect.arrayContaining(['Lambda.ServiceException', 'Throttled', 'Unavailable', 'CredentialsRefused']),
    );
    return [throttled!, surroundings!].map((retrier) => longestWaitSeconds(retrier) / 2);
  }

  test.each(['PlanUpload', 'CheckUpload', 'AbandonUpload'])('%s waits for about a day, in long steps', (state) => {
    for (const seconds of patience(machine.states, state)) {
      expect(seconds).toBeGreaterThanOrEqual(day);
      expect(seconds).toBeLessThan(day + hour);
    }
    const [throttled, surroundings, ...others] = machine.states.get(state)!.Retry!;
    expect(throttled).toMatchObject({ IntervalSeconds: 10, MaxDelaySeconds: 300 });
    expect(surroundings).toMatchObject({ IntervalSeconds: 5, MaxDelaySeconds: 300 });
    for (const retrier of others) expect(longestWaitSeconds(retrier)).toBeLessThan(3 * 60);
  });

  test('as the stack says, with no more retries', () => {
    const stack = { giveUpAfterHours: 72 };
    const { states } = synthesizeMachines(stack).upload;
    expect(patience(states, 'CheckUpload')[1]).toBeGreaterThanOrEqual(3 * day);
    const retries = (from: Machine['states']): number => from.get('CheckUpload')!.Retry![1]!.MaxAttempts;
    expect(retries(states)).toBeLessThanOrEqual(retries(machine.states) + 10);
  });

  test('a batch fails within minutes: check-upload decides when to try again', () => {
    const [throttled = NaN, surroundings = NaN] = patience(machine.states, 'UploadParts');
    expect(throttled).toBeLessThan(6 * 60);
    expect(surroundings).toBeLessThan(30);
  });

  test('the machine never times out, which would lose the job: all its bounds together are less', () => {
    const { states, definition } = synthesizeMachines({ giveUpAfterHours: 336 }).upload;
    const longest = (state: string): number => {
      const { Retry = [], TimeoutSeconds = NaN } = states.get(state)!;
      // A call that was throttled did not run.
      const calls = Retry.slice(1).reduce((sum, { MaxAttempts }) => sum + MaxAttempts, 1);
      return Retry.reduce((sum, retrier) => sum + longestWaitSeconds(retrier), calls * TimeoutSeconds);
    };
    // The last round begins in time, and may have all its batches one after another.
    const round = maxUploadBatches * 900;
    const all =
      maxUploadDays * day + round + ['PlanUpload', 'CheckUpload', 'AbandonUpload', 'BuryJob'].map(longest).reduce(sum);
    expect(all).toBeLessThan(definition.TimeoutSeconds!);
    // Step Functions ends an execution after a year (AWS Step Functions Developer Guide: Quotas).
    expect(definition.TimeoutSeconds).toBeLessThan(365 * day);
  });

  test('the events of an execution stay within the 25,000 that it may have', () => {
    // Of a check: its own five, two of the Choice, and four of a map or two of a wait. Of a retry: three.
    const retries = ['PlanUpload', 'CheckUpload', 'AbandonUpload']
      .flatMap((state) => machine.states.get(state)!.Retry!)
      .map(({ MaxAttempts }) => MaxAttempts)
      .reduce(sum);
    expect(maxUploadRounds * 11 + 3 * retries).toBeLessThan(25_000);
  });

  test('each call ends after its function', () => {
    const limits = retrying.map(([state]) => machine.states.get(state)!.TimeoutSeconds);
    expect(limits).toEqual([960, 960, 960, 360]);
  });
});

const sum = (a: number, b: number): number => a + b;

test('the children of the map may run as long as upload-parts, so they are no Express executions', () => {
  const { ProcessorConfig } = machine.states.get('SendParts')!.ItemProcessor!;
  expect(ProcessorConfig).toEqual({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
});

test('these tests take every path of the definition', () => {
  expect([...machine.untouched]).toEqual([]);
});
