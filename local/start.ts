import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createCommand, exitCodesHelp, runCommand } from '../operations/command.ts';
import { runMainJob } from './run/main-job.ts';
import { isGood, summary } from './run/report.ts';
import { existingDirectory, portOption, sizesOf, workerModeOption, writableDirectory } from './run/settings.ts';

/**
 * `local/` runs the deployed system on one machine: the bundled handlers, the synthesized state machines and real AWS
 * clients, against the emulator on loopback. It has two commands: `npm start` (this file) moves real files once and
 * verifies them; `npm run local` (main.ts) keeps the endpoint running.
 */

interface Options {
  from?: string;
  largeThreshold: string;
  partSize: string;
  workerMode: string;
  port: string;
  data?: string;
  report?: string;
  json?: true;
}

const command = createCommand(
  'npm start --',
  'Moves real files from a source bucket to a destination bucket on this machine: the deployed handlers and state\n' +
    'machines, real AWS clients, one endpoint on loopback. Verifies every object, and leaves nothing behind.',
)
  .option(
    '--from <dir>',
    "directory whose files are moved (default: 5,000 of this project's files in node_modules, and Node's own program)",
  )
  .option('--large-threshold <size>', 'objects over this size are uploaded by the state machine', '32MiB')
  .option('--part-size <size>', 'part size, if the source object was not uploaded in parts', '16MiB')
  .option(
    '--worker-mode <mode>',
    'which consumers receive jobs: lambda, ec2 (the worker of the pool), or both',
    'lambda',
  )
  .option('--data <dir>', 'keep the buckets and the ledger here, and resume from here (default: a temporary directory)')
  .option('--port <number>', 'port of the endpoint; 0 takes any free port', '0')
  .option('--report <file>', 'write the report to this file, as JSON')
  .option('--json', 'write the report to standard output, as JSON; progress goes to standard error')
  .addHelpText('after', exitCodesHelp('every object arrived unchanged', 'an object is missing or wrong'));

await runCommand(command, async () => {
  const options = command.opts<Options>();
  const sizes = sizesOf(options);
  const workerMode = workerModeOption(options.workerMode);
  const from = options.from === undefined ? undefined : existingDirectory('--from', options.from);
  const port = portOption(options.port);
  const reportFile = options.report === undefined ? undefined : resolve(options.report);
  if (reportFile !== undefined) existingDirectory('--report', dirname(reportFile));
  const keptDirectory = options.data === undefined ? undefined : writableDirectory('--data', options.data);
  const dataDirectory = keptDirectory ?? mkdtempSync(join(tmpdir(), 's3-ferry-'));
  const out = options.json ? process.stderr : process.stdout;
  const removeTemporary = (): void => {
    if (keptDirectory === undefined) rmSync(dataDirectory, { recursive: true, force: true });
  };
  const interrupted = (signal: NodeJS.Signals): void => {
    removeTemporary();
    out.write(`\nstopped by ${signal}${keptDirectory === undefined ? '' : `; the same --data resumes`}\n`);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const report = await runMainJob({ from, dataDirectory, ...sizes, workerMode, port, out });
    const text = `${JSON.stringify(report, null, 2)}\n`;
    if (reportFile !== undefined) writeFileSync(reportFile, text);
    if (options.json) process.stdout.write(text);
    else process.stdout.write(`${summary(report).join('\n')}\n`);
    return isGood(report) ? 0 : 1;
  } finally {
    removeTemporary();
  }
});
