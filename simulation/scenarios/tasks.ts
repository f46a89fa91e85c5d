import { dynamoQuotas } from '../aws/quotas.ts';
import { synthesizeStack } from '../code/template.ts';
import type { TaskPlan } from '../code/world.ts';
import { Pipeline } from './pipeline.ts';
import { duration, none, type Report, type RunOptions, type Scenario } from './scenario.ts';

const taskCount = 30;
const objectsEach = 100_000;
const refused = 'task-00';

/** Runs all tasks at once. @returns the pipeline, and when the last of the good tasks was done */
async function runTasks(hasRefused: boolean, { seed }: RunOptions): Promise<{ pipeline: Pipeline; seconds: number }> {
  const names = Array.from({ length: taskCount }, (_, index) => `task-${String(index).padStart(2, '0')}`);
  const tasks = names
    .filter((name) => hasRefused || name !== refused)
    .map((name): TaskPlan => ({
      name,
      landscape: { root: `${name}/`, objects: objectsEach, prefixes: 1, weight: 200, size: 10_000 },
    }));
  const pipeline = new Pipeline({
    seed,
    stack: synthesizeStack({ copyConcurrency: 600 }),
    maxWidth: 10,
    warmWrites: dynamoQuotas.tableUnitsPerSecond,
    source: { partitions: taskCount },
    destination: { partitions: taskCount },
    tasks,
  });
  const { world } = pipeline;
  if (hasRefused) world.destination.refusedTasks.add(refused);
  // The plan of a run would meet the refused key; here it is refused once jobs are under way.
  for (const { name } of tasks) pipeline.sendAll(name);
  const good = [...world.tasks].filter(([name]) => name !== refused).map(([, { destination }]) => destination.held);
  let seconds = 0;
  await pipeline.until(() => {
    if (seconds === 0 && good.every(({ missing }) => missing === 0)) seconds = pipeline.seconds;
    return seconds > 0 && pipeline.seconds >= seconds + 1200;
  });
  return { pipeline, seconds };
}

export const tasks: Scenario = {
  name: 'tasks',
  title: '30 tasks, one with a refused key',
  run: async (options): Promise<Report[]> => {
    const alone = await runTasks(false, options);
    const together = await runTasks(true, options);
    const { world } = together.pipeline;
    const missing = [...world.tasks].reduce(
      (sum, [name, { destination }]) => sum + (name === refused ? 0 : destination.held.missing),
      0,
    );
    const slower = together.seconds / alone.seconds - 1;
    const refusals = world.faults.get('CredentialsRefused, postponed') ?? 0;
    return [
      together.pipeline.report({
        scenario: 'tasks',
        variant: `${taskCount} tasks of ${objectsEach.toLocaleString('en-US')} objects`,
        seconds: together.seconds,
        boundSeconds: alone.seconds,
        bound: `the other ${taskCount - 1} tasks alone (${duration(alone.seconds)})`,
        findings: [
          none('objects of other tasks missing', missing),
          none('dead letters', world.buried),
          {
            what: 'the others, compared with alone',
            must: 'at most 2% slower',
            found: `${(slower * 100).toFixed(1)}% slower`,
            isMet: slower <= 0.02,
          },
          {
            what: 'breakers that opened, each an alarm',
            must: '1',
            found: String(world.sides.opened),
            isMet: world.sides.opened === 1,
          },
        ],
        notes: [
          `requests that met the refused key: ${refusals.toLocaleString('en-US')}, in ${duration(together.pipeline.seconds)}`,
        ],
      }),
    ];
  },
};
