import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FunctionDefinition } from '../../aws/lambda/function-definition.ts';
import { LambdaRuntime, type LambdaRuntimeOptions } from '../../aws/lambda/runtime.ts';
import type { ServiceFaultHook } from '../../aws/index.ts';
import { until } from '../../../test/support/until.ts';
import { scratch, surroundings, writeFunction } from './assembly.ts';

const directory = scratch();
afterAll(directory.remove);

/** One function for most tests: most of a test's time is the start of its environment. */
const acts = `import { threadId } from 'node:worker_threads';
  let calls = 0;
  let running = 0;
  class SourceChanged extends Error { name = 'SourceChanged'; }
  // Blocks the event loop without keeping a processor busy.
  const block = () => { for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); };
  const acts = {
    context: ({ given }, context) => ({
      given, name: context.functionName, version: context.functionVersion, arn: context.invokedFunctionArn,
      memory: context.memoryLimitInMB, id: context.awsRequestId, left: context.getRemainingTimeInMillis(), gone: undefined }),
    nothing: () => undefined,
    variables: () => process.env,
    count: async ({ wait = 0 }) => {
      running++;
      await new Promise((resolve) => setTimeout(resolve, wait));
      return { calls, place: process.pid + ' ' + threadId, running: running-- };
    },
    log: ({ then }) => {
      for (let line = 0; line < 500; line++) console.log('out ' + line);
      console.error('err');
      process.stdout.write('raw');
      if (then === 'exit') process.exit(1);
      if (then === 'block') block();
    },
    throw: () => { throw new SourceChanged('other version'); },
    text: () => { throw 'plain'; },
    large: () => 'x'.repeat(7e6),
    exit: () => process.exit(3),
    uncaught: () => new Promise(() => setTimeout(() => { throw new TypeError('late'); })),
    rejection: () => { Promise.reject(new Error('left')); return new Promise(() => {}); },
    memory: () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); },
    wait: () => new Promise(() => setInterval(() => {}, 1000)),
    block,
  };
  export const handler = async (event, context) => { calls++; return acts[event.act](event, context); };`;

interface Counted {
  readonly payload: { readonly calls: number; readonly place: string; readonly running: number };
}

describe.each(['threads', 'processes'] as const)('a function in %s', (isolation) => {
  const logs: string[] = [];
  let fault: ServiceFaultHook = () => undefined;
  let runtime: LambdaRuntime;

  function start(options: Partial<LambdaRuntimeOptions> = {}): LambdaRuntime {
    return new LambdaRuntime({
      surroundings,
      concurrency: {},
      idleSeconds: 60,
      isolation,
      onLog: ({ text }) => logs.push(text),
      fault: (request) => fault(request),
      ...options,
    });
  }
  function define(name: string, code: string, changes: Partial<FunctionDefinition> = {}): FunctionDefinition {
    return writeFunction(directory.path, `${name}-${isolation}`, code, { id: name, name, ...changes });
  }
  const invoke = (event: unknown, name = 'acts') => runtime.invoke(name, event);
  const count = async (wait = 0, from = runtime) =>
    (await from.invoke('acts', { act: 'count', wait })) as unknown as Counted;

  beforeAll(() => {
    runtime = start();
    runtime.register(define('acts', acts, { environment: { QUEUE: 'q' } }));
    for (const name of ['waits', 'blocks']) runtime.register(define(name, acts, { timeoutSeconds: 1 }));
    runtime.register(define('small', acts, { memoryMiB: 32 }));
    runtime.register(define('init', 'throw new RangeError("at start");'));
    runtime.register(define('no-handler', 'export const other = 1;'));
  });
  afterAll(() => runtime.stop(0));
  beforeEach(() => {
    logs.length = 0;
    fault = () => undefined;
  });

  describe('invoked', () => {
    it('takes and returns JSON and has the context of Lambda', async () => {
      const result = await invoke({ act: 'context', given: { a: new Date(0), b: undefined } });
      expect(result).toMatchObject({ ok: true });
      const payload = (result as unknown as { payload: Record<string, unknown> }).payload;
      expect(payload).toEqual({
        given: { a: '1970-01-01T00:00:00.000Z' },
        name: 'acts',
        version: '$LATEST',
        arn: `arn:aws:lambda:us-east-1:000000000000:function:acts-${isolation}`,
        memory: '256',
        id: result.requestId,
        left: expect.any(Number),
      });
      expect(payload['left']).toBeGreaterThan(0);
      expect(payload['left']).toBeLessThanOrEqual(20_000);
    });

    it('returns null for undefined', async () => {
      expect(await invoke({ act: 'nothing' })).toMatchObject({ ok: true, payload: null });
    });

    it('sees its own environment variables and none of this process', async () => {
      process.env['OF_THIS_PROCESS'] = 'x';
      const result = (await invoke({ act: 'variables' })) as unknown as { payload: Record<string, string> };
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

    it('is found by name, ARN and qualified ARN; an unknown function is an error', async () => {
      const arn = `arn:aws:lambda:us-east-1:000000000000:function:acts-${isolation}`;
      const event = { act: 'nothing' };
      expect(await invoke(event, arn)).toMatchObject({ ok: true });
      expect(await invoke(event, `${arn}:$LATEST`)).toMatchObject({ ok: true });
      expect(await invoke(event, 'unknown')).toMatchObject({
        error: { errorType: 'Lambda.ResourceNotFoundException' },
      });
    });
  });

  describe('that fails', () => {
    it('reports name, message and trace of a thrown error and keeps its environment', async () => {
      const before = await count();
      expect(await invoke({ act: 'throw' })).toEqual({
        ok: false,
        requestId: expect.any(String),
        error: { errorType: 'SourceChanged', errorMessage: 'other version', trace: expect.any(Array) },
      });
      expect((await count()).payload).toMatchObject({
        place: before.payload.place,
        calls: before.payload.calls + 2,
      });
    });

    it.each([
      ['an exit', 'acts', 'exit', 'Runtime.ExitError', /exit status 3/],
      ['a full heap', 'small', 'memory', 'Runtime.ExitError', /signal: (killed|SIGABRT)/],
      ['an uncaught exception', 'acts', 'uncaught', 'TypeError', /late/],
      ['an unhandled rejection', 'acts', 'rejection', 'Runtime.UnhandledPromiseRejection', /left/],
      ['a module that throws', 'init', '', 'RangeError', /at start/],
      ['a missing handler', 'no-handler', '', 'Runtime.HandlerNotFound', /index\.handler is undefined/],
      ['a thrown string', 'acts', 'text', 'string', /plain/],
      ['a result over 6 MB', 'acts', 'large', 'Function.ResponseSizeTooLarge', /exceeded maximum/],
    ])('reports %s', async (_, name, act, errorType, message) => {
      const result = await invoke({ act }, name);
      expect(result).toMatchObject({ ok: false, error: { errorType } });
      expect((result as unknown as { error: { errorMessage: string } }).error.errorMessage).toMatch(message);
    });

    it('times out both while it waits and while it blocks', async () => {
      const results = await Promise.all([invoke({ act: 'wait' }, 'waits'), invoke({ act: 'block' }, 'blocks')]);
      const errorMessage = expect.stringMatching(/Task timed out after 1\.00 seconds/);
      const timeout = { ok: false, error: { errorType: 'Sandbox.Timedout', errorMessage } };
      expect(results).toMatchObject([timeout, timeout]);
    });

    it('refuses an event over 6 MB', async () => {
      expect(await invoke({ text: 'x'.repeat(7e6) })).toMatchObject({
        error: { errorType: 'Lambda.RequestTooLargeException' },
      });
    });

    it('gets a new environment after one that exited', async () => {
      await count();
      expect((await count()).payload.calls).toBeGreaterThan(1);
      expect(await invoke({ act: 'exit' })).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
      expect((await count()).payload.calls).toBe(1);
    });
  });

  describe('and its environments', () => {
    it('reuse an environment for one invocation at a time', async () => {
      const first = await count();
      const results = await Promise.all([count(30), count(), count()]);
      const { calls, place } = first.payload;
      expect(results.map(({ payload }) => payload)).toEqual(
        [1, 2, 3].map((later) => ({ calls: calls + later, place, running: 1 })),
      );
    });

    it('create environments on demand up to the limit', async () => {
      const wide = start({ concurrency: { acts: 2 } });
      wide.register(define('acts', acts));
      const results = await Promise.all(Array.from({ length: 6 }, () => count(50, wide)));
      await wide.stop(0);
      expect(new Set(results.map(({ payload }) => payload.place)).size).toBe(2);
      expect(results.every(({ payload }) => payload.running === 1)).toBe(true);
    });

    it('end an idle environment', async () => {
      const brief = start({ idleSeconds: 0 });
      brief.register(define('acts', acts));
      const first = await count(0, brief);
      await until(() => brief.environments().length === 0);
      const second = await count(0, brief);
      await brief.stop(0);
      expect(second.payload.calls).toBe(1);
      expect(second.payload.place).not.toBe(first.payload.place);
    });

    it('deliver all output, even of code that exits or is killed while it blocks', async () => {
      const blocked = Promise.withResolvers<undefined>();
      fault = ({ input }) =>
        input['then'] === 'block' ? { kind: 'end', when: blocked.promise, error: 'Sandbox.Timedout' } : undefined;
      await invoke({ act: 'log' });
      await invoke({ act: 'log', then: 'exit' });
      const blocking = invoke({ act: 'log', then: 'block' });
      await until(() => logs.join('').match(/raw/g)?.length === 3);
      blocked.resolve(undefined);
      expect(await blocking).toMatchObject({ error: { errorType: 'Sandbox.Timedout' } });
      const text = logs.join('');
      expect(text.match(/out \d+\n/g)).toHaveLength(1500);
      expect(text.match(/err\n/g)).toHaveLength(3);
      expect(text.match(/raw/g)).toHaveLength(3);
    });

    if (isolation === 'processes') {
      it('fail only the current invocation when one is killed', async () => {
        const first = count(20_000);
        const { pid } = await until(() => runtime.environments().find(({ requestId }) => requestId !== undefined));
        expect(pid).not.toBe(process.pid);
        process.kill(pid!, 'SIGKILL');
        expect(await first).toMatchObject({
          error: { errorType: 'Runtime.ExitError', errorMessage: expect.stringMatching(/signal: killed$/) },
        });
        expect((await count()).payload.calls).toBe(1);
      });
    }
  });

  describe('when the runtime stops', () => {
    let stopping: LambdaRuntime;
    beforeEach(() => {
      stopping = start();
      stopping.register(define('acts', acts));
    });
    afterEach(() => stopping.stop(0));

    it('finishes its invocation within the grace period, and takes no other', async () => {
      const short = count(50, stopping);
      await stopping.stop(60_000);
      expect(await short).toMatchObject({ ok: true });
      expect(await stopping.invoke('acts', { act: 'nothing' })).toMatchObject({
        error: { errorType: 'Lambda.ServiceException' },
      });
    });

    it('is cut off after the grace period', async () => {
      const long = stopping.invoke('acts', { act: 'wait' });
      await stopping.stop(0);
      expect(await long).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
    });
  });
});
