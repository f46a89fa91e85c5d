import { expect, it } from '@jest/globals';
import { localNames } from '../../local/run/settings.ts';
import { KiB } from '../../shared/model/limits.ts';
import { Pipeline } from '../../trials/support/pipeline.ts';
import { failureOf } from '../support/failure.ts';
import { until } from '../support/until.ts';
import { putObjects, taskOf } from './throttled.ts';

/** Runs of one task that are started while one is under way. */

const { sourceBucket, destinationBucket } = localNames;

it('a second run of a task ends as superseded, and an overlapping prefix is refused; neither sends anything', async () => {
  const pipeline = await Pipeline.open('lambda', {
    tasks: [taskOf('one'), taskOf('other')],
    deployment: { machineWaitSeconds: 1 },
  });
  try {
    const wanted = await putObjects(pipeline, 'one', Array<number>(20).fill(KiB));
    // Until the gate opens, the first run is under way.
    const gate = { closed: true };
    pipeline.s3Fault = ({ operation, bucket }) =>
      gate.closed && operation === 'ListObjectsV2' && bucket === sourceBucket
        ? { kind: 'delay', milliseconds: 4000 }
        : undefined;
    const first = pipeline.runs.sync('one');
    // It is admitted before it lists.
    await until(() => pipeline.requests.some(({ key }) => key.includes('access-check')));
    const superseded = await failureOf(pipeline.runs.sync('one'));
    expect(superseded.message).toMatch(/^the run did not begin: execution \S+, a run of task one, is under way since /);
    const refusal = await failureOf(pipeline.runs.sync('one', 'one/01'));
    expect(refusal.message).toContain('TaskBusy');
    // Another task is not in the way.
    expect(await pipeline.runs.sync('other')).toMatchObject({ jobs: 0 });
    gate.closed = false;
    expect(await first).toMatchObject({ jobs: wanted.size });
    await pipeline.runs.waitUntilIdle();
    expect(await pipeline.check(wanted)).toEqual({ lost: 0, wrong: 0 });
    const puts = pipeline.requests.filter(
      ({ operation, bucket, key, status }) =>
        operation === 'PutObject' && bucket === destinationBucket && wanted.has(key) && status === 200,
    );
    expect(puts).toHaveLength(wanted.size);
    // Afterwards a run begins again.
    expect(await pipeline.runs.sync('one')).toMatchObject({ jobs: 0 });
  } finally {
    await pipeline.close();
  }
}, 300_000);
