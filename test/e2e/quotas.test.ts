import { describe, expect, it } from '@jest/globals';
import { Quotas, quotaValues, type QuotaSettings } from '../../emulator/aws/index.ts';
import { localNames } from '../../local/run/settings.ts';
import { KiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { Pipeline, type PipelineSettings, type Wanted } from '../../trials/support/pipeline.ts';
import { bytesOf, noAttributes } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { comeBackSoon, putObjects, taskOf } from './throttled.ts';

/** Accounts that are too small for the work: it takes longer, and nothing is buried. */

/** The tests look more often than an account allows. */
const looks = {
  describeExecutionBucket: 10_000,
  describeExecutionRate: 10_000,
  listExecutionsBucket: 10_000,
  listExecutionsRate: 10_000,
};
/** Objects over this size are uploaded by an execution. */
const largeObjectThreshold = 64 * KiB;

function openWith(
  consumer: 'lambda' | 'ec2',
  values: NonNullable<QuotaSettings['values']>,
  settings: PipelineSettings,
): Promise<Pipeline> {
  const quotas = new Quotas(quotaValues({ class: 'other-regions', values: { ...looks, ...values } }));
  return Pipeline.open(consumer, { ...settings, quotas });
}

/** Requests that were refused because of a quota. */
function refused({ aws }: Pipeline, ...names: readonly string[]): Record<string, number> {
  const uses = aws.quotas();
  const count = (name: string): number =>
    uses.filter(({ quota }) => quota === name).reduce((sum, use) => sum + use.refused, 0);
  return Object.fromEntries(names.map((name) => [name, count(name)]));
}

async function expectAllDone(pipeline: Pipeline, wanted: Wanted): Promise<void> {
  await pipeline.runs.waitUntilIdle();
  expect(await pipeline.letters()).toEqual([]);
  expect(await pipeline.check(wanted)).toEqual({ lost: 0, wrong: 0 });
}

describe('an account', () => {
  it('whose StartExecution is throttled starts an execution for every large object', async () => {
    const pipeline = await openWith(
      'lambda',
      { startExecutionBucket: 3, startExecutionRate: 1, openExecutions: 2 },
      { tasks: [taskOf('many', { largeObjectThreshold })] },
    );
    try {
      pipeline.fault = comeBackSoon;
      const wanted = await putObjects(pipeline, 'many', Array<number>(24).fill(largeObjectThreshold + 1));
      await pipeline.runs.sync('many');
      await expectAllDone(pipeline, wanted);
      expect(await pipeline.runs.uploads('SUCCEEDED')).toBe(wanted.size);
      expect(await pipeline.runs.uploads('FAILED')).toBe(0);
      const { startExecutionRate, openExecutions } = refused(pipeline, 'startExecutionRate', 'openExecutions');
      expect(startExecutionRate).toBeGreaterThan(0);
      expect(openExecutions).toBeGreaterThan(0);
    } finally {
      await pipeline.close();
    }
  }, 300_000);

  it('with three calls at once does all work, and events still arrive', async () => {
    const pipeline = await openWith(
      'lambda',
      { lambdaConcurrency: 3 },
      {
        tasks: [taskOf('bulk', { largeObjectThreshold }), taskOf('live', { events: 'create' })],
        deployment: { concurrency: { 'copy-objects': 4, 'find-objects': 2, 'upload-parts': 2 }, machineWaitSeconds: 1 },
      },
    );
    try {
      pipeline.fault = comeBackSoon;
      const sizes = Array.from({ length: 90 }, (_, index) => (index % 15 === 0 ? 100 : 10) * KiB);
      const wanted = await putObjects(pipeline, 'bulk', sizes);
      const run = pipeline.runs.sync('bulk');
      await until(() => pipeline.requests.some(({ operation }) => operation === 'CompleteMultipartUpload'));
      const put = Date.now();
      const data = bytesOf(1000);
      await pipeline.source.put(objectKey('live/new'), { data, size: data.length }, noAttributes);
      await until(async () => (await pipeline.read('live/new'))?.equals(data));
      expect(Date.now() - put).toBeLessThan(60_000);
      await run;
      await expectAllDone(pipeline, wanted);
      expect(await pipeline.runs.uploads('FAILED')).toBe(0);
      const { lambdaConcurrency } = refused(pipeline, 'lambdaConcurrency');
      expect(lambdaConcurrency).toBeGreaterThan(0);
    } finally {
      await pipeline.close();
    }
  }, 300_000);

  it.each(['lambda', 'ec2'] as const)(
    'whose stores and tables are slowed down buries nothing: %s',
    async (consumer) => {
      const slow = { s3Writes: 8, s3Reads: 30, dynamodbPartitions: 1, dynamodbWrites: 8, dynamodbReads: 8, ssmRate: 2 };
      const pipeline = await openWith(consumer, slow, {
        tasks: [taskOf('slow')],
        worker: { PROCESSES: '1', OBJECTS_AT_ONCE: '8', VISIBILITY_SECONDS: '30' },
        deployment: { machineWaitSeconds: 1 },
      });
      try {
        pipeline.fault = comeBackSoon;
        const wanted = await putObjects(pipeline, 'slow', Array<number>(60).fill(5 * KiB));
        await pipeline.runs.sync('slow');
        await expectAllDone(pipeline, wanted);
        const destination = pipeline.requests.filter(({ bucket }) => bucket === localNames.destinationBucket);
        expect(destination.filter(({ status }) => status === 503)).not.toEqual([]);
        expect(refused(pipeline, 'dynamodbWrites')['dynamodbWrites']).toBeGreaterThan(0);
      } finally {
        await pipeline.close();
      }
    },
    300_000,
  );
});
