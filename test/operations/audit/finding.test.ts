import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { findingKinds } from '../../../operations/audit/finding.ts';

test('the runbook explains each kind of finding, in the table of its severity', () => {
  const [, audit = ''] = readFileSync('docs/runbook.md', 'utf8').split('\n## Audit\n');
  const [differences = '', information = ''] = audit.split('\nInformation, ');
  const rows = (text: string): string[] => [...text.matchAll(/^\| `([a-z-]+)`/gm)].map(([, kind = '']) => kind).sort();
  const kinds = (severity: string): string[] =>
    Object.entries(findingKinds)
      .filter(([, kind]) => kind.severity === severity)
      .map(([name]) => name)
      .sort();
  expect(rows(differences)).toEqual(kinds('difference'));
  expect(rows(information)).toEqual(kinds('information'));
});
