import { describe, expect, it } from '@jest/globals';
import { maxIdleRounds, maxUploadRounds } from '../../../../shared/model/limits.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { nextStep, type Circumstances, type Underway } from '../../../../shared/transfer/steps/rounds.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

const last: Underway = {
  state: 'uploading',
  job: { task: 'one', key: objectKey('k'), action: 'copy' },
  attempt: 1,
  startedAt: 0,
  target: {
    uploadId: 'u',
    sourceEtag: 'e',
    attributes: 'a',
    plan: { size: 40, partSize: 10, partCount: 4, sourceLayout: false },
    method: 'relay',
    opaqueEtag: false,
  },
  batches: [{ parts: [[1, 2]] }, { parts: [[3, 4]] }],
  concurrency: 2,
  round: 3,
  idleRounds: 2,
  missing: 4,
};

function next(changed: Partial<Underway>, circumstances: Partial<Circumstances> = {}) {
  return nextStep(
    { ...last, ...changed },
    { what: 'it', now: 0, left: 4, proven: 0, giveUpAfterSeconds: 24 * 3600, ...circumstances },
  );
}

const outcomes = (...names: string[]) => names.map((outcome) => ({ outcome }));

describe('nextStep', () => {
  it('waits a minute for parts that may be in flight, then sends', () => {
    const waiting = next({ outcomes: outcomes('sent', 'SourceChanged') });
    expect(waiting).toEqual({ state: 'waiting', round: 4, idleRounds: 3, waitSeconds: 60 });
    expect(next({ state: 'waiting' })).toEqual({ state: 'uploading', round: 4, idleRounds: 3, trial: false });
  });

  it('forgets idle rounds when a part arrives', () => {
    expect(next({ outcomes: outcomes('sent', 'left') }, { left: 2 })).toMatchObject({
      state: 'waiting',
      idleRounds: 0,
    });
  });

  it('forgets idle rounds when a part is proven', () => {
    expect(next({ missing: 0 }, { left: 0, proven: 1 })).toMatchObject({ state: 'waiting', idleRounds: 0 });
    expect(next({ missing: 0, proven: 1 }, { left: 0, proven: 1 })).toMatchObject({ idleRounds: 3 });
  });

  it('goes on immediately if the batches were some of the missing parts, and have arrived', () => {
    const some = { batches: [{ parts: [[1, 1]] }], outcomes: outcomes('sent') } as const;
    expect(next(some, { left: 3 })).toEqual({ state: 'uploading', round: 4, idleRounds: 0, trial: false });
    expect(next(some, { left: 4 })).toMatchObject({ state: 'waiting', idleRounds: 3 });
    expect(next({ ...some, outcomes: outcomes('left') }, { left: 3 })).toMatchObject({ state: 'waiting' });
  });

  it.each([
    ['Unavailable', 'Unavailable'],
    ['CredentialsRefused', 'Lambda.TooManyRequestsException'],
    ['Throttled', 'left'],
  ])('does not count a round as idle whose batches ended as %s and %s', (...names) => {
    const failed = next({ outcomes: outcomes(...names) }, { now: 7 });
    expect(failed).toEqual({ state: 'waiting', round: 4, idleRounds: 2, faultsSince: 7, waitSeconds: 60 });
  });

  it.each([['Unavailable', 'VerificationFailed'], ['left'], ['AccessDenied'], []])(
    'counts a round as idle whose batches ended as %s %s',
    (...names) => {
      expect(next({ outcomes: outcomes(...names) })).not.toHaveProperty('faultsSince');
      expect(next({ outcomes: outcomes(...names) })).toMatchObject({ idleRounds: 3 });
    },
  );

  it('waits longer the longer the surroundings fail, tries with one batch, and forgets them when a part arrives', () => {
    const wait = (now: number): unknown => next({ faultsSince: 0, outcomes: outcomes('Unavailable') }, { now });
    expect(wait(30_000)).toMatchObject({ waitSeconds: 60, faultsSince: 0 });
    expect(wait(3 * minute)).toMatchObject({ waitSeconds: 180 });
    expect(wait(60 * minute)).toMatchObject({ waitSeconds: 240 });
    expect(wait(5 * 60 * minute)).toMatchObject({ waitSeconds: 900 });
    const trial = next({ state: 'waiting', faultsSince: 0 }, { now: minute });
    expect(trial).toEqual({ state: 'uploading', round: 4, idleRounds: 2, faultsSince: 0, trial: true });
    const arrived = next({ faultsSince: 0, outcomes: outcomes('sent', 'Unavailable') }, { now: minute, left: 3 });
    expect(arrived).not.toHaveProperty('faultsSince');
  });

  it('waits for longer than a day if the stack says so, in steps that grow with the time', () => {
    const faults = { faultsSince: 0, outcomes: outcomes('Unavailable') };
    expect(next(faults, { now: 7 * day, giveUpAfterSeconds: 8 * 24 * 3600 })).toMatchObject({ waitSeconds: 7 * 900 });
  });

  it('gives up after too many rounds, too many idle ones, or a day of nothing but faults of the surroundings', () => {
    const stuck = (message: RegExp) =>
      expect.objectContaining({ name: 'UploadStuck', message: expect.stringMatching(message) });
    const failing = (run: () => unknown): unknown => {
      try {
        return run();
      } catch (error) {
        return error;
      }
    };
    const idle = { idleRounds: maxIdleRounds, outcomes: outcomes('left', 'left') };
    expect(failing(() => next(idle))).toEqual(
      stuck(/^it: 4 of 4 parts are missing .* 9 of them without .*\(left: 2\)/),
    );
    expect(failing(() => next({ round: maxUploadRounds }))).toEqual(stuck(new RegExp(`${maxUploadRounds + 1} rounds`)));
    const faults = { faultsSince: 0, outcomes: outcomes('Unavailable', 'Throttled') };
    expect(next(faults, { now: day - 1 })).toMatchObject({ state: 'waiting' });
    expect(failing(() => next(faults, { now: day }))).toEqual(
      stuck(/after 1.0 days, the last 24.0 hours of them failing, .*\(Unavailable: 1, Throttled: 1\)/),
    );
  });
});
