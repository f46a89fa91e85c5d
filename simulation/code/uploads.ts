import type { Job } from '../../shared/model/job.ts';
import type {
  AbandonUploadInput,
  CheckUploadInput,
  PlanUploadInput,
  UploadPartsInput,
} from '../../shared/model/messages/payloads.ts';
import type { Deadline } from '../../shared/ports/clock.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { MemoryOpenUploads } from '../../shared/ports/memory/open-uploads.ts';
import type { RunningUploads, Uploads } from '../../shared/ports/uploads.ts';
import { shareOf, UploadAdmission } from '../../shared/run/upload-admission.ts';
import type { StepContext } from '../../shared/transfer/context.ts';
import { abandonUpload } from '../../shared/transfer/steps/abandon-upload.ts';
import { checkUpload } from '../../shared/transfer/steps/check-upload.ts';
import { planUpload } from '../../shared/transfer/steps/plan-upload.ts';
import { Line, type LineSettings } from '../aws/line.ts';
import { Execution, type Callees, type Definition } from '../aws/states/machine.ts';
import { StateError } from '../aws/states/retry.ts';
import { StepFunctions } from '../aws/states/service.ts';
import { deadLettersOf } from './copy-objects.ts';
import { uploadParts } from './upload-parts.ts';
import type { World } from './world.ts';

/** Processes of copy-objects whose admissions are simulated: a sample, each for many. */
const processes = 16;

/** How many objects an execution stands for: the most that a key of a large object does. */
function weightOfLarge({ tasks }: World): number {
  const weights = [...tasks.values()].map(({ task, source }) => {
    const { size, weight } = source.held.landscape.settings;
    return size > task.largeObjectThreshold ? weight : 1;
  });
  return Math.max(1, ...weights);
}

/** Executions of the UPLOAD machine: the deployed definition, whose functions are the real steps. */
export class SimulatedUploads implements Uploads, RunningUploads {
  /** how copy-objects starts executions, in one process of a sample */
  readonly admissions: readonly UploadAdmission[];
  /** counts executions of the simulation, each of which stands for `weight` */
  readonly #openUploads = new MemoryOpenUploads();
  readonly #weight: number;
  readonly service: StepFunctions;
  readonly #world: World;
  readonly #line: Line;
  readonly #running = new Set<string>();
  /** executions that ended, by how: `done`, or the error's name */
  readonly ended = new Map<string, number>();

  constructor(world: World, line: LineSettings) {
    this.#world = world;
    this.#line = new Line(line);
    this.service = new StepFunctions(world.timeline, world.random, world.meter, world.regionClass);
    this.#weight = weightOfLarge(world);
    const limit = Math.max(1, Math.floor(world.stack.uploadsAtOnce / this.#weight));
    this.admissions = Array.from(
      { length: processes },
      () =>
        new UploadAdmission({
          ...{ uploads: this, open: this.#openUploads, limit, clock: world.timeline },
          onFault: (fault) => world.noteFault(`${fault.name}, counting uploads`, 1),
        }),
    );
  }

  countRunning(): Promise<number> {
    return Promise.resolve(Math.round(this.service.open / this.#weight));
  }

  async start(job: Job): Promise<{ execution: string; started: boolean }> {
    const execution = `${job.task} ${job.key} ${job.etag ?? ''}`;
    const count = this.#world.countOf(job.task, job.key);
    await this.service.start(count);
    if (this.#running.has(execution)) return { execution, started: false };
    this.#running.add(execution);
    this.service.opened(count);
    void this.#run(job, execution, count);
    return { execution, started: true };
  }

  async #run(job: Job, execution: string, count: number): Promise<void> {
    const { timeline, random, stack } = this.#world;
    const definition = stack.machines.upload as Definition;
    const callees: Callees = { timeline, random, service: this.service, call: (...call) => this.#call(...call) };
    const startedAt = timeline.now();
    const context = { Execution: { Input: job, Name: execution, StartTime: new Date(startedAt).toISOString() } };
    const endsAt = startedAt + (definition.TimeoutSeconds ?? Infinity) * 1000;
    let end = 'done';
    try {
      await new Execution(callees, count, endsAt).run(definition, job, context);
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      end = error.name;
    }
    this.ended.set(end, (this.ended.get(end) ?? 0) + count);
    this.service.closed(count);
    this.#running.delete(execution);
  }

  async #call(resource: string, parameters: unknown, count: number): Promise<unknown> {
    if (resource.endsWith(':sqs:sendMessage')) return this.#bury(parameters, count);
    if (!resource.endsWith(':lambda:invoke')) throw new Error(`the simulation does not call ${resource}`);
    const { FunctionName, Payload } = parameters as { FunctionName: string; Payload: unknown };
    const strands = { width: count, turns: 1 };
    const result = await this.#world.lambda.invoke(FunctionName, strands, (deadline) =>
      this.#invoke(FunctionName, Payload, deadline),
    );
    return { Payload: result ?? null };
  }

  async #invoke(name: string, payload: unknown, deadline: Deadline): Promise<unknown> {
    const { job } = payload as { job: Job };
    switch (name) {
      case 'plan-upload': {
        const state = await planUpload(this.#contextOf(job, deadline), payload as PlanUploadInput);
        if (state.state === 'finished') await this.#openUploads.release();
        return state;
      }
      case 'upload-parts':
        return uploadParts(this.#world, this.#line, payload as UploadPartsInput, deadline);
      case 'check-upload': {
        const state = await checkUpload(this.#contextOf(job, deadline), payload as CheckUploadInput);
        if (state.state === 'finished') await this.#openUploads.release();
        return state;
      }
      case 'abandon-upload':
        await this.#abandon(payload as AbandonUploadInput);
        return this.#openUploads.release();
      default:
        throw new Error(`the simulation has no function ${name}`);
    }
  }

  #contextOf(job: Job, deadline: Deadline): StepContext {
    const { ledger, timeline, buffers, governor, stack } = this.#world;
    const { task, ...stores } = this.#world.taskOf(job.task);
    const { source, destination } = governor.watch(job.task, stores);
    const common = { task, source, destination, buffers, clock: timeline, deadline, partsAtOnce: 8, ledger };
    const callsAtOnce = async (): Promise<number> =>
      shareOf(stack.partsAtOnce, (await this.#openUploads.count()) * this.#weight);
    const standing = { standing: () => governor.standing(job) };
    return { ...common, ...standing, progress: noProgress, callsAtOnce, giveUpAfterSeconds: stack.giveUpAfterSeconds };
  }

  /** The direct integration by which the machine sends a dead letter. */
  #bury(parameters: unknown, count: number): object {
    const { MessageAttributes } = parameters as { MessageAttributes: { reason: { StringValue: string } } };
    this.#world.bury(MessageAttributes.reason.StringValue.split(':', 1)[0] ?? '', count);
    this.#world.meter.bill('sqsRequests', count);
    return {};
  }

  async #abandon(input: AbandonUploadInput): Promise<undefined> {
    const { ledger, timeline } = this.#world;
    const destination = (): Promise<ReturnType<World['taskOf']>> => Promise.resolve(this.#world.taskOf(input.job.task));
    const context = { ledger, clock: timeline, deadLetters: deadLettersOf(this.#world), onLeftover: () => undefined };
    await abandonUpload({ ...context, destination }, input);
    return undefined;
  }
}
