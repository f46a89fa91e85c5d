import { allTasks, unknownTask, workerItself } from '../../shared/model/job.ts';
import {
  metricDimensions,
  metricsNamespaceOf,
  metricTable,
  workerService,
  type MetricDefinition,
} from '../../shared/model/metrics.ts';

/** docs/metrics.md: the table of shared/model/metrics.ts, as a page. */
export function metricsPage(): string {
  const definitions: readonly [string, MetricDefinition][] = Object.entries(metricTable);
  const rows = definitions.map(([name, { unit, standIn, graph, alarm, meaning }]) => {
    const cells = [
      `\`${name}\``,
      unit,
      meaning,
      standIn === undefined ? '' : `\`${standIn}\``,
      graph,
      alarm === undefined ? '' : `[${alarm}](runbook.md#${alarm.toLowerCase().replaceAll(' ', '-')})`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [introduction, '', heading, ...rows, ''].join('\n');
}

const namespace = metricsNamespaceOf('<stack>');
const dimensions = metricDimensions.map((name) => `\`${name}\``).join(' and ');

const introduction = `<!-- made by "npm run schema" from shared/model/metrics.ts -->

# Metrics

What S3 Ferry writes to CloudWatch, in the namespace \`${namespace}\`, with the dimensions ${dimensions}.
The code that does the work counts it, once per outcome; nothing is scraped from logs. The stack's dashboard shows every
metric, in the graph that the table names.

- \`service\` is the function that did the work, or \`${workerService}\` for the EC2 workers.
- \`task\` is the name of the task. If the table has a stand-in, \`task\` may be that instead: \`${unknownTask}\`
  for a message or input that names no task, \`${allTasks}\` for the sum over all tasks, \`${workerItself}\`
  for a worker as such.
`;

const heading = `| metric | unit | meaning | stand-in for the task | graph | alarm |
| --- | --- | --- | --- | --- | --- |`;
