import { expect, it } from '@jest/globals';
import { localNames } from '../../local/run/settings.ts';
import { maxReceives } from '../../shared/model/limits.ts';
import { Pipeline, taskNameOf } from '../../trials/support/pipeline.ts';
import { Child } from '../support/child.ts';
import { until } from '../support/until.ts';

/** An object that can never be copied as things are, among others that can; then things are mended. */
it.each(['lambda', 'ec2'] as const)(
  'a poisoned object ends as a dead letter with its reason, and is copied by a redrive after the cure: %s',
  async (consumer) => {
    const pipeline = await Pipeline.open(consumer);
    const ledger = pipeline.ledger();
    try {
      const task = taskNameOf('put');
      const wanted = await pipeline.prepare('put', 'some', 12);
      const poisoned = `${task}/some/5`;
      const healthy = new Map([...wanted].filter(([key]) => key !== poisoned));
      const { cure } = pipeline.poison(poisoned);
      // A failed message comes back immediately instead of after 15 seconds and more.
      pipeline.fault = ({ operation }) =>
        operation === 'ChangeMessageVisibility' ? { kind: 'come-back', seconds: 0 } : undefined;

      await pipeline.runs.sync(task);
      await until(async () => (await pipeline.runs.deadLetters()) === 1);
      await pipeline.runs.waitUntilIdle();
      // Bounded tries: one read a delivery, and not one more afterwards.
      const reads = pipeline.requests.filter(({ operation, key }) => operation === 'GetObject' && key === poisoned);
      expect(reads.map(({ status }) => status)).toEqual(Array.from({ length: maxReceives }, () => 403));
      const reason = expect.stringMatching(/^AccessDenied: GetObject source: ".*": AccessDenied .*kms:Decrypt/);
      expect(await pipeline.letters()).toEqual([{ body: expect.stringContaining(poisoned), reason }]);
      expect(await ledger.get(task, poisoned)).toMatchObject({ status: 'FAILED', reason, attempts: maxReceives });
      // All others arrived, each once.
      expect(await pipeline.check(healthy)).toEqual({ lost: 0, wrong: 0 });
      const puts = pipeline.requests.filter(
        ({ operation, bucket, status }) =>
          operation === 'PutObject' && bucket === localNames.destinationBucket && status === 200,
      );
      expect(puts.map(({ key }) => key).sort()).toEqual([...healthy.keys()].sort());

      cure();
      const { endpoint, region } = pipeline.aws;
      const redrive = new Child('operations/redrive.ts', ['--stack', localNames.stack, '--json'], {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: localNames.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: localNames.credentials.secretAccessKey,
      });
      const { code, stdout } = await redrive.ended();
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ found: 1, sent: 1, removed: 1, reasons: { AccessDenied: 1 } });
      await pipeline.runs.waitUntilIdle();
      await until(async () => (await ledger.get(task, poisoned))?.status === 'DONE');
      expect(await pipeline.check(wanted)).toEqual({ lost: 0, wrong: 0 });
      expect(await pipeline.runs.deadLetters()).toBe(0);
      expect((await ledger.get(task, poisoned))?.reason).toBeUndefined();
    } finally {
      ledger.close();
      await pipeline.close();
    }
  },
  240_000,
);
