import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SSMClient } from '@aws-sdk/client-ssm';
import { Parameters, type ParametersOptions } from '../../../shared/aws/parameters.ts';
import type { Fault } from '../../../shared/model/faults.ts';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { Random } from '../../support/random.ts';

const text = (name: string): string =>
  JSON.stringify({ name, source: { bucket: `${name}-from` }, destination: { bucket: `${name}-into` } });

/** Parameter Store with as many requests a second as a region allows: 40, and 40 at one moment. */
class Store {
  readonly clock: ManualClock;
  readonly parameters = new Map<string, string>();
  readonly calls: string[] = [];
  /** the error of all requests, if it is down */
  down: string | undefined;
  throttled = 0;
  #tokens = 40;
  #at: number;

  constructor(clock: ManualClock) {
    this.clock = clock;
    this.#at = clock.now();
  }

  get client(): SSMClient {
    return { send: ({ input }: { input: Input }) => this.#answer(input) } as unknown as SSMClient;
  }

  async #answer({ Name, Path, NextToken, MaxResults = 10 }: Input): Promise<object> {
    await Promise.resolve();
    this.calls.push(Name ?? Path ?? '');
    const now = this.clock.now();
    this.#tokens = Math.min(40, this.#tokens + ((now - this.#at) / 1000) * 40);
    this.#at = now;
    if (this.down !== undefined) throw Object.assign(new Error('down'), { name: this.down });
    if (this.#tokens < 1) {
      this.throttled++;
      throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
    }
    this.#tokens--;
    if (Path === undefined) {
      const Value = this.parameters.get(Name ?? '');
      if (Value === undefined) throw Object.assign(new Error('no'), { name: 'ParameterNotFound' });
      return { Parameter: { Value } };
    }
    const names = [...this.parameters.keys()].filter((name) => name.startsWith(`${Path}/`));
    const from = Number(NextToken ?? 0);
    const page = names.slice(from, from + MaxResults).map((name) => ({ Name: name, Value: this.parameters.get(name) }));
    const next = from + page.length;
    return { Parameters: page, ...(next < names.length && { NextToken: String(next) }) };
  }
}

interface Input {
  readonly Name?: string;
  readonly Path?: string;
  readonly NextToken?: string;
  readonly MaxResults?: number;
}

let clock: ManualClock;
let store: Store;
let stale: string[];

beforeEach(() => {
  clock = new ManualClock();
  store = new Store(clock);
  stale = [];
  for (const name of ['a', 'b']) store.parameters.set(`/tasks/${name}`, text(name));
  store.parameters.set('/tasks/c', '{"source":{"bucket":"x"}}');
});

function parametersOf(options: ParametersOptions = {}): Parameters {
  const onStale = (fault: Fault, ageMillis: number): void => void stale.push(`${fault.name} ${ageMillis / 1000}`);
  return new Parameters(store.client, '/tasks/', { clock, onStale, ...options });
}

describe('a task', () => {
  it('is read once per minute, also for concurrent callers', async () => {
    const parameters = parametersOf({ random: () => 0.99 });
    await Promise.all([parameters.task('a'), parameters.task('a')]);
    clock.pass(59_000);
    await parameters.task('a');
    expect(store.calls).toEqual(['/tasks/a']);
    clock.pass(2_000);
    await parameters.task('a');
    expect(store.calls).toHaveLength(2);
  });

  it('is looked up again immediately if it was missing', async () => {
    const parameters = parametersOf();
    await expect(parameters.task('new')).rejects.toMatchObject({ name: 'UnknownTask' });
    store.parameters.set('/tasks/new', text('new'));
    expect(await parameters.task('new')).toMatchObject({ name: 'new' });
    await expect(parameters.task('../x')).rejects.toMatchObject({ name: 'UnknownTask' });
  });

  it.each(['ThrottlingException', 'InternalServerError'])('stays in use while %s answers', async (error) => {
    const parameters = parametersOf({ random: () => 0.5 });
    await parameters.task('a');
    store.parameters.set('/tasks/a', text('a').replace('a-into', 'other'));
    store.down = error;
    clock.pass(61_000);
    for (let second = 0; second < 600; second++) {
      expect(await parameters.task('a')).toMatchObject({ destination: { bucket: 'a-into' } });
      clock.pass(1_000);
    }
    // The pauses grow to a minute.
    expect(stale.length).toBeGreaterThan(10);
    expect(stale.length).toBeLessThan(20);
    expect(store.calls).toHaveLength(1 + stale.length);
    store.down = undefined;
    clock.pass(60_000);
    expect(await parameters.task('a')).toMatchObject({ destination: { bucket: 'other' } });
  });

  it('is not used for longer than an hour without being read', async () => {
    const parameters = parametersOf();
    await parameters.task('a');
    store.down = 'ThrottlingException';
    clock.pass(3_599_000);
    await parameters.task('a');
    clock.pass(61_000);
    await expect(parameters.task('a')).rejects.toMatchObject({ name: 'Throttled' });
  });

  it('ends with the answer that there is none, or an invalid one', async () => {
    const parameters = parametersOf();
    await Promise.all([parameters.task('a'), parameters.task('b')]);
    store.parameters.delete('/tasks/a');
    store.parameters.set('/tasks/b', '{}');
    clock.pass(61_000);
    await expect(parameters.task('a')).rejects.toMatchObject({ name: 'UnknownTask' });
    await expect(parameters.task('b')).rejects.toMatchObject({ name: 'InvalidTask' });
    expect(stale).toEqual([]);
  });

  it('is asked for again if its first read is refused, for half a minute', async () => {
    store.down = 'ThrottlingException';
    const before = clock.now();
    await expect(parametersOf().task('a')).rejects.toMatchObject({ name: 'Throttled' });
    expect(store.calls).toHaveLength(6);
    expect(clock.now() - before).toBeGreaterThan(15_000);
    expect(clock.now() - before).toBeLessThan(31_000);
  });
});

describe('all tasks', () => {
  it('are returned page by page, and invalid ones by name', async () => {
    for (let index = 0; index < 20; index++) store.parameters.set(`/tasks/n${index}`, text(`n${index}`));
    const tasks = await parametersOf().tasks();
    expect(tasks).toHaveLength(23);
    expect(tasks[2]).toEqual({ name: 'c', broken: true, bucket: 'x' });
    expect(store.calls).toHaveLength(3);
  });

  it('serve each task once they are read, and take the place of more reads than they need', async () => {
    for (let index = 0; index < 7; index++) store.parameters.set(`/tasks/n${index}`, text(`n${index}`));
    const parameters = parametersOf({ readsAll: true });
    for (const name of ['a', 'b', 'n1', 'n2', 'n3', 'n4']) expect(await parameters.task(name)).toMatchObject({ name });
    // Three alone; the fourth would be the fourth request, and all are one.
    expect(store.calls).toEqual(['/tasks/a', '/tasks/b', '/tasks/n1', '/tasks']);
  });

  it('do not hide why a task is not valid, nor one that is new', async () => {
    const parameters = parametersOf({ readsAll: true });
    await parameters.tasks();
    await expect(parameters.task('c')).rejects.toMatchObject({ name: 'InvalidTask' });
    store.parameters.set('/tasks/new', text('new'));
    expect(await parameters.task('new')).toMatchObject({ name: 'new' });
  });

  it('are not read by a process that may read single ones only', async () => {
    for (let index = 0; index < 9; index++) store.parameters.set(`/tasks/n${index}`, text(`n${index}`));
    const parameters = parametersOf();
    for (let index = 0; index < 9; index++) await parameters.task(`n${index}`);
    expect(store.calls.filter((call) => call === '/tasks')).toEqual([]);
  });
});

describe('100 environments and 30 tasks', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each([
    ['jobs', false],
    ['events', true],
  ])('of %s stay below 40 requests a second', async (_, events) => {
    // The random part of each wait is the same in every run: one second too full by chance says nothing.
    const random = new Random(1);
    jest.spyOn(Math, 'random').mockImplementation(() => random.next());
    for (let index = 0; index < 30; index++) store.parameters.set(`/tasks/t${index}`, text(`t${index}`));
    const environments = Array.from({ length: 100 }, () => parametersOf({ readsAll: true }));
    const perSecond: number[] = [];
    let failed = 0;
    for (let second = 0; second < 600; second++) {
      const before = store.calls.length;
      // Five start in each second: Lambda adds up to 300 calls a minute for a queue (Lambda Developer Guide: Configuring
      // scaling behavior for SQS event source mappings). Each has another task every two seconds.
      const running = environments.slice(0, 5 * second + 5).filter((_environment, index) => index % 2 === second % 2);
      for (const [index, environment] of running.entries()) {
        if (events) await environment.tasks();
        await environment.task(`t${(index * 7 + second) % 30}`).catch(() => failed++);
      }
      perSecond.push(store.calls.length - before);
      const rest = 1_000 - (clock.now() % 1_000);
      clock.pass(rest);
    }
    expect(failed).toBe(0);
    expect(store.throttled).toBe(0);
    const later = perSecond.slice(120);
    const mean = later.reduce((sum, one) => sum + one, 0) / later.length;
    // 100 environments, three pages each, every 50 seconds; it was 33 requests a minute and environment, 55 a second.
    expect(mean).toBeGreaterThan(4);
    expect(mean).toBeLessThan(8);
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(40);
  });
});
