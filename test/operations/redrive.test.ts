import { beforeEach, describe, expect, it } from '@jest/globals';
import { redrive } from '../../operations/dead-letters.ts';
import { encodeJob } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { DeadLetter, RedriveQueues } from '../../shared/ports/redrive.ts';

const startedAt = 1_000_000;

/** A job queue and a dead-letter queue in memory, with the faults that can occur between them. */
class Queues implements RedriveQueues {
  readonly dead = new Map<string, DeadLetter>();
  readonly jobs: string[] = [];
  readonly #hidden = new Set<string>();
  /** IDs that the job queue does not confirm */
  refused = new Set<string>();
  /** IDs that the dead-letter queue does not remove */
  stuck = new Set<string>();
  broken: 'send' | 'remove' | undefined;
  /** called before every send */
  onSend: (letters: readonly DeadLetter[]) => void = () => undefined;

  bury(id: string, task: string, more: Partial<DeadLetter> = {}): void {
    const body = encodeJob({ task, key: objectKey(id), action: 'copy' });
    this.dead.set(id, { id, body, receipt: id, sentAt: startedAt - 1, reason: 'AccessDenied: no', ...more });
  }

  get hidden(): number {
    return [...this.#hidden].filter((id) => this.dead.has(id)).length;
  }

  async receive(): Promise<DeadLetter[]> {
    const letters = [...this.dead.values()].filter(({ id }) => !this.#hidden.has(id)).slice(0, 10);
    for (const { id } of letters) this.#hidden.add(id);
    return letters;
  }

  async send(letters: readonly DeadLetter[]): Promise<Set<string>> {
    this.onSend(letters);
    if (this.broken === 'send') throw new Error('the network is away');
    const taken = letters.filter(({ id }) => !this.refused.has(id));
    this.jobs.push(...taken.map(({ body }) => body));
    return new Set(taken.map(({ id }) => id));
  }

  async remove(letters: readonly DeadLetter[]): Promise<Set<string>> {
    if (this.broken === 'remove') throw new Error('the network is away');
    const gone = letters.filter(({ id }) => !this.stuck.has(id));
    for (const { id } of gone) this.dead.delete(id);
    return new Set(gone.map(({ id }) => id));
  }

  async release(letters: readonly DeadLetter[]): Promise<void> {
    for (const { id } of letters) this.#hidden.delete(id);
  }
}

describe('redrive', () => {
  let queues: Queues;
  beforeEach(() => {
    queues = new Queues();
  });

  const all = { dryRun: false, startedAt };

  it('moves every letter back once, in as many batches as it takes', async () => {
    for (let index = 0; index < 25; index++) queues.bury(`k${index}`, index % 2 ? 'odd' : 'even');
    queues.onSend = (letters) => {
      for (const { id } of letters) expect(queues.dead.has(id)).toBe(true);
    };
    expect(await redrive(queues, all)).toEqual({
      ...{ found: 25, sent: 25, removed: 25, left: 0, failed: 0 },
      tasks: { even: 13, odd: 12 },
      reasons: { AccessDenied: 25 },
    });
    expect(new Set(queues.jobs).size).toBe(25);
    expect(queues.dead.size).toBe(0);
  });

  it('moves the letters of one task, and releases the others immediately', async () => {
    for (let index = 0; index < 12; index++) queues.bury(`k${index}`, 'other');
    queues.bury('mine', 'mine');
    queues.bury('event', '', { body: '{"Records": []}', reason: 'no colon' });
    expect(await redrive(queues, { ...all, task: 'mine' })).toEqual({
      ...{ found: 14, sent: 1, removed: 1, left: 13, failed: 0 },
      tasks: { other: 12, mine: 1, '(unknown)': 1 },
      reasons: { AccessDenied: 13, '(none)': 1 },
    });
    expect(queues.dead.size).toBe(13);
    expect(queues.hidden).toBe(0);
  });

  it('moves nothing in a dry run', async () => {
    queues.bury('k', 'task');
    expect(await redrive(queues, { ...all, dryRun: true })).toMatchObject({ found: 1, sent: 0, removed: 0, left: 1 });
    expect([queues.jobs, queues.dead.size, queues.hidden]).toEqual([[], 1, 0]);
  });

  it('ends even if its jobs fail again meanwhile', async () => {
    queues.bury('k', 'task');
    queues.onSend = () => queues.bury(`again ${queues.dead.size}`, 'task', { sentAt: startedAt + 1 });
    expect(await redrive(queues, all)).toMatchObject({ found: 2, sent: 1, removed: 1, left: 1 });
  });

  describe('after a failure', () => {
    it('keeps a letter that the job queue did not confirm, and counts it', async () => {
      for (const id of ['a', 'b', 'c']) queues.bury(id, 'task');
      queues.refused = new Set(['b']);
      expect(await redrive(queues, all)).toMatchObject({ found: 3, sent: 2, removed: 2, failed: 1 });
      expect([...queues.dead.keys()]).toEqual(['b']);
      expect(queues.hidden).toBe(0);
    });

    it('does not send a letter again that it could not remove', async () => {
      for (const id of ['a', 'b']) queues.bury(id, 'task');
      queues.stuck = new Set(['a']);
      expect(await redrive(queues, all)).toMatchObject({ sent: 2, removed: 1, failed: 0 });
      expect(queues.jobs).toHaveLength(2);
      expect([...queues.dead.keys()]).toEqual(['a']);
    });

    it.each(['send', 'remove'] as const)('loses nothing if a %s fails', async (step) => {
      for (const id of ['a', 'b']) queues.bury(id, 'task');
      queues.broken = step;
      await expect(redrive(queues, all)).rejects.toThrow('the network is away');
      expect(queues.dead.size).toBe(2);
      expect(queues.hidden).toBe(step === 'send' ? 0 : 2);
    });
  });
});
