import { beforeAll, describe, expect, test } from '@jest/globals';
import { faultTable } from '../../shared/model/faults.ts';
import type {
  CheckDeletesInput,
  DrainingRun,
  FindRange,
  FindState,
  RangeResult,
  SyncPlan,
} from '../../shared/model/messages/payloads.ts';
import { synthesize } from '../support/synthesize.ts';
import { failing, Machine, named, synthesizeMachines, type Handler } from './machine.ts';

let machine: Machine;

beforeAll(() => {
  machine = synthesizeMachines().sync;
});

const input = { task: 'one', prefix: '', dryRun: false };
const plan: SyncPlan = {
  task: 'one',
  run: 'execution-1',
  startedAt: '2026-11-01T00:00:00.000Z',
  dryRun: false,
  prefix: '',
  prefixList: {},
  segments: [{}],
};
const counts = { listed: 3, listedAtDestination: 2, jobs: 1, bytes: 4, deletes: 1, same: 2 };
const ranges: FindRange[] = [{ until: 'm' }, { after: 'm' }];
const round = { endsAt: 1_800_000_000_000, resultBytes: 1000, finders: 2 };
const searched: RangeResult = { counts };
const event = { task: 'one', run: 'execution-1', status: 'DONE' };
const finished = { counts, event };

/** What cut-ranges answers, in order: a brief round, a long one, a wait, the end of a pass, a round, the end. */
const answers: Partial<FindState>[] = [
  { next: 'brief', work: ranges, round },
  { next: 'wait', waitSeconds: 5, work: ranges.slice(1), round },
  { next: 'long', work: ranges.slice(1), round },
  { next: 'found', work: [] },
  { next: 'brief', work: [{ ...ranges[0], atMost: 2 }], round },
  { next: 'done', work: [], results: [{ counts }], deleted: [{ counts }], refusal: '' },
];

/** Functions that do as they should. */
function functions(changed: Readonly<Record<string, Handler>> = {}): Record<string, Handler> {
  let calls = 0;
  const cut = (state: FindState): FindState => ({ ...state, ...answers[calls++ % answers.length] });
  return {
    'plan-sync': () => plan,
    'cut-ranges': cut,
    'find-objects': () => searched,
    'check-deletes': ({ plan: state }: CheckDeletesInput) => ({ ...state, pass: 'deletes' }),
    'check-run': (state: DrainingRun) => ({
      ...state,
      drain: { state: state.drain === undefined ? 'waiting' : 'ended', waitSeconds: 7 },
    }),
    'finish-run': () => finished,
    ...changed,
  };
}

const execution = { run: 'execution-1', startedAt: expect.any(String) as unknown };
const planned = { ...execution, execution: 'arn:execution-1' };

test('a run plans, searches in rounds, checks its deletes, sends them in rounds, and sums the counts', async () => {
  const run = await machine.run(input, functions());
  expect(run.output).toEqual(counts);
  const called = (state: string) => run.calls.filter((call) => call.state === state).map(({ payload }) => payload);
  expect(called('PlanSync')).toEqual([{ ...planned, input }]);
  const order = { task: 'one', run: 'execution-1', dryRun: false, prefix: '', prefixList: {}, round };
  expect(called('FindBriefly')).toEqual([
    ...ranges.map((range) => ({ ...order, range })),
    { ...order, range: { until: 'm', atMost: 2 } },
  ]);
  expect(called('FindObjects')).toEqual([{ ...order, range: ranges[1] }]);
  // What a round returns takes the place of its ranges.
  const works = called('CutRanges').map((state) => (state as FindState).work);
  expect(works).toEqual([undefined, [searched, searched], ranges.slice(1), [searched], [], [searched]]);
  expect(called('CheckDeletes')).toEqual([{ input, plan: expect.objectContaining({ next: 'found' }) }]);
  const found = { results: [{ counts }], deleted: [{ counts }], refusal: '' };
  const draining = { task: 'one', ...execution, input, ...found };
  expect(called('CheckRun')).toEqual([draining, { ...draining, drain: { state: 'waiting', waitSeconds: 7 } }]);
  expect(called('FinishRun')).toEqual([{ ...draining, drain: { state: 'ended', waitSeconds: 7 } }]);
  const entry = { Source: 's3-ferry', DetailType: 'S3 Ferry Run Ended', Detail: event };
  expect(called('TellEnd')).toEqual([{ Entries: [entry] }]);
  expect(called('FinishFailedRun')).toEqual([]);
});

test('finders run at once as cut-ranges says, and a wait lasts as long as it says', () => {
  for (const name of ['BriefRound', 'LongRound'])
    expect(machine.states.get(name)).toMatchObject({ MaxConcurrencyPath: '$.round.finders', ResultPath: '$.work' });
  expect(machine.states.get('WaitForRound')).toMatchObject({ SecondsPath: '$.waitSeconds' });
  expect(machine.states.get('LongRound')?.ItemProcessor?.ProcessorConfig).toMatchObject({
    Mode: 'DISTRIBUTED',
    ExecutionType: 'STANDARD',
  });
});

test.each(['brief', 'long'] as const)(
  'a call of a %s round that fails for good is a result of the round',
  async (next) => {
    const seen: unknown[] = [];
    const cut = (state: FindState): FindState => {
      seen.push(state.work);
      return seen.length === 1 ? { ...state, next, work: ranges, round } : { ...state, ...answers.at(-1) };
    };
    const find = failing('UnknownTask', 1, () => searched);
    await machine.run(input, functions({ 'cut-ranges': cut, 'find-objects': find }));
    expect(seen[1]).toEqual(expect.arrayContaining([{ failed: { name: 'UnknownTask' } }, searched]));
  },
);

test('a run whose deletes are refused sends none, is recorded, and fails with the reason', async () => {
  const refused = functions({ 'check-deletes': failing('DeletesRefused', Infinity, () => undefined) });
  const run = await machine.run(input, refused);
  expect(run.calls.filter(({ state }) => state === 'FindBriefly')).toHaveLength(ranges.length);
  const error = { Error: 'DeletesRefused', Cause: 'message of DeletesRefused' };
  expect(run.calls.at(-2)).toEqual({ state: 'FinishFailedRun', payload: { ...execution, input, error } });
  expect(run.calls.at(-1)).toMatchObject({ state: 'TellFailedEnd', payload: { Entries: [{ Detail: event }] } });
  expect(run.error?.name).toBe('DeletesRefused');
});

test('a run that is not admitted ends after its first step, and names the run in its way', async () => {
  const superseded = { superseded: { task: 'one', by: 'execution-0', reason: 'run execution-0 is under way' } };
  const run = await machine.run(input, functions({ 'plan-sync': () => superseded }));
  expect(run.steps).toEqual(['PlanSync', 'Admitted', 'Admitted -> Superseded', 'Superseded']);
  expect(run.output).toEqual(superseded);
});

describe.each([
  { failingFunction: 'plan-sync', catching: 'PlanSync catches 0' },
  { failingFunction: 'cut-ranges', catching: 'CutRanges catches 0' },
  { failingFunction: 'check-deletes', catching: 'CheckDeletes catches 0' },
  { failingFunction: 'check-run', catching: 'CheckRun catches 0' },
])('$failingFunction fails for good', ({ failingFunction, catching }) => {
  test.each(['UnknownTask', 'TypeError'])(
    'with %s: it is recorded, and the execution fails by that name',
    async (name) => {
      const handlers = functions({ [failingFunction]: failing(name, Infinity, () => undefined) });
      const run = await machine.run(input, handlers);
      expect(run.steps).toContain(catching);
      const error = { Error: name, Cause: `message of ${name}` };
      expect(run.calls.at(-2)).toEqual({ state: 'FinishFailedRun', payload: { ...execution, input, error } });
      expect(run.calls.at(-1)).toMatchObject({ state: 'TellFailedEnd', payload: { Entries: [{ Detail: event }] } });
      expect(run.error).toMatchObject({ name, message: JSON.stringify(error) });
    },
  );
});

test.each(['text', null, 7])(
  'an input that is no object (%j) is refused by the first step, and that is recorded',
  async (odd) => {
    const run = await machine.run(odd, functions({ 'plan-sync': failing('InvalidInput', 1, () => plan) }));
    expect(run.calls[0]?.payload).toEqual({ ...planned, input: odd });
    expect(run.calls.at(-2)?.payload).toMatchObject({ input: odd, error: { Error: 'InvalidInput' } });
    expect(run.error?.name).toBe('InvalidInput');
  },
);

test('an execution fails if its last step fails', async () => {
  const run = await machine.run(input, functions({ 'finish-run': failing('InvalidInput', Infinity, () => counts) }));
  expect(run.error?.name).toBe('InvalidInput');
});

const retrying = [
  ['PlanSync', 'plan-sync'],
  ['CutRanges', 'cut-ranges'],
  ['FindBriefly', 'find-objects'],
  ['FindObjects', 'find-objects'],
  ['CheckDeletes', 'check-deletes'],
  ['CheckRun', 'check-run'],
  ['FinishRun', 'finish-run'],
  ['FinishFailedRun', 'finish-run'],
] as const;

describe.each(retrying)('%s', (state, name) => {
  /** A run in which the function fails; FinishFailedRun is only come to where the plan fails. */
  async function runWith(error: string, times: number) {
    const handlers = functions(
      state === 'FinishFailedRun' ? { 'plan-sync': failing('UnknownTask', 1, () => plan) } : {},
    );
    const failed = failing(error, times, handlers[name]!);
    if (name !== 'find-objects') return machine.run(input, { ...handlers, [name]: failed });
    // Both kinds of rounds call find-objects; this run has only one of them.
    const next = state === 'FindObjects' ? 'long' : 'brief';
    const cut = (given: FindState): FindState => {
      const fault = (given.work as RangeResult[] | undefined)?.find((result) => result.failed)?.failed;
      if (fault) throw named(fault.name);
      return given.work ? { ...given, ...answers.at(-1) } : { ...given, next, work: ranges.slice(1), round };
    };
    return machine.run(input, { ...handlers, 'cut-ranges': cut, [name]: failed });
  }

  test('retries each error of each retrier, and the run continues as usual', async () => {
    const { Retry = [] } = machine.states.get(state)!;
    expect(Retry).toHaveLength(4);
    for (const [index, { ErrorEquals, JitterStrategy }] of Retry.entries()) {
      expect(JitterStrategy).toBe('FULL');
      for (const error of ErrorEquals) {
        const run = await runWith(error, 1);
        expect(run.steps).toContain(`${state} retries ${index}`);
        expect(run.error?.name).toBe(state === 'FinishFailedRun' ? 'UnknownTask' : undefined);
      }
    }
  });

  test('stops retrying at some point', async () => {
    for (const [index, { ErrorEquals, MaxAttempts }] of machine.states.get(state)!.Retry!.entries()) {
      const run = await runWith(ErrorEquals[0]!, Infinity);
      const retries = run.steps.filter((step) => step === `${state} retries ${index}`);
      expect(retries.length).toBeGreaterThanOrEqual(MaxAttempts);
      expect(run.error?.name).toBe(ErrorEquals[0]);
    }
  });

  test('retries only those faults of the project that may pass', () => {
    const retried = machine.states.get(state)!.Retry!.flatMap(({ ErrorEquals }) => ErrorEquals);
    for (const [fault, { retry }] of Object.entries(faultTable))
      expect([fault, retried.includes(fault)]).toEqual([fault, retry === 'later']);
  });
});

test.each([
  ['TellEnd', {}],
  ['TellFailedEnd', { 'plan-sync': failing('UnknownTask', 1, () => plan) }],
] as const)('%s is repeated if it fails, and the run is recorded once', async (state, changed) => {
  const tells = { [state]: failing('Events.Throttled', 1, () => ({ FailedEntryCount: 0 })) };
  const run = await machine.run(input, functions({ ...changed, ...tells }));
  expect(run.steps).toContain(`${state} retries 0`);
  const finishes = run.calls.filter((call) => call.state.startsWith('Finish'));
  expect(finishes).toHaveLength(1);
});

test('people get a notice of a run that has one, if the stack has an address for notices', async () => {
  const task = { name: 'one', source: { bucket: 'from' }, destination: { bucket: 'into' } };
  const configuration = { tasks: [task], stack: { noticeEmail: 'ferry@example.com' } };
  const telling = new Machine(synthesize({ configuration }), 'SyncMachineArn');
  const notice = { subject: 'S3 Ferry: one, run ended', message: 'found 3' };
  const withNotice = await telling.run(input, functions({ 'finish-run': () => ({ ...finished, notice }) }));
  expect(withNotice.output).toEqual(counts);
  expect(withNotice.calls.slice(-2)).toEqual([
    { state: 'TellEnd', payload: expect.anything() as unknown },
    {
      state: 'NotifyPeople',
      payload: { TopicArn: expect.stringContaining('NoticeTopic'), Subject: notice.subject, Message: notice.message },
    },
  ]);
  const without = await telling.run(input, functions());
  expect(without.calls.at(-1)?.state).toBe('TellEnd');
});

test('the machine has 90 days, and each call ends after its function', () => {
  expect(machine.definition.TimeoutSeconds).toBe(90 * 24 * 3600);
  const limits = retrying.map(([state]) => machine.states.get(state)!.TimeoutSeconds);
  expect(limits).toEqual([360, 360, 960, 960, 120, 360, 120, 120]);
});

test('these tests take every path of the definition but the faults of a Map itself, which the interpreter has not', () => {
  expect([...machine.untouched]).toEqual(['BriefRound catches 0', 'LongRound catches 0']);
});
