import { expect, it } from '@jest/globals';
import type { Fault } from '../../emulator/s3/index.ts';
import { localNames } from '../../local/run/settings.ts';
import { KiB, MiB } from '../../shared/model/limits.ts';
import { Pipeline } from '../../trials/support/pipeline.ts';
import { until } from '../support/until.ts';
import { comeBackSoon, putObjects, repeatedParts, taskOf } from './throttled.ts';

/** One side fails every request for a while, with jobs waiting and uploads in flight. */

const small = Array.from({ length: 60 }, (_, index) => 20 * KiB + index);
const large = Array.from({ length: 4 }, (_, index) => 17 * MiB + index);

const outages: readonly { readonly side: string; readonly bucket: string; readonly fault: Fault }[] = [
  {
    side: 'source',
    bucket: localNames.sourceBucket,
    fault: { kind: 'status', status: 503, code: 'ServiceUnavailable', message: 'an outage' },
  },
  { side: 'destination', bucket: localNames.destinationBucket, fault: { kind: 'reset' } },
];
/** Failed requests, and the time, after which an outage ends: every job and every upload has failed by then. */
const outageRequests = 150;
const outageMillis = 8000;

it.each(['lambda', 'ec2'] as const)(
  'an outage of either side buries nothing, and no part is sent twice: %s',
  async (consumer) => {
    const pipeline = await Pipeline.open(consumer, {
      tasks: outages.map(({ side }) => taskOf(side, { largeObjectThreshold: 8 * MiB })),
      worker: { PROCESSES: '1', OBJECTS_AT_ONCE: '4', VISIBILITY_SECONDS: '30' },
      deployment: { concurrency: { 'copy-objects': 2, 'upload-parts': 2 }, machineWaitSeconds: 1 },
    });
    try {
      pipeline.fault = comeBackSoon;
      for (const { side, bucket, fault } of outages) {
        const wanted = await putObjects(pipeline, side, [...large, ...small]);
        pipeline.requests = [];
        // Parts and objects take a while, so that the outage finds uploads in flight and jobs in the queue.
        pipeline.s3Fault = ({ operation }) => {
          if (operation === 'UploadPart') return { kind: 'delay', milliseconds: 150 };
          return operation === 'PutObject' ? { kind: 'delay', milliseconds: 2500 } : undefined;
        };
        const run = pipeline.runs.sync(side);
        await until(() => pipeline.requests.filter(({ operation }) => operation === 'UploadPart').length >= 3);
        expect(await pipeline.runs.waiting()).toBeGreaterThan(0);

        let failed = 0;
        const began = Date.now();
        pipeline.s3Fault = (request) => (request.bucket === bucket ? (failed++, fault) : undefined);
        await until(() => failed >= outageRequests && Date.now() - began >= outageMillis);
        expect(await pipeline.runs.waiting()).toBeGreaterThan(0);
        pipeline.s3Fault = () => undefined;

        await run;
        await pipeline.runs.waitUntilIdle();
        expect(await pipeline.letters()).toEqual([]);
        expect(await pipeline.check(wanted)).toEqual({ lost: 0, wrong: 0 });
        expect(repeatedParts(pipeline)).toEqual([]);
        const aborts = pipeline.requests.filter(({ operation }) => operation === 'AbortMultipartUpload');
        expect(aborts.filter(({ key, status }) => wanted.has(key) && status === 204)).toEqual([]);
      }
    } finally {
      await pipeline.close();
    }
  },
  300_000,
);
