import { describe, expect, it } from '@jest/globals';
import { personalities } from '../../../../emulator/s3/personalities/index.ts';
import type { Personality, Rule } from '../../../../emulator/s3/personalities/personality.ts';
import { storeNames, traitsOf, type ConditionalCall, type StoreName } from '../../../../shared/model/stores/stores.ts';

/**
 * What the core believes of a store, and what the emulator's personality of the same name does, agree. A careful value
 * (`unknown`, `maybe`, nothing) agrees with everything.
 */

type Operation = Exclude<keyof Personality['requests']['lacks'], undefined>;

const operations: Readonly<Record<ConditionalCall, Operation>> = {
  put: 'PutObject',
  complete: 'CompleteMultipartUpload',
  copy: 'CopyObject',
  delete: 'DeleteObject',
};

function isNamed(rule: Rule, header: string, operation: Operation): boolean {
  const named = rule.names.some((name) =>
    name.endsWith('*') ? header.startsWith(name.slice(0, -1)) : header === name,
  );
  return named && (rule.on?.includes(operation) ?? true);
}

/** Does the personality act on a header? It may not know it, or refuse the request. */
function heeds({ requests }: Personality, header: string, operation: Operation): boolean {
  const { lacks, ignoredHeaders, refusedHeaders } = requests;
  const others = [...ignoredHeaders, ...refusedHeaders.filter(({ value }) => value === undefined)];
  return !lacks[operation] && !others.some((rule) => isNamed(rule, header, operation));
}

function refusesTrailers({ requests }: Personality): boolean {
  const value = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  return requests.refusedHeaders.some(
    (rule) => isNamed(rule, 'x-amz-content-sha256', 'PutObject') && (rule.value?.test(value) ?? true),
  );
}

const pairs = Object.entries(personalities)
  .filter(([name]) => name !== 'hostile')
  .map(([name, personality]): [StoreName, Personality] => [name as StoreName, personality]);

describe.each(pairs)('%s: the traits and the personality agree about', (store, personality) => {
  const traits = traitsOf({ store });

  it('ETags', () => {
    const { whole, parts } = personality.etags;
    expect(['maybe', whole === 'md5' ? 'md5' : 'other']).toContain(traits.putEtag.is);
    expect(['maybe', parts === 'md5-of-md5s' ? 's3' : 'other']).toContain(traits.multipartEtag.is);
  });

  it('tags', () => {
    const has = !personality.requests.lacks.GetObjectTagging;
    expect(['unknown', has ? 'yes' : 'no']).toContain(traits.tags.is);
    expect(['unknown', has && personality.tags.count ? 'yes' : 'no']).toContain(traits.tagCount.is);
  });

  it('checksums of whole objects', () => {
    for (const algorithm of traits.checksums.is) {
      const header = `x-amz-checksum-${algorithm.toLowerCase()}`;
      expect(personality.uploads.fullObjectChecksums).toContain(algorithm);
      expect([header, heeds(personality, header, 'PutObject')]).toEqual([header, true]);
    }
    expect(['unknown', refusesTrailers(personality) ? 'no' : 'yes']).toContain(traits.awsChunked.is);
  });

  it('copies inside the store, and what they are pinned to', () => {
    const compares = (operation: Operation): string =>
      heeds(personality, 'x-amz-copy-source-if-match', operation) ? 'yes' : 'no';
    expect(['unknown', compares('CopyObject')]).toContain(traits.copies.is);
    expect(['unknown', compares('UploadPartCopy')]).toContain(traits.partCopies.is);
  });

  it('listings', () => {
    expect(['unknown', personality.listings.secondVersion ? 2 : 1]).toContain(traits.listVersion.is);
  });

  it('writes that name what they replace', () => {
    for (const [call, conditions] of Object.entries(traits.conditionalWrites.is)) {
      const operation = operations[call as ConditionalCall];
      for (const condition of conditions) {
        const header = condition.replace(/:.*/, '').toLowerCase();
        expect([call, header, heeds(personality, header, operation)]).toEqual([call, header, true]);
      }
    }
  });
});

it('each store with a name has a personality', () => {
  const names = pairs.map(([name]) => name);
  expect([...names, 's3-compatible'].sort()).toEqual([...storeNames].sort());
});
