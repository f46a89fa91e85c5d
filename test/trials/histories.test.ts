import { describe, expect, it } from '@jest/globals';
import { runHistory } from '../../trials/histories/history.ts';

/** Histories of a run: S3_FERRY_HISTORIES=20000 for a long one; S3_FERRY_SEED=n S3_FERRY_HISTORIES=1 replays one, told. */
const histories = Number(process.env['S3_FERRY_HISTORIES'] ?? 1000);
const first = Number(process.env['S3_FERRY_SEED'] ?? 1);

describe('random histories against the model', () => {
  it(`${histories} histories from seed ${first}: whole versions only, and the destination ends as the source is`, async () => {
    const failed: string[] = [];
    let [calls, killed, buried] = [0, 0, 0];
    for (let seed = first; seed < first + histories && failed.length < 5; seed++) {
      const history = await runHistory(seed, histories === 1 ? (line) => process.stdout.write(`${line}\n`) : undefined);
      calls += history.calls;
      killed += history.killed;
      buried += history.buried;
      if (history.violations.length > 0)
        failed.push(`seed ${seed} ${JSON.stringify(history.traits)}: ${history.violations.join('; ')}`);
    }
    expect(failed).toEqual([]);
    // The storm was one: processes died, messages were buried.
    if (histories >= 100) expect(Math.min(calls, killed, buried)).toBeGreaterThan(0);
  }, 3_600_000);
});
