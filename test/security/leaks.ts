import { inspect } from 'node:util';
import { Credentials } from '../../shared/aws/credentials/credentials.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { asFault } from '../../shared/model/faults.ts';
import { reports } from '../../shared/observing/report.ts';
import { logger, Tally } from '../../shared/observing/tally.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { consumeMessage } from '../../shared/transfer/consume-message.ts';
import { planUpload } from '../../shared/transfer/steps/plan-upload.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { contextOf } from '../support/context.ts';
import { taskBetweenEndpoints } from '../support/tasks.ts';

/**
 * The child process of secrets.test.ts. For each case that its parent sends, it transfers an object between a store
 * that is honest and one that repeats what it is sent, and writes everything that it says anywhere to its output: log
 * lines, metrics, the ledger, dead letters, states, and every error down to its last cause and field. A case ends with
 * a line on both streams. Arguments: the endpoints of the honest and of the hostile store.
 */
export interface LeakCase {
  /** the kind of credentials */
  readonly kind: string;
  /** the text of the secret */
  readonly secret: string;
}

const [honest = '', hostile = ''] = process.argv.slice(2);

const credentialKinds: Readonly<Record<string, object>> = {
  ssmParameter: { ssmParameter: 'p' },
  roleArn: { roleArn: 'arn:aws:iam::123456789012:role/r' },
  secretArn: { secretArn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:s-abcdef' },
};

const side = (endpoint: string, bucket: string, more: object = {}): object => ({
  bucket,
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  ...more,
});
function everythingOf(error: unknown): string {
  const one = JSON.stringify(error, (_, value: unknown) =>
    value instanceof Error
      ? {
          ...Object.fromEntries(Object.entries(value)),
          name: value.name,
          message: value.message,
          stack: value.stack,
          cause: value.cause,
        }
      : value,
  );
  return `${one}\n${inspect(error, { depth: 8, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })}`;
}

/** Writes a value. The SDK's `$response` holds the answer that it read, which must not show secrets either. */
function write(what: string, value: unknown): void {
  process.stdout.write(`${what}: ${value instanceof Error ? everythingOf(value) : JSON.stringify(value)}\n`);
}

async function run({ kind, secret }: LeakCase): Promise<void> {
  const credentials = credentialKinds[kind];
  if (!credentials) throw new Error(`no kind of credentials: ${kind}`);
  const hostileSide = side(hostile, 'bucket', { credentials });
  const tally = new Tally();
  const stores = new Credentials({ secret: () => Promise.resolve(secret) });

  for (const asSource of [false, true]) {
    const task = taskBetweenEndpoints({
      source: asSource ? { ...hostileSide, prefix: 'in/' } : side(honest, 'source'),
      destination: asSource ? { ...side(honest, 'bucket'), prefix: 'out/' } : hostileSide,
    });
    const open = (which: 'source' | 'destination'): ObjectStore => {
      const one = task[which];
      return new S3ObjectStore(createS3Client(one, stores.of(one)), one);
    };
    const context = contextOf(task, open('source'), open('destination'));
    const ledger = new MemoryLedger();
    for (const size of [3, undefined]) {
      const job = {
        task: task.name,
        key: objectKey('in/k'),
        action: 'copy' as const,
        ...(size !== undefined && { size }),
      };
      await consumeMessage(
        {
          tasks: () => Promise.resolve([task]),
          transfer: async (one) => {
            try {
              return await transferObject({ ...context, ledger, progress: tally.progress(task.name) }, one);
            } catch (error) {
              write('error', error);
              logger.error('as an error', error instanceof Error ? error : new Error(String(error)));
              throw error;
            }
          },
          ledger,
          deadLetters: {
            bury: (body, reason) => {
              write('dead letter', { body, reason });
              return Promise.resolve();
            },
          },
          redelivery: { after: () => Promise.resolve(true), sendAgain: () => Promise.resolve() },
          clock: systemClock,
          maxReceives: 1,
          giveUpAfterSeconds: 0,
          ...reports(tally),
        },
        { id: 'm', body: JSON.stringify({ job }), receipt: 'r', receives: 1 },
      );
      write('ledger', await ledger.get(task.name, job.key));
      write(
        'state',
        await planUpload({ ...context, ledger }, { job, attempt: 0 }).catch((error: unknown) => {
          write('error of a state', error);
          return asFault(error).message;
        }),
      );
      await context.destination
        .listParts(objectKey('k'), 'U')
        .catch((error: unknown) => write('error of a list', error));
    }
  }
  tally.publish();
  for (const stream of [process.stdout, process.stderr]) stream.write('\nend of the case\n');
}

process.on('message', (one: LeakCase) => void run(one));
process.on('disconnect', () => process.exit(0));
