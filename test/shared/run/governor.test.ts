import { beforeEach, describe, expect, it } from '@jest/globals';
import { pause } from '../../../shared/model/control.ts';
import { Fault, type FaultName } from '../../../shared/model/faults.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { MemoryControls } from '../../../shared/ports/memory/controls.ts';
import { Gate } from '../../../shared/ports/memory/gate.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import { MemoryStorage } from '../../../shared/ports/memory/storage.ts';
import type { ObjectStore } from '../../../shared/ports/object-store.ts';
import { Governor, type SideEvent } from '../../../shared/run/governor.ts';

/** Processes that work for one task, each with a governor of its own; the destination fails with `fails`. */

const task = 'photos';
let clock: ManualClock;
let gate: Gate;
let controls: MemoryControls;
let events: string[];
let fails: FaultName | undefined;

beforeEach(() => {
  clock = new ManualClock();
  gate = new Gate();
  controls = new MemoryControls(gate);
  events = [];
  fails = undefined;
});

interface Process {
  readonly governor: Governor;
  /** makes a request to a side */
  ask(side: 'source' | 'destination'): Promise<void>;
  standing(run?: string): Promise<string>;
}

function startProcess(): Process {
  const onSide = ({ side, kind, breaker }: SideEvent): void => {
    events.push(`${side} ${kind} ${breaker.fault} ${breaker.code ?? '-'}`);
  };
  const onFault = (): void => undefined;
  const governor = new Governor({ controls, clock, onFault, onSide, codeOf: () => 'SlowDown' });
  const storage = new MemoryStorage({ clock });
  storage.createBucket('b');
  const store = new MemoryObjectStore(storage, 'b');
  const failing = new MemoryObjectStore(storage, 'b');
  failing.head = async () => {
    if (fails) throw new Fault(fails, 'secret/key failed');
    return undefined;
  };
  const stores = governor.watch(task, { source: store, destination: failing });
  return {
    governor,
    ask: async (side) => {
      await stores[side].head(objectKey('k')).catch(() => undefined);
      await settle();
    },
    standing: async (run) => {
      const standing = await governor.standing({ task, run });
      return standing.kind === 'held' ? `held ${standing.fault ?? ''}`.trim() : standing.kind;
    },
  };
}

/** Lets what was begun in the background end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a side that fails', () => {
  it.each<[FaultName, number, number]>([
    ['CredentialsRefused', 3, 0],
    ['Unavailable', 10, 10_000],
    ['AccessDenied', 10, 10_000],
    ['Throttled', 20, 60_000],
  ])('counts as failing with %s after %i faults in a row over %i ms', async (fault, faults, millis) => {
    const one = startProcess();
    // A HEAD does not say why it is refused.
    const kind = fault === 'AccessDenied' ? 'CredentialsRefused' : fault;
    fails = fault;
    for (let count = 1; count < faults; count++) await one.ask('destination');
    expect(await controls.read(task)).toEqual({});
    clock.pass(millis);
    await one.ask('destination');
    expect((await controls.read(task)).breakers).toEqual({
      destination: { fault: kind, code: 'SlowDown', since: clock.now() - millis, probeAt: clock.now() + 60_000 },
    });
    expect(events).toEqual([`destination opened ${kind} SlowDown`]);
    expect(JSON.stringify(await controls.read(task))).not.toContain('secret');
  });

  it('does not count as failing if anything else is answered in between, or if objects fail', async () => {
    const one = startProcess();
    for (const between of [undefined, 'SourceGone', 'ArchivedSource', 'VerificationFailed'] as const) {
      for (let count = 0; count < 39; count++) {
        fails = count % 3 === 2 ? between : 'CredentialsRefused';
        clock.pass(5000);
        await one.ask('destination');
        fails = 'CredentialsRefused';
        await one.ask('source');
      }
    }
    fails = 'Refused';
    for (let count = 0; count < 40; count++) await one.ask('destination');
    expect([await controls.read(task), events]).toEqual([{}, []]);
  });

  it('is tried by one process a minute, holds back all work of its task, and works again by a success', async () => {
    const processes = Array.from({ length: 5 }, startProcess);
    const [first] = processes as [Process];
    fails = 'CredentialsRefused';
    for (let count = 0; count < 3; count++) await first.ask('destination');
    clock.pass(15_000);
    const all = (): Promise<string[]> => Promise.all(processes.map((one) => one.standing()));
    expect(await all()).toEqual(Array.from({ length: 5 }, () => 'held CredentialsRefused'));
    // Other tasks know nothing of it.
    expect(await first.governor.standing({ task: 'other' })).toEqual({ kind: 'free' });

    for (let minute = 0; minute < 3; minute++) {
      clock.pass(60_000);
      const standings = await all();
      expect(standings.filter((one) => one === 'free')).toHaveLength(1);
      expect(await all()).not.toContain('free');
      await processes[standings.indexOf('free')]!.ask('destination');
    }
    expect(events).toEqual([
      'destination opened CredentialsRefused SlowDown',
      ...Array.from({ length: 3 }, () => 'destination failing CredentialsRefused SlowDown'),
    ]);

    fails = undefined;
    clock.pass(60_000);
    const standings = await all();
    await processes[standings.indexOf('free')]!.ask('destination');
    expect(events.at(-1)).toBe('destination closed CredentialsRefused SlowDown');
    clock.pass(15_000);
    expect(await all()).toEqual(Array.from({ length: 5 }, () => 'free'));
    expect(await controls.read(task)).toEqual({});
  });

  it('costs no write while nothing changes', async () => {
    const one = startProcess();
    for (let count = 0; count < 100; count++) {
      clock.pass(1000);
      await one.ask('source');
      await one.standing();
    }
    expect(gate.count('controls.change')).toBe(0);
    expect(gate.count('controls.read')).toBeLessThan(10);
  });

  it('leaves what operators have ordered as it is', async () => {
    await controls.change(task, (control) => pause(control, { since: 1, reason: '', by: 'me' }));
    const one = startProcess();
    fails = 'CredentialsRefused';
    for (let count = 0; count < 3; count++) await one.ask('destination');
    expect(await one.standing()).toBe('held');
    fails = undefined;
    await one.ask('destination');
    expect(await controls.read(task)).toEqual({ paused: { since: 1, reason: '', by: 'me' } });
  });

  it('shows in pages of listings too', async () => {
    const one = startProcess();
    const broken = {
      list: async function* () {
        yield [];
        await Promise.resolve();
        throw new Fault('CredentialsRefused', 'expired');
      },
    } as unknown as ObjectStore;
    const { source } = one.governor.watch('listed', { source: broken, destination: broken });
    for (let count = 0; count < 3; count++) {
      const pages: unknown[] = [];
      const reading = (async () => {
        for await (const page of source.list({ prefix: '' })) pages.push(page);
      })();
      await expect(reading).rejects.toThrow('expired');
      expect(pages).toEqual([[]]);
    }
    await settle();
    // Each listing answered a page, so the side works.
    expect(await controls.read('listed')).toEqual({});
  });
});
