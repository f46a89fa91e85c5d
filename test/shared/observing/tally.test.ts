import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { lossKinds, type Loss } from '../../../shared/model/losses.ts';
import { lossMetric } from '../../../shared/model/metrics.ts';
import { Tally } from '../../../shared/observing/tally.ts';

const outputs = [jest.spyOn(process.stdout, 'write'), jest.spyOn(process.stderr, 'write')];
let written: string[] = [];
for (const output of outputs) {
  output.mockImplementation((text) => {
    written.push(...String(text).split('\n'));
    return true;
  });
}
afterAll(() => outputs.forEach((output) => output.mockRestore()));

/** The JSON lines that `work` writes. */
function linesOf(work: () => void): Record<string, unknown>[] {
  written = [];
  work();
  return written.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
}

const loss = (kind: Loss['kind']): Loss => ({ kind, store: 'bucket at store.invalid', reason: 'the reason' });

describe('the losses of copies', () => {
  it('are counted per copy and kind, and logged once per task, kind and process, without the key', () => {
    const lines = linesOf(() => {
      for (let invocation = 1; invocation <= 2; invocation++) {
        const tally = new Tally();
        for (const task of ['one', 'two']) {
          const end = tally.progress(task);
          const outcome = { task, key: 'secret', route: 'put', bytes: 1, reason: 'r' } as const;
          end({ type: 'finished', outcome: { ...outcome, lost: [loss('tags'), loss('headers')] } });
          end({ type: 'finished', outcome: { ...outcome, lost: [loss('tags')] } });
          end({ type: 'finished', outcome });
        }
        tally.publish();
      }
    });
    const warnings = lines.filter(({ level }) => level === 'WARN');
    expect(warnings.map(({ task, lost, store, reason }) => [task, lost, store, reason])).toEqual([
      ['one', 'tags', 'bucket at store.invalid', 'the reason'],
      ['one', 'headers', 'bucket at store.invalid', 'the reason'],
      ['two', 'tags', 'bucket at store.invalid', 'the reason'],
      ['two', 'headers', 'bucket at store.invalid', 'the reason'],
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
    const counted = lines.filter((line) => '_aws' in line);
    expect(counted).toHaveLength(4);
    for (const line of counted) expect(line).toMatchObject({ AttributesDropped: 2, TagsLost: 2, HeadersLost: 1 });
  });

  it('have a metric for each kind', () => {
    expect(new Set(lossKinds.map(lossMetric)).size).toBe(lossKinds.length);
  });
});
