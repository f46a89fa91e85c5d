import { describe, expect, it } from '@jest/globals';
import { parseWith } from '../../../shared/model/parse.ts';
import { ledgerEntrySchema } from '../../../shared/model/ledger-entry.ts';

describe('the losses in a ledger entry', () => {
  const entry = { task: 't', key: 'k', status: 'DONE', updatedAt: 1 };

  it('may be absent, as in entries of earlier versions', () => {
    expect(parseWith(ledgerEntrySchema, entry, 'entry')).toEqual(entry);
  });

  it('are read without kinds of a later version', () => {
    const later = { ...entry, lost: ['tags', 'of a later version', 'metadata'] };
    expect(parseWith(ledgerEntrySchema, later, 'entry').lost).toEqual(['tags', 'metadata']);
  });
});
