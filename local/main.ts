import { join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { Fault } from '../shared/model/faults.ts';
import { createCommand, exitCodesHelp, runCommand } from '../operations/command.ts';
import { LocalPipeline } from './run/local-pipeline.ts';
import { usageLines } from '../emulator/aws/index.ts';
import { openLog } from './run/log.ts';
import { localTask } from './run/main-job.ts';
import { quotasOption } from './run/quotas.ts';
import { checkPort, localNames, portOption, projectDirectory, sizesOf, writableDirectory } from './run/settings.ts';
import { synthesize, writeConfiguration } from './run/synthesize.ts';
import { LocalWorker } from './run/workers.ts';

/** `npm run local`: keeps the local endpoint running for the AWS command line, rclone and other tools. */

interface Options {
  port: string;
  config?: string;
  data: string;
  quotas?: string;
}

const command = createCommand(
  'npm run local --',
  'Keeps the whole pipeline running on one port of loopback: S3, SQS, DynamoDB, Step Functions and SSM, with the\n' +
    'stack deployed. Prints the variables that point the AWS tools at it, then "ready". Ctrl-C stops it.',
)
  .option('--port <number>', 'port of the endpoint; 0 takes any free port', '4566')
  .option(
    '--config <file>',
    'task configuration (default: one task, bucket "source" to bucket "destination", with events)',
  )
  .option('--data <dir>', 'directory of the buckets and the ledger', join(projectDirectory, '.s3-ferry'))
  .option('--quotas <file>', 'the quotas of an AWS account, which the endpoint then enforces (emulator/README.md)')
  .addHelpText('after', exitCodesHelp('it was stopped', 'it could not start'));

await runCommand(command, async () => {
  const options = command.opts<Options>();
  const port = portOption(options.port);
  if (options.config !== undefined && !existsSync(options.config)) {
    throw new Fault(
      'InvalidInput',
      `--config: found "${options.config}", which does not exist; expected a task configuration`,
    );
  }
  await checkPort(port);
  const quotas = quotasOption(options.quotas);
  const dataDirectory = writableDirectory('--data', options.data);
  const { threshold, partSize } = sizesOf({ largeThreshold: '32MiB', partSize: '16MiB' });
  const configuration =
    options.config === undefined
      ? writeConfiguration(dataDirectory, [localTask({ threshold, partSize })])
      : resolve(options.config);
  const assembly = join(dataDirectory, 'cdk.out');
  const log = openLog(join(dataDirectory, 'functions.log'));
  const stopped = new Promise<NodeJS.Signals>((done) => {
    process.once('SIGINT', done);
    process.once('SIGTERM', done);
  });
  const note = (line: string): void => void process.stderr.write(`${line}\n`);
  const settings = { dataDirectory, configuration, port, quotas };
  const pipeline = await LocalPipeline.open({ ...settings, onLog: log.write, onNote: note });
  let worker: LocalWorker | undefined;
  try {
    await synthesize(configuration, assembly);
    const aws = await pipeline.deploy(assembly);
    if (pipeline.workerMode !== 'lambda') worker = new LocalWorker(aws, assembly, {}, log.write);
    const { accessKeyId, secretAccessKey } = localNames.credentials;
    process.stdout.write(
      [
        `export AWS_ENDPOINT_URL=${aws.endpoint}`,
        `export AWS_ACCESS_KEY_ID=${accessKeyId}`,
        `export AWS_SECRET_ACCESS_KEY=${secretAccessKey}`,
        `export AWS_REGION=${aws.region}`,
        `export AWS_DEFAULT_REGION=${aws.region}`,
        'ready',
        '',
      ].join('\n'),
    );
    note(
      `buckets: ${pipeline.buckets.join(', ')}; ` +
        `the functions write to ${join(dataDirectory, 'functions.log')}; Ctrl-C stops`,
    );
    if (quotas) note(`quotas are enforced; how far each was used: ${aws.endpoint}/_quotas`);
    await stopped;
    for (const line of usageLines(aws.quotas())) note(line);
    return 0;
  } finally {
    await worker?.stop();
    await pipeline.close();
    await log.close();
  }
});
