import { describe, expect, it } from '@jest/globals';
import { Pipeline, pipelineRoutes, type PipelineRoute } from '../../trials/support/pipeline.ts';
import { moveThroughPipeline } from '../../trials/faults/move-through-pipeline.ts';
import { pipelineFaults } from '../../trials/faults/pipeline-faults.ts';

/** All faults at once, through the deployed pipeline; `npm run test:faults` tries one after the other. */
describe('faults of services', () => {
  it.each(['lambda', 'ec2'] as const)(
    'lose and damage no object if the consumer is %s',
    async (consumer) => {
      const routes = pipelineRoutes.filter((route) => consumer === 'lambda' || route !== 'execution');
      const kinds = pipelineFaults.filter((kind) => kind.consumer === consumer);
      const pipeline = await Pipeline.open(consumer);
      try {
        const count = (route: PipelineRoute): number => (route === 'put' || route === 'events' ? 6 : 2);
        const result = await moveThroughPipeline(pipeline, { kinds, routes, count, seed: 1, rate: 0.02 });
        expect(result.routes.map(({ route, lost, wrong }) => ({ route, lost, wrong }))).toEqual(
          routes.map((route) => ({ route, lost: 0, wrong: 0 })),
        );
        expect(await pipeline.letters()).toEqual([]);
        expect(kinds.filter((kind) => result.injected.get(kind) === 0).map(({ name }) => name)).toEqual([]);
      } finally {
        await pipeline.close();
      }
    },
    300_000,
  );
});
