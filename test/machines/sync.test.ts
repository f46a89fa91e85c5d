import { beforeAll, describe, expect, test } from '@jest/globals';
import { faultTable } from '../../shared/model/faults.ts';
import type { FindObjectsState, SyncPlan } from '../../shared/model/messages/payloads.ts';
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
const counts = { listed: 3, listedAtDestination: 2, jobs: 1, bytes: 4, deletes: 0, same: 2 };
const total = { ...counts, listed: 6 };

/** Functions that do as they should; each segment takes two calls. */
function functions(changed: Readonly<Record<string, Handler>> = {}): Record<string, Handler> {
  return {
    'plan-sync': () => plan,
    'find-objects': (state: FindObjectsState) => ({ ...state, counts, done: state.counts !== undefined }),
    'finish-run': () => total,
    ...changed,
  };
}

const execution = { run: 'execution-1', startedAt: expect.any(String) as unknown };

test('a run plans, finds each segment to its end, and sums the counts', async () => {
  const run = await machine.run(input, functions());
  expect(run.output).toEqual(total);
  const called = (state: string) => run.calls.filter((call) => call.state === state).map(({ payload }) => payload);
  expect(called('PlanSync')).toEqual([{ ...execution, input }]);
  const segments = plan.segments.map((segment) => ({
    task: 'one',
    run: 'execution-1',
    dryRun: false,
    prefix: '',
    prefixList: {},
    segment,
  }));
  const again = segments.map((state) => ({ ...state, counts, done: false }));
  expect(called('FindObjects')).toHaveLength(4);
  expect(called('FindObjects')).toEqual(expect.arrayContaining([...segments, ...again]));
  expect(called('FinishRun')).toEqual([{ ...execution, input, results: [{ counts }, { counts }] }]);
  expect(called('FinishFailedRun')).toEqual([]);
});

test('the input of the last step stays far below 256 KiB with the most segments that a plan may have', async () => {
  const large = Object.fromEntries(Object.keys(counts).map((name) => [name, Number.MAX_SAFE_INTEGER]));
  const segments = Array.from({ length: 64 }, (_segment, index) => ({ after: 'k'.repeat(1000) + String(index) }));
  const run = await machine.run(
    input,
    functions({
      'plan-sync': () => ({ ...plan, segments }),
      'find-objects': (state: FindObjectsState) => ({ ...state, counts: large, done: true }),
    }),
  );
  const finish = run.calls.find(({ state }) => state === 'FinishRun');
  expect(JSON.stringify(finish?.payload).length).toBeLessThan(20_000);
});

test('a plan without segments ends with nothing found', async () => {
  const run = await machine.run(input, functions({ 'plan-sync': () => ({ ...plan, segments: [] }) }));
  expect(run.calls.map(({ state }) => state)).toEqual(['PlanSync', 'FinishRun']);
  expect(run.calls.at(-1)?.payload).toMatchObject({ results: [] });
});

describe.each([
  { failingFunction: 'plan-sync', catching: 'PlanSync catches 0' },
  { failingFunction: 'find-objects', catching: 'FindInSegments catches 0' },
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
    expect(run.calls[0]?.payload).toEqual({ ...execution, input: odd });
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
  ['FinishRun', 'finish-run'],
  ['FinishFailedRun', 'finish-run'],
] as const;

describe.each(retrying)('%s', (state, name) => {
  /** A run in which the function fails; FinishFailedRun is only come to where the plan fails. */
  async function runWith(error: string, times: number) {
    const handlers = functions(
      state === 'FinishFailedRun' ? { 'plan-sync': failing('UnknownTask', 1, () => plan) } : {},
    );
    return machine.run(input, { ...handlers, [name]: failing(error, times, handlers[name]!) });
  }

  test('retries each error of each retrier, and the run continues as usual', async () => {
    const { Retry = [] } = machine.states.get(state)!;
    expect(Retry).toHaveLength(3);
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
  expect(limits).toEqual([360, 960, 120, 120]);
});

test('these tests take every path of the definition', () => {
  expect([...machine.untouched]).toEqual([]);
});
