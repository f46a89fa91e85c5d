import { beforeEach, describe, expect, it } from '@jest/globals';
import { carryOut, describeStatus, type OrderContext, type Wish } from '../../operations/task-orders.ts';
import { openBreaker } from '../../shared/model/control.ts';
import { MemoryControls } from '../../shared/ports/memory/controls.ts';

const order = { since: 0, reason: 'maintenance', by: 'me' };
const runs: Record<string, { task: string; underWay: boolean }> = {
  one: { task: 'photos', underWay: true },
  two: { task: 'photos', underWay: true },
  ended: { task: 'photos', underWay: false },
  foreign: { task: 'logs', underWay: true },
};

let context: OrderContext;
beforeEach(() => {
  context = {
    controls: new MemoryControls(),
    tasks: ['photos', 'logs', 'idle'],
    runs: {
      taskOf: async (run) => runs[run]?.task,
      underWay: async (task) => Object.keys(runs).filter((run) => runs[run]?.task === task && runs[run].underWay),
    },
  };
});

function ask(action: Wish['action'], more: Partial<Wish> = {}): ReturnType<typeof carryOut> {
  return carryOut(context, { action, task: 'photos', order, ...more });
}

describe('the commands about a task', () => {
  it('pause it, twice, show it, and let it go on', async () => {
    const free = {
      task: 'photos',
      paused: null,
      failing: [],
      runs: ['one', 'two'].map((run) => ({ run, state: 'under way' })),
    };
    expect(await ask('status')).toEqual(free);
    expect(await ask('pause')).toEqual({ ...free, paused: order });
    expect(await ask('pause', { order: { ...order, since: 9 } })).toEqual({ ...free, paused: order });
    expect(await ask('status')).toEqual({ ...free, paused: order });
    expect(describeStatus(await ask('status'))).toBe(
      'task photos is paused since 1970-01-01T00:00:00.000Z by me: maintenance\nrun one: under way\nrun two: under way',
    );
    expect(await ask('resume')).toEqual(free);
    expect(await ask('resume')).toEqual(free);
    expect(describeStatus(await ask('status', { task: 'idle' }))).toBe('task idle is not paused');
  });

  it('show a side that fails, since when, and how', async () => {
    const breaker = { fault: 'CredentialsRefused', code: 'ExpiredToken', since: 0, probeAt: 5 } as const;
    await context.controls.change('photos', (control) => openBreaker(control, 'destination', breaker));
    const status = await ask('status');
    expect(status.failing).toEqual([
      { side: 'destination', fault: 'CredentialsRefused', code: 'ExpiredToken', since: 0 },
    ]);
    expect(describeStatus(status)).toContain(
      'the destination has failed since 1970-01-01T00:00:00.000Z: CredentialsRefused (ExpiredToken)',
    );
  });

  it('pause and cancel one run', async () => {
    const states = async (wish: ReturnType<typeof ask>): Promise<string[]> =>
      (await wish).runs.map(({ run, state }) => `${run} ${state}`);
    expect(await states(ask('pause', { run: 'one' }))).toEqual(['two under way', 'one paused']);
    expect(await states(ask('cancel', { run: 'ended' }))).toEqual(['two under way', 'one paused', 'ended cancelled']);
    expect(await states(ask('resume', { run: 'one' }))).toEqual(['one under way', 'two under way', 'ended cancelled']);
  });

  it('cancel all runs of a task that are under way', async () => {
    expect((await ask('cancel')).runs).toEqual(['one', 'two'].map((run) => ({ run, state: 'cancelled' })));
    await expect(ask('cancel', { task: 'idle' })).rejects.toMatchObject({ name: 'InvalidInput' });
  });

  it.each(['pause', 'resume', 'cancel', 'status'] as const)('%s names an unknown task or run', async (action) => {
    await expect(ask(action, { task: 'fotos' })).rejects.toMatchObject({
      name: 'UnknownTask',
      message: 'the stack has no task "fotos"; it has photos, logs, idle',
    });
    for (const run of ['none', 'foreign']) {
      await expect(ask(action, { run })).rejects.toMatchObject({
        name: 'InvalidInput',
        message: `--run: found "${run}", expected a run of task photos`,
      });
    }
    expect(await context.controls.read('fotos')).toEqual({});
  });
});
