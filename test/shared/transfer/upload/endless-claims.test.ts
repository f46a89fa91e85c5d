import { expect, test } from '@jest/globals';
import { maxRestarts } from '../../../../shared/model/limits.ts';
import type { LedgerEntry, OpenUpload } from '../../../../shared/model/ledger-entry.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { MemoryLedger } from '../../../../shared/ports/memory/ledger.ts';
import { pairOf } from '../../../../shared/transfer/object-pair.ts';
import { recordDone } from '../../../../shared/transfer/record.ts';
import { MemoryWorld } from '../../../support/memory-world.ts';
import { bytesOf } from '../../../support/objects.ts';

/** A ledger in which another caller records the next upload as soon as the last one is aborted. */
class RestlessLedger extends MemoryLedger {
  closes = 0;

  override close(entry: LedgerEntry, ended?: string): Promise<OpenUpload | undefined> {
    void super.close(entry, ended);
    if (++this.closes > 100) throw new Error('closed forever');
    return Promise.resolve({
      uploadId: `upload ${this.closes}`,
      sourceEtag: 'etag',
      attributes: 'digest',
      partSize: 5,
      sourceLayout: false,
      opaqueEtag: false,
    });
  }
}

test('closing an entry gives up when other callers keep opening uploads of the object', async () => {
  const world = new MemoryWorld();
  await world.putSource(bytesOf(10));
  const ledger = new RestlessLedger();
  const context = world.context({ ledger });
  const source = await context.source.head(objectKey('k'));
  if (!source) throw new Error('the object is not there');
  const done = { route: 'put', source, stored: { etag: 'etag', opaqueEtag: false } } as const;
  await expect(recordDone(context, pairOf(world.task, world.job()), done)).rejects.toMatchObject({
    name: 'DestinationConflict',
    message: 'destination: "k": other callers keep opening uploads of it',
  });
  expect(ledger.closes).toBe(maxRestarts + 1);
});
