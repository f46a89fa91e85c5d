import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { createMachineClient, createQueueClient } from '../../shared/aws/service-clients.ts';
import { SfnUploads } from '../../shared/aws/sfn-uploads.ts';
import { SqsDeadLetters, SqsRedelivery } from '../../shared/aws/sqs-job-queue.ts';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { systemClock } from '../../shared/ports/clock.ts';
import { consumeMessage, type Consumer, type Message } from '../../shared/transfer/consume-message.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { readEnvironment } from '../environment.ts';
import { keyHash, logger, Tally } from '../observing.ts';
import { createLedger, TaskWiring, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);
const ledger = createLedger(environment.LEDGER_TABLE);
const queueClient = createQueueClient();
const deadLetters = new SqsDeadLetters(queueClient, environment.DEAD_LETTER_QUEUE_URL);
const redelivery = new SqsRedelivery(queueClient, environment.QUEUE_URL);
const uploads = new SfnUploads(createMachineClient(), environment.UPLOAD_MACHINE_ARN);

/** Copies the small objects of a batch, starts executions for the large ones; what failed stays in the queue. */
export const handler = async (event: SQSEvent, invocation: Invocation): Promise<SQSBatchResponse> => {
  const tally = new Tally();
  const consumer = consumerOf(invocation, tally);
  try {
    const left = await Promise.all(
      event.Records.map(async (record) => ({ record, done: await consumeMessage(consumer, messageOf(record)) })),
    );
    const batchItemFailures = left
      .filter(({ done }) => !done)
      .map(({ record }) => ({ itemIdentifier: record.messageId }));
    return { batchItemFailures };
  } finally {
    tally.publish();
  }
};

function messageOf({ messageId, body, receiptHandle, attributes }: SQSRecord): Message {
  return { id: messageId, body, receipt: receiptHandle, receives: Number(attributes.ApproximateReceiveCount) };
}

function consumerOf(invocation: Invocation, tally: Tally): Consumer {
  return {
    tasks: () => wiring.parameters.tasks(),
    transfer: async (job) => {
      const parts = await wiring.partContext(job.task, invocation, tally.progress(job.task));
      return transferObject({ ...parts, ledger, large: uploads }, job);
    },
    ledger,
    deadLetters,
    redelivery,
    clock: systemClock,
    maxReceives: Number(environment.MAX_RECEIVES),
    onFault: (fault, { message, job, final }) => {
      const task = job?.task ?? '(unknown)';
      if (final) tally.add(task, 'ObjectsFailed', 1);
      const details = {
        task,
        // "message" is the line's own text to the logger.
        messageId: message,
        fault: fault.name,
        reason: fault.message,
        ...(job && { keyHash: keyHash(job.key) }),
      };
      if (final) logger.error('failed', details);
      else logger.warn('failed, comes back', details);
    },
    onEventDone: (job, delay) => tally.add(job.task, 'EventToDone', Math.max(0, delay), MetricUnit.Milliseconds),
  };
}
