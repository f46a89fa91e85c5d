import { writeFileSync } from 'node:fs';
import { Fault } from '../shared/model/faults.ts';
import { createCommand, exitCodesHelp, parseCount, runCommand } from '../operations/command.ts';
import { boundsList, costsTable, findingsTable, peaksTable, runsTable } from './report/tables.ts';
import { events } from './scenarios/events.ts';
import { hourly, hourlyBefore } from './scenarios/hourly.ts';
import { manyLarge, manyLargeBefore } from './scenarios/many-large.ts';
import { outage, outageBefore } from './scenarios/outage.ts';
import { oneObject } from './scenarios/one-object.ts';
import { petabyte } from './scenarios/petabyte.ts';
import { billion, hundredMillion } from './scenarios/small.ts';
import { tasks } from './scenarios/tasks.ts';
import type { Report, Scenario } from './scenarios/scenario.ts';

/**
 * `npm run simulate`: runs at internet scale in virtual time. The code that decides is the real one; AWS is modelled.
 * docs/scale.md says what is which, and has the tables that this prints.
 */

const scenarios: readonly Scenario[] = [
  outage,
  manyLarge,
  hourly,
  billion,
  hundredMillion,
  petabyte,
  oneObject,
  tasks,
  events,
];
/** Not part of a whole run: how the code fared before it was changed. */
const others: readonly Scenario[] = [outageBefore, manyLargeBefore, hourlyBefore];

interface Options {
  seed: number;
  json?: string;
}

const names = [...scenarios, ...others].map(({ name }) => name);
const command = createCommand('npm run simulate --', 'Simulates runs at scale in virtual time.')
  .argument('[scenario...]', `which to run, by default ${scenarios.map(({ name }) => name).join(', ')}`)
  .option('--seed <number>', 'latencies and jitter are drawn from it', parseCount, 1)
  .option('--json <file>', 'also write the reports to a file')
  .addHelpText('after', exitCodesHelp('each run is as it must be', 'one is not'));

await runCommand(command, async () => {
  const { seed, json } = command.opts<Options>();
  const wanted = chosen(command.args);
  const reports: Report[] = [];
  for (const { name, title, run } of wanted) {
    process.stderr.write(`${name}: ${title}\n`);
    reports.push(...(await run({ seed })));
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(reports, null, 2)}\n`);
  const tables = [
    findingsTable(reports),
    runsTable(reports),
    boundsList(reports),
    costsTable(reports),
    peaksTable(reports),
  ];
  process.stdout.write(tables.join('\n'));
  return reports.every(({ findings }) => findings.every(({ isMet }) => isMet)) ? 0 : 1;
});

function chosen(wanted: readonly string[]): readonly Scenario[] {
  if (wanted.length === 0) return scenarios;
  return wanted.map((name) => {
    const scenario = [...scenarios, ...others].find((one) => one.name === name);
    if (!scenario) throw new Fault('InvalidInput', `no scenario ${name}; there are ${names.join(', ')}`);
    return scenario;
  });
}
