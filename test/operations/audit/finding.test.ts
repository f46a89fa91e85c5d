import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { findingKinds } from '../../../operations/audit/finding.ts';

it('each kind of finding is explained in the runbook, as what it is', () => {
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
