import { asFault, Fault } from '../../shared/model/faults.ts';
import { decodeJob, type Job } from '../../shared/model/job.ts';
import type { Deadline } from '../../shared/ports/clock.ts';
import type { DeadLetters, NewMessage, Redelivery } from '../../shared/ports/job-queue.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import type { UploadAdmission } from '../../shared/run/upload-admission.ts';
import { consumeMessage, type Consumer } from '../../shared/transfer/consume-message.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import type { Queue, Received } from '../aws/queue.ts';
import { sqsQuotas } from '../aws/quotas.ts';
import type { World } from './world.ts';

export interface CopySettings {
  /** how executions are started, by each process of a sample */
  readonly admissions?: readonly UploadAdmission[];
  /** faults of the surroundings count as failures of the job, as before jobs were postponed and tasks paused */
  readonly countsAllFaults?: boolean;
  readonly onDone?: (job: Job, count: number, delayMillis: number | undefined) => void;
}

/** Processor time of one small object. [A] 2.9 ms were measured for one of 10 KB, and Graviton is somewhat slower. */
const processorMillis = 4;
/** As in functions/wiring.ts. */
const partsAtOnce = 8;

/** What copy-objects does with a batch: functions/copy-objects/index.ts, on the modelled services. */
export function copyObjects(world: World, queue: Queue, settings: CopySettings = {}) {
  const { timeline } = world;
  return async (messages: readonly Received[], deadline: Deadline): Promise<ReadonlySet<string>> => {
    const begin = timeline.now();
    const left = new Set<string>();
    await Promise.all(
      messages.map(async (message) => {
        const consumer = { ...consumerOf(world, settings, message, deadline), redelivery: redeliveryOf(world, queue) };
        const { id, body, receipt, receives, group, postponement } = message;
        const isDone = await consumeMessage(consumer, {
          ...{ id, body, receipt, receives },
          ...(group !== undefined && { group }),
          ...(postponement && { postponement }),
        });
        if (!isDone) left.add(receipt);
      }),
    );
    const processor = messages.length * processorMillis;
    await timeline.sleep(Math.max(0, processor - (timeline.now() - begin)));
    return left;
  };
}

/** What a consumer of the queue needs, on the modelled services. */
export function consumerOf(world: World, settings: CopySettings, message: Received, deadline: Deadline): Consumer {
  const { timeline, ledger, stack, buffers, governor } = world;
  return {
    tasks: () => Promise.resolve([...world.tasks.values()].map(({ task }) => task)),
    ...(settings.countsAllFaults !== true && { standing: (job) => governor.standing(job) }),
    transfer: async (job) => {
      const { task, ...stores } = world.taskOf(job.task);
      const { source, destination } = settings.countsAllFaults ? stores : governor.watch(job.task, stores);
      const { admissions = [] } = settings;
      const uploads = admissions[Math.floor(world.random.next() * admissions.length)];
      const context = {
        ...{ task, source, destination, buffers, clock: timeline, progress: noProgress, deadline, partsAtOnce, ledger },
        ...(uploads && { uploads }),
      };
      try {
        if ((job.size ?? 0) > task.largeObjectThreshold) uploads?.checkRoom();
        const outcome = await transferObject(context, job);
        settings.onDone?.(job, message.count, undefined);
        return outcome;
      } catch (error) {
        const fault = asFault(error);
        if (settings.countsAllFaults !== true || !fault.ofSurroundings) throw fault;
        throw new Fault('OutOfTime', fault.message);
      }
    },
    ledger,
    deadLetters: deadLettersOf(world),
    redelivery: redeliveryOf(world, world.queue),
    clock: timeline,
    maxReceives: stack.queue.maxReceives,
    giveUpAfterSeconds: stack.giveUpAfterSeconds,
    onFault: (fault, { fate }) => world.noteFault(`${fault.name}, ${fate}`, message.count),
    onEventDone: (job, delayMillis) => settings.onDone?.(job, 0, delayMillis),
  };
}

function redeliveryOf(world: World, queue: Queue): Redelivery {
  const { timeline, random } = world;
  return {
    after: async (receipt, seconds) => {
      await timeline.sleep(random.tailed(sqsQuotas.latency));
      return queue.hide(receipt, Math.round(seconds));
    },
    sendAgain: async ({ body, group, delaySeconds = 0, postponement }: NewMessage) => {
      await timeline.sleep(random.tailed(sqsQuotas.latency));
      queue.send({ body, group, postponement, count: countOf(world, body) }, { delaySeconds });
    },
  };
}

export function deadLettersOf(world: World): DeadLetters {
  return {
    bury: async (body, reason) => {
      await world.timeline.sleep(world.random.tailed(sqsQuotas.latency));
      world.meter.bill('sqsRequests', countOf(world, body));
      world.bury(reason.split(':', 1)[0] ?? reason, countOf(world, body));
    },
  };
}

/** How many objects the job of a message stands for. */
function countOf(world: World, body: string): number {
  if (!body.startsWith('{"job"')) return 1;
  const { task, key } = decodeJob(body);
  return world.countOf(task, key);
}
