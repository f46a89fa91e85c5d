import { beforeAll, describe, expect, test } from '@jest/globals';
import { faultTable } from '../../shared/model/faults.ts';
import type {
  CheckDeletesInput,
  CheckedDeletes,
  FindObjectsState,
  SyncPlan,
} from '../../shared/model/messages/payloads.ts';
import { failing, synthesizeMachines, type Handler, type Machine } from './machine.ts';

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
  segments: [{ until: 'm' }, { after: 'm' }],
};
const counts = { listed: 3, listedAtDestination: 2, jobs: 1, bytes: 4, deletes: 1, same: 2 };
const sent = { listed: 0, listedAtDestination: 0, jobs: 1, bytes: 0, deletes: 1, same: 0 };
const examples = ['a', 'b'];
const total = { ...counts, listed: 6 };

/** Functions that do as they should; each segment takes two calls. */
function functions(changed: Readonly<Record<string, Handler>> = {}): Record<string, Handler> {
  return {
    'plan-sync': () => plan,
    'find-objects': (state: FindObjectsState) => ({
      ...state,
      counts: typeof state.deletes === 'object' ? sent : counts,
      examples,
      done: state.counts !== undefined,
    }),
    'check-deletes': ({ plan: { segments, results: _results, ...rest } }: CheckDeletesInput) => ({
      ...rest,
      results: [{ counts: total }],
      segments: segments.slice(1).map((segment) => ({ segment, deletes: 2 })),
      refusal: '',
    }),
    'finish-run': () => total,
    ...changed,
  };
}

const execution = { run: 'execution-1', startedAt: expect.any(String) as unknown };
const planned = { ...execution, execution: 'arn:execution-1' };

test('a run plans, finds, checks its deletes, sends them, and sums the counts', async () => {
  const run = await machine.run(input, functions());
  expect(run.output).toEqual(total);
  const called = (state: string) => run.calls.filter((call) => call.state === state).map(({ payload }) => payload);
  expect(called('PlanSync')).toEqual([{ ...planned, input }]);
  const segments = plan.segments.map((segment) => ({
    task: 'one',
    run: 'execution-1',
    dryRun: false,
    prefix: '',
    prefixList: {},
    segment,
    deletes: 'hold',
  }));
  const again = segments.map((state) => ({ ...state, counts, examples, done: false }));
  expect(called('FindObjects')).toHaveLength(4);
  expect(called('FindObjects')).toEqual(expect.arrayContaining([...segments, ...again]));
  const results = [
    { counts, examples },
    { counts, examples },
  ];
  expect(called('CheckDeletes')).toEqual([{ input, plan: { ...plan, results } }]);
  // Only the segment with deletes is searched again, and for no more than were counted.
  const deleting = { ...segments[1], deletes: { atMost: 2 } };
  expect(called('FindDeletes')).toEqual([deleting, { ...deleting, counts: sent, examples, done: false }]);
  const found = { results: [{ counts: total }], deleted: [{ counts: sent }], refusal: '' };
  expect(called('FinishRun')).toEqual([{ ...execution, input, ...found }]);
  expect(called('FinishFailedRun')).toEqual([]);
});

test('the input of the last step stays far below 256 KiB with the most segments that a plan may have', async () => {
  const large = Object.fromEntries(Object.keys(counts).map((name) => [name, Number.MAX_SAFE_INTEGER]));
  const segments = Array.from({ length: 64 }, (_segment, index) => ({ after: 'k'.repeat(1000) + String(index) }));
  const run = await machine.run(
    input,
    functions({
      'plan-sync': () => ({ ...plan, segments }),
      'find-objects': (state: FindObjectsState) => ({
        ...state,
        counts: large,
        examples: ['e', 'f', 'g'].map((letter) => letter.repeat(100)),
        done: true,
      }),
    }),
  );
  const inputOf = (name: string): unknown => run.calls.find(({ state }) => state === name)?.payload;
  expect(JSON.stringify(inputOf('CheckDeletes')).length).toBeLessThan(120_000);
  expect(JSON.stringify(inputOf('FinishRun')).length).toBeLessThan(20_000);
});

test('a run without deletes searches no segment again', async () => {
  const check = ({ plan: rest }: CheckDeletesInput): CheckedDeletes => ({
    ...rest,
    results: [{ counts: total }],
    segments: [],
    refusal: '',
  });
  const run = await machine.run(input, functions({ 'check-deletes': check }));
  expect(run.calls.map(({ state }) => state)).not.toContain('FindDeletes');
  expect(run.calls.at(-1)?.payload).toMatchObject({ results: [{ counts: total }], deleted: [] });
});

test('a run whose deletes are refused sends none, is recorded, and fails with the reason', async () => {
  const refused = functions({ 'check-deletes': failing('DeletesRefused', Infinity, () => undefined) });
  const run = await machine.run(input, refused);
  expect(run.calls.map(({ state }) => state)).not.toContain('FindDeletes');
  const error = { Error: 'DeletesRefused', Cause: 'message of DeletesRefused' };
  expect(run.calls.at(-1)).toEqual({ state: 'FinishFailedRun', payload: { ...execution, input, error } });
  expect(run.error?.name).toBe('DeletesRefused');
});

test('a run that is paused waits as long as its finder says, before it searches on, also for deletes', async () => {
  const looks = { copies: 0, deletes: 0 };
  const run = await machine.run(
    input,
    functions({
      'plan-sync': () => ({ ...plan, segments: [{}] }),
      'check-deletes': ({ plan: { segments, results: _results, ...rest } }: CheckDeletesInput) => ({
        ...rest,
        results: [{ counts: total }],
        segments: segments.map((segment) => ({ segment, deletes: 2 })),
        refusal: '',
      }),
      'find-objects': (state: FindObjectsState) =>
        ++looks[state.deletes === 'hold' ? 'copies' : 'deletes'] <= 2
          ? { ...state, done: false, waitSeconds: 900 }
          : { ...state, counts, examples, done: true },
    }),
  );
  const searches = run.steps.filter((step) => /^(FindObjects|HoldSegment|FindDeletes|HoldDeletes)$/.test(step));
  const twice = (find: string, hold: string): string[] => [find, hold, find, hold, find];
  expect(searches).toEqual([...twice('FindObjects', 'HoldSegment'), ...twice('FindDeletes', 'HoldDeletes')]);
  expect(machine.states.get('HoldSegment')).toMatchObject({ SecondsPath: '$.waitSeconds' });
  expect(run.calls.at(-1)?.state).toBe('FinishRun');
});

test('a run that is not admitted ends after its first step, and names the run in its way', async () => {
  const superseded = { superseded: { task: 'one', by: 'execution-0', reason: 'run execution-0 is under way' } };
  const run = await machine.run(input, functions({ 'plan-sync': () => superseded }));
  expect(run.steps).toEqual(['PlanSync', 'Admitted', 'Admitted -> Superseded', 'Superseded']);
  expect(run.output).toEqual(superseded);
});

test('a plan without segments ends with nothing found', async () => {
  const run = await machine.run(input, functions({ 'plan-sync': () => ({ ...plan, segments: [] }) }));
  expect(run.calls.map(({ state }) => state)).toEqual(['PlanSync', 'CheckDeletes', 'FinishRun']);
  expect(run.calls[1]?.payload).toMatchObject({ plan: { results: [] } });
});

test('a search for deletes that fails for good is recorded, and the execution fails by its name', async () => {
  const find = functions()['find-objects'] as (state: FindObjectsState) => unknown;
  const failed = failing('UnknownTask', Infinity, () => undefined);
  const handler = (state: FindObjectsState): unknown =>
    typeof state.deletes === 'object' ? failed(state as never) : find(state);
  const run = await machine.run(input, functions({ 'find-objects': handler }));
  expect(run.steps).toContain('DeleteInSegments catches 0');
  expect(run.error?.name).toBe('UnknownTask');
});

describe.each([
  { failingFunction: 'plan-sync', catching: 'PlanSync catches 0' },
  { failingFunction: 'find-objects', catching: 'FindInSegments catches 0' },
  { failingFunction: 'check-deletes', catching: 'CheckDeletes catches 0' },
])('$failingFunction fails for good', ({ failingFunction, catching }) => {
  test.each(['UnknownTask', 'TypeError'])(
    'with %s: it is recorded, and the execution fails by that name',
    async (name) => {
      const handlers = functions({ [failingFunction]: failing(name, Infinity, () => undefined) });
      const run = await machine.run(input, handlers);
      expect(run.steps).toContain(catching);
      const error = { Error: name, Cause: `message of ${name}` };
      expect(run.calls.at(-1)).toEqual({ state: 'FinishFailedRun', payload: { ...execution, input, error } });
      expect(run.error).toMatchObject({ name, message: JSON.stringify(error) });
    },
  );
});

test.each(['text', null, 7])(
  'an input that is no object (%j) is refused by the first step, and that is recorded',
  async (odd) => {
    const run = await machine.run(odd, functions({ 'plan-sync': failing('InvalidInput', 1, () => plan) }));
    expect(run.calls[0]?.payload).toEqual({ ...planned, input: odd });
    expect(run.calls.at(-1)?.payload).toMatchObject({ input: odd, error: { Error: 'InvalidInput' } });
    expect(run.error?.name).toBe('InvalidInput');
  },
);

test('an execution fails if its last step fails', async () => {
  const run = await machine.run(input, functions({ 'finish-run': failing('InvalidInput', Infinity, () => total) }));
  expect(run.error?.name).toBe('InvalidInput');
});

const retrying = [
  ['PlanSync', 'plan-sync'],
  ['FindObjects', 'find-objects'],
  ['FindDeletes', 'find-objects'],
  ['CheckDeletes', 'check-deletes'],
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
    // Both passes call find-objects.
    const isIts = (payload: FindObjectsState): boolean =>
      name !== 'find-objects' || (state === 'FindDeletes') === (typeof payload.deletes === 'object');
    const handler: Handler = (payload) => (isIts(payload) ? failed : handlers[name]!)(payload);
    return machine.run(input, { ...handlers, [name]: handler });
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
      // Two segments may each use up their own.
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

test('the machine ends before a timer of 32 bits does, and each call after its function', () => {
  expect(machine.definition.TimeoutSeconds).toBeLessThan(2 ** 31 / 1000);
  const limits = retrying.map(([state]) => machine.states.get(state)!.TimeoutSeconds);
  expect(limits).toEqual([360, 960, 960, 120, 120, 120]);
});

test('these tests take every path of the definition', () => {
  expect([...machine.untouched]).toEqual([]);
});
