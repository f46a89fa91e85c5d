import { expect, test } from '@jest/globals';
import type { AuditResult } from '../../../operations/audit/audit-task.ts';
import { Report } from '../../../operations/audit/report.ts';

const result: AuditResult = {
  compared: { listed: 9, listedAtDestination: 8, excluded: 1, same: 2, kept: 3, complete: true },
  queue: undefined,
  failures: 4,
  incomplete: 6,
  uploads: 5,
};
const hostile = 'a\u001b[2J\n"\u202e\u{fffe}😀';

function reportTo(lines: string[], more: { json?: boolean; limit?: number } = {}): Report {
  const options = { task: 'mine', stack: 'Stack', json: false, limit: 2, depth: 'off' as const, ...more };
  return new Report({ ...options, write: (line) => lines.push(line) });
}

test('a report says what was seen, what it means and what to do, and escapes keys and reasons', () => {
  const lines: string[] = [];
  const report = reportTo(lines);
  report.found({ kind: 'failed', key: hostile, seen: `failed: ${hostile}` });
  expect(lines).toEqual([
    'DIFFERENCE failed "a\\u001b[2J\\n\\"\\u202e\\ufffe😀"',
    '  seen:  failed: a\\u001b[2J\\u000a"\\u202e\\ufffe😀',
    expect.stringMatching(/^ {2}means: The last job/),
    expect.stringMatching(/^ {2}do: {4}.*npm run redrive -- --stack Stack --task mine.*\{"task": "mine"\}/),
  ]);
});

test('a report writes findings of a kind up to the limit, and counts all', () => {
  const lines: string[] = [];
  const report = reportTo(lines);
  for (let index = 0; index < 5; index++) report.found({ kind: 'missing', key: `k${index}`, seen: 's' });
  report.found({ kind: 'cured', key: 'c', seen: 's' });
  expect(lines.filter((line) => line.startsWith('DIFFERENCE'))).toEqual([
    'DIFFERENCE missing "k0"',
    'DIFFERENCE missing "k1"',
  ]);
  expect(lines).toContain('info cured "c"');
  expect(lines.filter((line) => line.includes('only counted'))).toHaveLength(1);
  expect(report.differences).toBe(5);
  report.end(result, 1);
  expect(lines).toEqual(expect.arrayContaining(['  missing: 5', '  cured: 1', 'There are differences.']));
  expect(lines.join('\n')).toMatch(/ledger 4 failures, 6 copies that lack something; .*queue unknown waiting/);
});

test('a JSON report writes one ASCII line per finding, and a summary as the last line', () => {
  const lines: string[] = [];
  const report = reportTo(lines, { json: true, limit: 0 });
  report.found({ kind: 'missing', key: hostile, seen: 's' });
  report.end(result, 1.5);
  for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]+$/);
  const [finding, summary] = lines.map((line) => JSON.parse(line) as object);
  expect(finding).toMatchObject({ kind: 'missing', severity: 'difference', key: hostile, seen: 's' });
  expect(summary).toMatchObject({
    kind: 'summary',
    differences: 1,
    information: 0,
    kinds: { missing: 1 },
    ...{ failures: 4, incomplete: 6 },
  });
});

test('a report counts a finding once if the comparison restarts', () => {
  const report = reportTo([]);
  report.found({ kind: 'missing', key: 'k', seen: 's' });
  report.restarted();
  report.found({ kind: 'missing', key: 'k', seen: 's' });
  expect(report.differences).toBe(1);
});
