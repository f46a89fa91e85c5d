import { join } from 'node:path';
import { LocalPipeline } from '../../local/run/local-pipeline.ts';
import { localTask } from '../../local/run/main-job.ts';
import { Runs } from '../../local/run/runs.ts';
import { localNames } from '../../local/run/settings.ts';
import { synthesize, writeConfiguration } from '../../local/run/synthesize.ts';

/**
 * One run over a data directory in which every part takes a while. It reports each part on standard output, so that
 * a test can end it at any part.
 * Arguments: the data directory, the large-object threshold and the part size in bytes, milliseconds a part.
 */
const [dataDirectory = '', threshold, partSize, delay] = process.argv.slice(2);
const configuration = writeConfiguration(dataDirectory, [
  localTask({ threshold: Number(threshold), partSize: Number(partSize) }),
]);
const ferry = await LocalPipeline.open({
  dataDirectory,
  configuration,
  port: 0,
  fault: ({ operation, bucket }) =>
    operation === 'UploadPart' && bucket === localNames.destinationBucket
      ? { kind: 'delay', milliseconds: Number(delay) }
      : undefined,
  onRequest: ({ operation, bucket, status, partNumber, bytesIn }) => {
    if (bucket !== localNames.destinationBucket || status !== 200) return;
    if (operation === 'UploadPart') process.stdout.write(`part ${partNumber ?? 0} of ${bytesIn} bytes\n`);
    if (operation === 'CompleteMultipartUpload') process.stdout.write('completed\n');
  },
});
const assembly = join(dataDirectory, 'cdk.out');
await synthesize(configuration, assembly);
const runs = new Runs(await ferry.deploy(assembly));
process.stdout.write('syncing\n');
await runs.sync(localNames.task);
await runs.waitUntilIdle();
process.stdout.write('settled\n');
runs.close();
await ferry.close();
