import { describe, expect, test } from '@jest/globals';
import { Fault } from '../../shared/model/faults.ts';
import { TooManyRequests } from '../../simulation/aws/lambda.ts';
import { Meter } from '../../simulation/aws/prices.ts';
import { Execution, type Definition } from '../../simulation/aws/states/machine.ts';
import { filled, find, isTrue, placed } from '../../simulation/aws/states/paths.ts';
import { Retries, StateError } from '../../simulation/aws/states/retry.ts';
import { StepFunctions } from '../../simulation/aws/states/service.ts';
import { Random } from '../../simulation/engine/random.ts';
import { Timeline } from '../../simulation/engine/timeline.ts';

/** The interpreter of `npm run simulate`: executions in virtual time. */

interface Ran {
  readonly output: unknown;
  readonly error: string | undefined;
  readonly seconds: number;
  readonly transitions: number;
}

async function run(
  definition: object,
  call: (resource: string) => Promise<unknown>,
  input: unknown = {},
): Promise<Ran> {
  const timeline = new Timeline(0);
  const random = new Random(1);
  const meter = new Meter();
  const service = new StepFunctions(timeline, random, meter, 'large');
  const execution = new Execution({ timeline, random, service, call }, 1);
  let output: unknown;
  let error: string | undefined;
  let isOver = false;
  void execution.run(definition as Definition, input, {}).then(
    (value) => {
      output = value;
      isOver = true;
    },
    (thrown: unknown) => {
      error = (thrown as Error).name;
      isOver = true;
    },
  );
  await timeline.run(() => isOver);
  return { output, error, seconds: timeline.now() / 1000, transitions: meter.units('transitions') };
}

const task = (more: object = {}): object => ({ Type: 'Task', Resource: 'one', ...more });

describe('data', () => {
  test('paths lead into objects, lists and the context', () => {
    const input = { a: { b: [{ c: 1 }, { c: 2 }] } };
    expect(find('$.a.b[1].c', input, {})).toBe(2);
    expect(find('$.a.b[*].c', input, {})).toEqual([1, 2]);
    expect(find('$$.Execution.Name', input, { Execution: { Name: 'run' } })).toBe('run');
    expect(find('$.a.x', input, {})).toBeUndefined();
    expect(() => find('$.a[?(@.b)]', input, {})).toThrow('not supported');
  });

  test('templates are filled, and results placed', () => {
    expect(filled({ 'one.$': '$.a', two: [{ 'three.$': 'States.MathAdd($.a, 2)' }] }, { a: 1 }, {})).toEqual({
      one: 1,
      two: [{ three: 3 }],
    });
    expect(placed('$.a.b', { a: { c: 1 } }, 2)).toEqual({ a: { c: 1, b: 2 } });
    expect(placed(null, { a: 1 }, 2)).toEqual({ a: 1 });
    expect(placed('$', { a: 1 }, 2)).toBe(2);
  });

  test('choices compare', () => {
    const rule = { And: [{ Variable: '$.a', NumericGreaterThan: 1 }, { Not: { Variable: '$.b', IsPresent: true } }] };
    expect(isTrue(rule, { a: 2 }, {})).toBe(true);
    expect(isTrue(rule, { a: 2, b: null }, {})).toBe(false);
  });
});

describe('retries', () => {
  test('double up to the longest delay, each retrier with its own count', () => {
    const retriers = [
      { ErrorEquals: ['Busy'], IntervalSeconds: 10, MaxAttempts: 3, MaxDelaySeconds: 25 },
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 1 },
    ];
    const retries = new Retries(retriers, () => 0.5);
    const next = (name: string): number | undefined => retries.next(new StateError(name, ''));
    expect([next('Busy'), next('Other'), next('Busy'), next('Busy'), next('Busy'), next('Other')]).toEqual([
      10,
      1,
      20,
      25,
      undefined,
      undefined,
    ]);
  });

  test('full jitter draws each delay', () => {
    const retrier = { ErrorEquals: ['States.ALL'], IntervalSeconds: 8, JitterStrategy: 'FULL' as const };
    expect(new Retries([retrier], () => 0.25).next(new StateError('x', ''))).toBe(2);
  });
});

describe('an execution', () => {
  test('waits, chooses and ends', async () => {
    const definition = {
      StartAt: 'Wait',
      States: {
        Wait: { Type: 'Wait', SecondsPath: '$.seconds', Next: 'Choose' },
        Choose: { Type: 'Choice', Choices: [{ Variable: '$.seconds', NumericEquals: 90, Next: 'End' }], Default: 'No' },
        End: { Type: 'Pass', Result: 'done', End: true },
        No: { Type: 'Fail', Error: 'Wrong' },
      },
    };
    const ran = await run(definition, () => Promise.resolve(), { seconds: 90 });
    expect(ran.output).toBe('done');
    expect(ran.seconds).toBeGreaterThan(90);
    expect(ran.seconds).toBeLessThan(91);
    expect(ran.transitions).toBe(3);
  });

  test('retries what its state retries, which is billed, and catches the rest by the name of the fault', async () => {
    const definition = {
      StartAt: 'Call',
      States: {
        Call: task({
          Retry: [{ ErrorEquals: ['Lambda.TooManyRequestsException'], IntervalSeconds: 30, MaxAttempts: 2 }],
          Catch: [{ ErrorEquals: ['Unavailable'], Next: 'Name' }],
          End: true,
        }),
        Name: { Type: 'Pass', Parameters: { 'was.$': '$.Error' }, End: true },
      },
    };
    let calls = 0;
    const ran = await run(definition, () => {
      calls++;
      return Promise.reject(calls <= 2 ? new TooManyRequests('busy') : new Fault('Unavailable', 'down'));
    });
    expect(calls).toBe(3);
    expect(ran.output).toEqual({ was: 'Unavailable' });
    expect(ran.seconds).toBeGreaterThan(90);
    expect(ran.transitions).toBe(4);
  });

  test('starts at most 100 children of a Map Run in a second', async () => {
    const definition = {
      StartAt: 'Each',
      States: {
        Each: {
          Type: 'Map',
          ItemsPath: '$.items',
          ItemProcessor: {
            ProcessorConfig: { Mode: 'DISTRIBUTED' },
            StartAt: 'Call',
            States: { Call: task({ End: true }) },
          },
          End: true,
        },
      },
    };
    const items = Array.from({ length: 500 }, (_, index) => index);
    const ran = await run(definition, () => Promise.resolve('sent'), { items });
    expect(ran.output).toEqual(items.map(() => 'sent'));
    expect(ran.seconds).toBeGreaterThan(4);
    expect(ran.seconds).toBeLessThan(6);
  });

  test('fails when its history is full', async () => {
    const definition = { StartAt: 'Turn', States: { Turn: { Type: 'Pass', Next: 'Turn' } } };
    expect((await run(definition, () => Promise.resolve())).error).toBe('States.Runtime');
  });
});
