import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Isolation } from '../../aws/lambda/environment.ts';
import { LambdaRuntime } from '../../aws/lambda/runtime.ts';
import type { FunctionDefinition } from '../../aws/lambda/function-definition.ts';
import { until } from '../../../test/support/until.ts';
import { scratch, surroundings, writeFunction } from './assembly.ts';

const directory = scratch();
let runtime: LambdaRuntime | undefined;
const logs: string[] = [];
let counter = 0;
let isolation: Isolation = 'threads';

afterEach(async () => {
  await runtime?.stop(0);
  runtime = undefined;
  logs.length = 0;
});
afterAll(directory.remove);

/** A runtime with one function. */
function withFunction(
  code: string,
  changes: Partial<FunctionDefinition> & { concurrency?: number; idleSeconds?: number } = {},
) {
  const { concurrency = 1, idleSeconds = 60, ...rest } = changes;
  const name = `function-${++counter}`;
  const started = new LambdaRuntime({
    surroundings,
    concurrency: { [name]: concurrency },
    idleSeconds,
    isolation,
    onLog: ({ text }) => logs.push(text),
  });
  started.register(writeFunction(directory.path, name, code, rest));
  runtime = started;
  return (event: unknown) => started.invoke(name, event);
}

describe.each(['threads', 'processes'] as const)('in %s', (kind) => {
  beforeAll(() => {
    isolation = kind;
  });

  describe('an invocation', () => {
    test('takes and gives JSON, with the context of Lambda', async () => {
      const invoke = withFunction(`export const handler = async (event, context) => ({
      event, name: context.functionName, version: context.functionVersion, arn: context.invokedFunctionArn,
      memory: context.memoryLimitInMB, id: context.awsRequestId, left: context.getRemainingTimeInMillis(), gone: undefined });`);
      const result = await invoke({ a: new Date(0), b: undefined });
      expect(result).toMatchObject({ ok: true });
      const payload = (result as unknown as { payload: Record<string, unknown> }).payload;
      expect(payload).toEqual({
        event: { a: '1970-01-01T00:00:00.000Z' },
        name: `function-${counter}`,
        version: '$LATEST',
        arn: `arn:aws:lambda:us-east-1:000000000000:function:function-${counter}`,
        memory: '256',
        id: result.requestId,
        left: expect.any(Number),
      });
      expect(payload['left']).toBeGreaterThan(0);
      expect(payload['left']).toBeLessThanOrEqual(20_000);
    });

    test('answers null for nothing', async () => {
      expect(await withFunction('export const handler = async () => {};')({})).toMatchObject({
        ok: true,
        payload: null,
      });
    });

    test('sees the environment of its function and nothing of this process', async () => {
      process.env['OF_THIS_PROCESS'] = 'x';
      const invoke = withFunction('export const handler = async () => process.env;', { environment: { QUEUE: 'q' } });
      const result = (await invoke({})) as unknown as { payload: Record<string, string> };
      expect(result.payload).toMatchObject({
        QUEUE: 'q',
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
        AWS_ACCESS_KEY_ID: 'key',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      });
      expect(result.payload).not.toHaveProperty('OF_THIS_PROCESS');
      expect(result.payload).not.toHaveProperty('HOME');
    });

    test('is found by name, ARN and qualified ARN; an unknown function is an error', async () => {
      withFunction('export const handler = async () => 1;');
      const arn = `arn:aws:lambda:us-east-1:000000000000:function:function-${counter}`;
      expect(await runtime!.invoke(arn, {})).toMatchObject({ payload: 1 });
      expect(await runtime!.invoke(`${arn}:$LATEST`, {})).toMatchObject({ payload: 1 });
      expect(await runtime!.invoke('nobody', {})).toMatchObject({
        error: { errorType: 'Lambda.ResourceNotFoundException' },
      });
    });
  });

  describe('an error', () => {
    test('that is thrown keeps its name, message and trace, and the environment goes on', async () => {
      const invoke = withFunction(`let calls = 0;
      class SourceChanged extends Error { name = 'SourceChanged'; }
      export const handler = async (event) => { calls++; if (event.fail) throw new SourceChanged('other version'); return calls; };`);
      expect(await invoke({ fail: true })).toEqual({
        ok: false,
        requestId: expect.any(String),
        error: { errorType: 'SourceChanged', errorMessage: 'other version', trace: expect.any(Array) },
      });
      expect(await invoke({})).toMatchObject({ payload: 2 });
    });

    test.each([
      [
        'a timeout',
        'setTimeout',
        'export const handler = () => new Promise(() => setInterval(() => {}, 1000));',
        'Sandbox.Timedout',
        /Task timed out after 1\.00 seconds/,
      ],
      [
        'a timeout of a busy loop',
        'loop',
        'export const handler = async () => { for (;;); };',
        'Sandbox.Timedout',
        /Task timed out/,
      ],
      [
        'an exit',
        'exit',
        'export const handler = async () => { process.exit(3); };',
        'Runtime.ExitError',
        /exit status 3/,
      ],
      [
        'a full heap',
        'memory',
        'export const handler = async () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); };',
        'Runtime.ExitError',
        /signal: (killed|SIGABRT)/,
      ],
      [
        'an uncaught exception',
        'uncaught',
        'export const handler = () => new Promise(() => setTimeout(() => { throw new TypeError("late"); }));',
        'TypeError',
        /late/,
      ],
      [
        'an unhandled rejection',
        'rejection',
        'export const handler = () => { Promise.reject(new Error("left")); return new Promise(() => {}); };',
        'Runtime.UnhandledPromiseRejection',
        /left/,
      ],
      ['a module that throws', 'init', 'throw new RangeError("at start");', 'RangeError', /at start/],
      [
        'a missing handler',
        'none',
        'export const other = 1;',
        'Runtime.HandlerNotFound',
        /index\.handler is undefined/,
      ],
      ['a thrown text', 'text', 'export const handler = async () => { throw "plain"; };', 'string', /plain/],
      [
        'a result over 6 MB',
        'large',
        'export const handler = async () => "x".repeat(7e6);',
        'Function.ResponseSizeTooLarge',
        /exceeded maximum/,
      ],
    ])('from %s', async (_, __, code, errorType, message) => {
      const result = await withFunction(code, { timeoutSeconds: errorType === 'Sandbox.Timedout' ? 1 : 20 })({});
      expect(result).toMatchObject({ ok: false, error: { errorType } });
      expect((result as unknown as { error: { errorMessage: string } }).error.errorMessage).toMatch(message);
    });

    test('from an event over 6 MB', async () => {
      const result = await withFunction('export const handler = async () => 1;')({ text: 'x'.repeat(7e6) });
      expect(result).toMatchObject({ error: { errorType: 'Lambda.RequestTooLargeException' } });
    });

    test('that ends the environment leaves a fresh one for the next invocation', async () => {
      const invoke = withFunction(`let calls = 0;
      export const handler = async (event) => { calls++; if (event.exit) process.exit(1); return calls; };`);
      expect(await invoke({})).toMatchObject({ payload: 1 });
      expect(await invoke({ exit: true })).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
      expect(await invoke({})).toMatchObject({ payload: 1 });
    });
  });

  describe('environments', () => {
    const counting = `import { threadId } from 'node:worker_threads';
    let calls = 0;
    let running = 0;
    export const handler = async (event) => {
      calls++; running++;
      await new Promise((resolve) => setTimeout(resolve, event.wait ?? 0));
      return { calls, place: process.pid + ' ' + threadId, running: running-- };
    };`;
    type Counted = { payload: { calls: number; place: string; running: number } };

    test('are used again, one invocation at a time', async () => {
      const invoke = withFunction(counting);
      const results = (await Promise.all([invoke({ wait: 30 }), invoke({}), invoke({})])) as unknown as Counted[];
      expect(results.map(({ payload }) => payload.calls)).toEqual([1, 2, 3]);
      expect(results.map(({ payload }) => payload.running)).toEqual([1, 1, 1]);
      expect(new Set(results.map(({ payload }) => payload.place)).size).toBe(1);
    });

    test('are made on demand up to the limit', async () => {
      const invoke = withFunction(counting, { concurrency: 2 });
      const results = (await Promise.all(
        Array.from({ length: 6 }, () => invoke({ wait: 100 })),
      )) as unknown as Counted[];
      expect(new Set(results.map(({ payload }) => payload.place)).size).toBe(2);
      expect(results.every(({ payload }) => payload.running === 1)).toBe(true);
    });

    test('end after idling', async () => {
      const invoke = withFunction(counting, { idleSeconds: 0 });
      const first = (await invoke({})) as unknown as Counted;
      const second = await until(async () => {
        const next = (await invoke({})) as unknown as Counted;
        await new Promise((resolve) => setTimeout(resolve, 20));
        return next.payload.place === first.payload.place ? undefined : next;
      });
      expect(second.payload.calls).toBe(1);
    });

    test('lose nothing of what was logged, not even when they crash', async () => {
      const invoke = withFunction(
        `export const handler = async (event) => {
      for (let line = 0; line < 500; line++) console.log('out ' + line);
      console.error('err'); process.stdout.write('raw');
      if (event.crash) process.exit(1);
      for (;event.hang;);
    };`,
        { timeoutSeconds: 3 },
      );
      await invoke({});
      await invoke({ crash: true });
      await invoke({ hang: true });
      const text = logs.join('');
      expect(text.match(/out \d+\n/g)).toHaveLength(1500);
      expect(text.match(/err\n/g)).toHaveLength(3);
      expect(text.match(/raw/g)).toHaveLength(3);
    });

    test('are ended by stop, after what they are doing', async () => {
      const invoke = withFunction(counting);
      const short = invoke({ wait: 50 });
      await runtime!.stop(5000);
      expect(await short).toMatchObject({ ok: true });
      expect(await invoke({})).toMatchObject({ error: { errorType: 'Lambda.ServiceException' } });
    });

    test('are cut by stop when the grace is over', async () => {
      const invoke = withFunction('export const handler = () => new Promise(() => setInterval(() => {}, 1000));');
      const long = invoke({});
      await runtime!.stop(0);
      expect(await long).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
    });

    test('that are killed fail what they were doing, and only that', async () => {
      // A thread cannot be killed by itself.
      if (isolation === 'threads') return;
      const invoke = withFunction(counting);
      const first = invoke({ wait: 20_000 });
      const { pid } = await until(async () => runtime!.environments().find(({ requestId }) => requestId !== undefined));
      expect(pid).not.toBe(process.pid);
      process.kill(pid!, 'SIGKILL');
      expect(await first).toMatchObject({
        error: { errorType: 'Runtime.ExitError', errorMessage: expect.stringMatching(/signal: killed$/) },
      });
      expect(await invoke({})).toMatchObject({ payload: { calls: 1 } });
    });
  });
});
