import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { MemoryLedger } from '../../../shared/ports/memory/ledger.ts';
import { MemoryRunCounters } from '../../../shared/ports/memory/run-counters.ts';
import { Gate } from '../../../shared/ports/memory/gate.ts';
import { addEnds, endedOf, noEnds, type EndKind, type Ends } from '../../../shared/model/run-ends.ts';
import type { LedgerEntry } from '../../../shared/model/ledger-entry.ts';
import type { Drain, DrainingRun, EndsScan } from '../../../shared/model/messages/payloads.ts';
import { noCounts } from '../../../shared/model/run-counts.ts';
import { Fault } from '../../../shared/model/faults.ts';
import { EndBuffer } from '../../../shared/run/end-buffer.ts';
import { lookAtRun, waitSeconds } from '../../../shared/run/drain.ts';
import { free, type Standing } from '../../../shared/run/standing.ts';

/** A run that has sent jobs, and everything that check-run looks at. */
class World {
  readonly clock = new ManualClock(1_800_000_000_000);
  readonly gate = new Gate();
  readonly counters = new MemoryRunCounters(this.gate);
  readonly depth = { waiting: 0, inFlight: 0, delayed: 0 };
  readonly deadline = { remaining: () => 60_000 };
  readonly giveUpAfterSeconds = 24 * 3600;
  buffer = new EndBuffer(this.counters, () => undefined);
  readonly ledger = new MemoryLedger(this.gate, (change) => this.buffer.note(change));
  open = false;
  scans = 0;
  standingNow: Standing = free;
  run: DrainingRun;

  readonly queue = { depth: async () => this.depth };
  readonly uploads = { anyRunning: async () => this.open };
  readonly scan = {
    countEnds: async (...[run, from, deadline]: Parameters<MemoryLedger['scan']['countEnds']>): Promise<EndsScan> => {
      this.scans++;
      return this.ledger.scan.countEnds(run, from, deadline);
    },
  };
  readonly standing = async (): Promise<Standing> => this.standingNow;

  constructor(sent: number) {
    const results = [{ counts: { ...noCounts, jobs: sent } }];
    const run = { task: 't', run: 'r', startedAt: '2026-11-01T00:00:00.000Z', input: { task: 't' } };
    this.run = { ...run, results, deleted: [], refusal: '' };
  }

  async end(key: string, more: Partial<LedgerEntry> = {}): Promise<void> {
    await this.ledger.close({ task: 't', key, run: 'r', status: 'DONE', route: 'put', size: 2, updatedAt: 1, ...more });
  }

  /** One look, and the wait that it asks for; the state passes as JSON. */
  async look(): Promise<Drain> {
    const drain = JSON.parse(JSON.stringify(await lookAtRun(this, this.run))) as Drain;
    this.run = { ...this.run, drain };
    this.clock.pass(drain.waitSeconds * 1000);
    return drain;
  }

  /** Looks until the run has ended. @returns the seconds that took */
  async untilEnded(maxLooks = 2000): Promise<number> {
    const began = this.clock.now();
    for (let looks = 0; looks < maxLooks; looks++) {
      if ((await this.look()).state === 'ended') return (this.clock.now() - began) / 1000;
    }
    throw new Error('no end');
  }
}

describe('lookAtRun', () => {
  it('ends a run that has sent nothing, without a request', async () => {
    const world = new World(0);
    expect(await world.look()).toMatchObject({ state: 'ended', ends: noEnds });
    expect(world.gate.count()).toBe(0);
  });

  it('ends a run as soon as its objects have ended, whatever else is in the queue', async () => {
    const world = new World(2);
    world.depth.waiting = 1000;
    world.open = true;
    await world.end('a');
    await world.buffer.flush();
    expect(await world.look()).toMatchObject({ state: 'waiting', waitSeconds: 2, ends: { put: 1, bytes: 2 } });
    await world.end('b', { status: 'SKIPPED', route: 'skip' });
    await world.buffer.flush();
    expect(await world.look()).toMatchObject({ state: 'ended', ends: { put: 1, skip: 1, bytes: 2 } });
    expect(world.scans).toBe(0);
  });

  it('counts in the ledger when nothing is under way and some are missing', async () => {
    const world = new World(2);
    await world.end('a');
    await world.buffer.flush();
    await world.end('b', { size: 5 });
    // The process dies before it adds what ended.
    world.buffer = new EndBuffer(world.counters, () => undefined);
    const seconds = await world.untilEnded();
    expect(world.run.drain).toMatchObject({ ends: { put: 2, bytes: 7 } });
    expect(seconds).toBeGreaterThan(89);
    expect(seconds).toBeLessThan(300);
    expect(world.scans).toBe(1);
  });

  it('takes a job that died in its last delivery for failed', async () => {
    const world = new World(1);
    await world.ledger.put({
      task: 't',
      key: 'k',
      run: 'r',
      status: 'FAILED',
      reason: 'OutOfTime: last',
      updatedAt: 1,
    });
    await world.untilEnded();
    expect(world.run.drain?.ends).toEqual({ ...noEnds, failed: 1 });
  });

  it('ends with what is there if messages were lost', async () => {
    const world = new World(3);
    await world.end('a');
    await world.buffer.flush();
    await world.untilEnded();
    expect(endedOf(world.run.drain!.ends)).toBe(1);
  });

  it.each(['queue', 'upload'] as const)('waits while there is work: %s', async (what) => {
    const world = new World(1);
    if (what === 'queue') world.depth.delayed = 1;
    else world.open = true;
    for (let looks = 0; looks < 120; looks++) expect((await world.look()).state).toBe('waiting');
    expect(world.scans).toBe(1);
  });

  it('corrects the counters after an hour in which nothing ended, although others have work', async () => {
    const world = new World(1);
    world.depth.waiting = 5;
    await world.end('a');
    world.buffer = new EndBuffer(world.counters, () => undefined);
    const seconds = await world.untilEnded();
    expect(seconds).toBeGreaterThan(3600);
    expect(seconds).toBeLessThan(3 * 3600);
  });

  it('gives up on a job that others’ work hides, after longer than it may be postponed', async () => {
    const world = new World(1);
    world.depth.waiting = 5;
    const hours = (await world.untilEnded()) / 3600;
    expect(hours).toBeGreaterThan(27);
    expect(hours).toBeLessThan(30);
  });

  it('never ends, and never scans, while its task is paused', async () => {
    const world = new World(1);
    world.standingNow = { kind: 'held', reason: 'task t is paused', since: 0 };
    for (let looks = 0; looks < 200; looks++) expect((await world.look()).state).toBe('waiting');
    expect(world.scans).toBe(0);
    world.standingNow = free;
    await world.end('a');
    await world.buffer.flush();
    expect((await world.look()).state).toBe('ended');
  });

  it('goes on with a long count, and throws away one during which something ended', async () => {
    const world = new World(2);
    const plain = world.scan.countEnds;
    let calls = 0;
    Object.assign(world.scan, {
      countEnds: async (...given: Parameters<typeof plain>): Promise<EndsScan> => {
        calls++;
        if (calls === 1) return { parts: ['k'], ends: noEnds, done: false };
        const found = await plain(...given);
        if (calls === 2) {
          await world.end('late');
          await world.buffer.flush();
        }
        return found;
      },
    });
    await world.untilEnded();
    expect(calls).toBe(3);
    expect(world.run.drain?.ends).toEqual({ ...noEnds, put: 1, bytes: 2 });
  });
});

it('looks often at a short run, and within the history of an execution at one of 90 days', () => {
  const ninetyDays = 90 * 24 * 3600;
  let looks = 0;
  for (let seconds = 0; seconds < ninetyDays; seconds += waitSeconds(seconds)) looks++;
  expect(looks * 9).toBeLessThan(8000);
  expect([0, 40, 100, 3600, 20 * 3600, 128 * 3600].map(waitSeconds)).toEqual([2, 2, 5, 180, 3600, 3600]);
});

describe('the counts of a run', () => {
  /** One thing that happens to an object, in a delivery of its job or outside. */
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    what: fc.constantFrom('put', 'multipart', 'skip', 'delete', 'retry', 'buried', 'cancelled', 'event', 'other run'),
    bytes: fc.nat(100),
  });
  const happening = fc.oneof(
    { weight: 5, arbitrary: step },
    { weight: 2, arbitrary: fc.constantFrom('flush', 'crash', 'throttled', 'answer lost') },
  );

  /** As what each object counts: its first success, and later failures. */
  function modelled(before: EndKind | undefined, what: string): EndKind | undefined {
    const isLasting = before !== undefined && before !== 'failed' && before !== 'cancelled';
    switch (what) {
      case 'buried':
        return 'failed';
      case 'cancelled':
      case 'put':
      case 'multipart':
      case 'skip':
      case 'delete':
        return isLasting ? before : what;
      default:
        return before;
    }
  }

  it('are those of the ledger, however deliveries repeat, and are corrected after crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (happenings) => {
        const world = new World(4);
        const kinds = new Map<string, EndKind>();
        const bytes = new Map<string, number>();
        let isLost = false;
        for (const one of happenings) {
          if (typeof one === 'string') {
            isLost ||= one === 'crash' || one === 'answer lost';
            await flushAs(world, one);
            continue;
          }
          const before = kinds.get(one.key);
          const after = modelled(before, one.what);
          await happens(world, one);
          if (after === undefined || after === before) continue;
          kinds.set(one.key, after);
          bytes.set(one.key, after === 'put' || after === 'multipart' ? one.bytes : 0);
        }
        await world.buffer.flush();
        let expected: Ends = noEnds;
        for (const [key, kind] of kinds) expected = addEnds(expected, { [kind]: 1, bytes: bytes.get(key) ?? 0 });
        const { ends: counted } = await world.counters.read('t', 'r');
        if (!isLost) expect(counted).toEqual(expected);
        expect((await world.ledger.scan.countEnds(world.run, undefined, world.deadline)).ends).toMatchObject(
          // A failure that was not final counts only where nothing else is known.
          Object.fromEntries(Object.entries(expected).filter(([name]) => name !== 'failed')),
        );
      }),
      { numRuns: 500 },
    );
  });

  async function flushAs(world: World, how: string): Promise<void> {
    const hooks = world.gate.hooks;
    const fail =
      (name: 'Throttled' | 'Unavailable') =>
      ({ operation }: { operation: string }) => {
        if (operation === 'counters.add') throw new Fault(name, 'test');
      };
    if (how === 'crash') world.buffer = new EndBuffer(world.counters, () => undefined);
    if (how === 'throttled') hooks.before = fail('Throttled');
    if (how === 'answer lost') hooks.after = fail('Unavailable');
    await world.buffer.flush();
    delete hooks.before;
    delete hooks.after;
  }

  async function happens(world: World, { key, what, bytes }: { key: string; what: string; bytes: number }) {
    const { ledger } = world;
    const entry = { task: 't', key, run: 'r', updatedAt: 1 };
    switch (what) {
      case 'put':
      case 'multipart':
        return ledger.close({ ...entry, status: 'DONE', route: what, size: bytes });
      case 'skip':
        return ledger.close({ ...entry, status: 'SKIPPED', route: 'skip', size: bytes });
      case 'delete':
        return ledger.close({ ...entry, status: 'DELETED', route: 'delete' });
      case 'retry':
        return ledger.put({ ...entry, status: 'FAILED' });
      case 'buried':
        return ledger.put({ ...entry, status: 'FAILED' }, { final: true });
      case 'cancelled':
        return ledger.countEnd({ task: 't', key, run: 'r' }, { kind: 'cancelled', bytes: 0 });
      case 'event':
        return ledger.close({ task: 't', key, status: 'DONE', route: 'put', size: bytes, updatedAt: 1 });
      default:
        // Of another task: it counts for itself.
        return ledger.close({ ...entry, task: 'u', status: 'DONE', route: 'put', size: bytes });
    }
  }
});

it('costs one write for each batch of a run, besides the ledger’s own: 100,000 for a million objects', async () => {
  const world = new World(1000);
  for (let index = 0; index < 1000; index++) {
    await world.end(`k${index}`);
    // A batch of a function: ten messages.
    if (index % 10 === 9) await world.buffer.flush();
  }
  expect(world.gate.count('ledger.close')).toBe(1000);
  const additions = world.gate.count('counters.add');
  expect(additions).toBe(100);
  const dollarsPerMillion = ((additions / 1000) * 1_000_000 * 0.625) / 1_000_000;
  expect(dollarsPerMillion).toBeLessThanOrEqual(0.1);
});
