import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { createMachineClient, createQueueClient } from '../../shared/aws/service-clients.ts';
import { SfnUploads } from '../../shared/aws/upload-executions.ts';
import { postponementOf, SqsDeadLetters, SqsRedelivery } from '../../shared/aws/sqs/job-queue.ts';
import { reports } from '../../shared/observing/report.ts';
import { faultDetails } from '../../shared/observing/fault-details.ts';
import { logger, type Tally } from '../../shared/observing/tally.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import type { Redelivery } from '../../shared/ports/job-queue.ts';
import { UploadAdmission } from '../../shared/run/upload-admission.ts';
import { consumeMessage, type Consumer, type Message } from '../../shared/transfer/consume-message.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { readEnvironment } from '../environment.ts';
import { CountedLedger, createGovernor, TaskWiring, type Invocation } from '../wiring.ts';
import { createOpenUploads } from '../open-uploads.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const governor = createGovernor(environment.LEDGER_TABLE);
const wiring = new TaskWiring(environment.TASKS_PATH, { readsAll: true, governor });
const counted = new CountedLedger(environment.LEDGER_TABLE);
const { ledger } = counted;
const queueClient = createQueueClient();
const deadLetters = new SqsDeadLetters(queueClient, environment.DEAD_LETTER_QUEUE_URL);
const jobs = new SqsRedelivery(queueClient, environment.QUEUE_URL);
const events = new SqsRedelivery(queueClient, environment.EVENTS_QUEUE_URL);
const uploads = new UploadAdmission({
  uploads: new SfnUploads(createMachineClient(), environment.UPLOAD_MACHINE_ARN),
  open: createOpenUploads(environment.LEDGER_TABLE),
  limit: Number(environment.UPLOADS_AT_ONCE),
  clock: systemClock,
  onFault: (fault) => {
    logger.warn('the executions of uploads were not counted', { ...faultDetails(fault) });
  },
});

/** Copies the small objects of a batch and starts executions for the large ones. Failed messages stay in the queue. */
export const handler = async (event: SQSEvent, invocation: Invocation): Promise<SQSBatchResponse> => {
  return counted.withTally(async (tally) => {
    const left = await Promise.all(
      event.Records.map(async (record) => {
        const consumer = consumerOf(invocation, tally, queueOf(record));
        return { record, done: await consumeMessage(consumer, messageOf(record)) };
      }),
    );
    const batchItemFailures = left
      .filter(({ done }) => !done)
      .map(({ record }) => ({ itemIdentifier: record.messageId }));
    return { batchItemFailures };
  });
};

/** The queue that the message came from, to which it also returns. */
function queueOf({ eventSourceARN }: SQSRecord): Redelivery {
  const name = (address: string, separator: string): string => address.slice(address.lastIndexOf(separator) + 1);
  return name(eventSourceARN, ':') === name(environment.EVENTS_QUEUE_URL, '/') ? events : jobs;
}

function messageOf({ messageId, body, receiptHandle, attributes, messageAttributes }: SQSRecord): Message {
  const { ApproximateReceiveCount, MessageGroupId: group } = attributes;
  const postponement = postponementOf(messageAttributes);
  return {
    id: messageId,
    body,
    receipt: receiptHandle,
    receives: Number(ApproximateReceiveCount),
    ...(group !== undefined && { group }),
    ...(postponement && { postponement }),
  };
}

function consumerOf(invocation: Invocation, tally: Tally, redelivery: Redelivery): Consumer {
  return {
    tasks: () => wiring.parameters.tasks(),
    standing: (job) => governor.standing(job),
    transfer: async (job) => {
      const parts = await wiring.partContext(job.task, invocation, tally.progress(job.task));
      if ((job.size ?? 0) > parts.task.largeObjectThreshold) uploads.checkRoom();
      return transferObject({ ...parts, ledger, uploads, standing: () => governor.standing(job) }, job);
    },
    ledger,
    deadLetters,
    redelivery,
    clock: systemClock,
    maxReceives: Number(environment.MAX_RECEIVES),
    giveUpAfterSeconds: Number(environment.GIVE_UP_AFTER_SECONDS),
    ...reports(tally),
  };
}
