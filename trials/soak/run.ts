import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { Runs } from '../../local/run/runs.ts';
import { localNames } from '../../local/run/settings.ts';
import { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { sweepOldUploads } from '../support/sweep.ts';
import { Random } from '../../test/support/random.ts';
import { differences, Load } from './load.ts';
import type { Meter, Trend } from './meter.ts';
import type { PipelineCounts, PipelineAddress, PipelineQuestion } from './pipeline.ts';
import { soakTask } from './task.ts';
import { growing } from './verdict.ts';

export interface SoakResult {
  readonly seconds: number;
  readonly trends: readonly Trend[];
  readonly numbers: Readonly<Record<string, number | string>>;
  readonly violations: readonly string[];
}

const sampleEveryMillis = 3_000;
const reportEveryMillis = 30_000;
const runEveryMillis = 20_000;
/** A sixth of the time, and at least two minutes if the time allows: code is compiled, pools are filled. */
const warmUpOf = (time: number): number => Math.max(time / 6, Math.min(120_000, time / 3));
/** Time to come to rest: a job that failed twice returns after a minute, then again after four. */
const maxRestMillis = 20 * 60_000;

export interface SoakOptions {
  /** the process of the pipeline */
  readonly pipeline: ChildProcess;
  readonly address: PipelineAddress;
  readonly meter: Meter;
  readonly seed: number;
  /** receives a line of progress now and then */
  readonly say: (line: string) => void;
}

/** Keeps a pipeline at full load, lets it come to rest, and checks what is left. */
export class Soak {
  readonly #pipeline: ChildProcess;
  readonly #runs: Runs;
  readonly #meter: Meter;
  readonly #random: Random;
  readonly #say: (line: string) => void;
  readonly #address: PipelineAddress;
  readonly #queues: SQSClient;
  readonly #table: DynamoDBDocumentClient;
  readonly #ledger: DynamoLedger;
  #waiting = 0;
  #mostWaiting = 0;
  readonly #syncs = { done: 0, failed: 0 };

  constructor({ pipeline, address, meter, seed, say }: SoakOptions) {
    const settings = { endpoint: address.endpoint, region: address.region, credentials: localNames.credentials };
    this.#pipeline = pipeline;
    this.#address = address;
    this.#meter = meter;
    this.#random = new Random(seed);
    this.#say = say;
    this.#runs = new Runs(address);
    this.#queues = new SQSClient(settings);
    this.#table = DynamoDBDocumentClient.from(new DynamoDBClient(settings));
    this.#ledger = new DynamoLedger(this.#table, address.outputs['LedgerTable'] ?? '');
  }

  /** @param time milliseconds at full load */
  async run(time: number): Promise<SoakResult> {
    const source = this.#store(localNames.sourceBucket);
    const destination = this.#store(localNames.destinationBucket);
    const load = new Load(source, this.#random, () => this.#waiting);
    const began = Date.now();
    const until = began + time;
    const loading = load.run();
    await Promise.all([
      this.#watch(until, began, load).finally(() => load.end()),
      this.#watchQueue(until),
      this.#syncRepeatedly(until),
      loading,
    ]);
    const trends = this.#meter.trends(warmUpOf(time));
    const violations = growing(trends);

    this.#say('at rest: no more changes and no more faults');
    await this.#ask('calm');
    const rested = await this.#rest();
    if (!rested) violations.push(`${await this.#runs.waiting()} jobs wait after ${maxRestMillis / 60_000} minutes`);
    const counts = await this.#ask('counts');
    violations.push(...(await differences(source, destination)));
    const letters = await this.#runs.deadLetters();
    const explained = await this.#explanations();
    for (const letter of explained) this.#say(`dead letter: ${letter}`);
    if (explained.length < letters) violations.push(`${letters - explained.length} dead letters without a reason`);
    const uploads = await sweepOldUploads(soakTask, destination, this.#ledger);
    if (uploads.left > 0) violations.push(`${uploads.left} uploads are open that the sweeper does not abort`);
    const last = await this.#runs.sync(localNames.task);
    if (last.jobs > 0) violations.push(`a last run found ${last.jobs} objects to send`);

    this.#runs.close();
    this.#queues.destroy();
    this.#table.destroy();
    const numbers = {
      'minutes at full load': time / 60_000,
      'changes at the source': load.changes,
      'objects written at the destination': counts.written,
      'objects deleted there': counts.deleted,
      'MiB received there': Math.round(counts.received / 1024 ** 2),
      'requests of the pipeline to the store': counts.requests,
      'of which went wrong': counts.injected,
      'runs beside it': this.#syncs.done,
      'of which failed': this.#syncs.failed,
      'jobs in the queue at most': this.#mostWaiting,
      'dead letters, each with its reason': explained.length,
      'uploads left to the sweeper': uploads.swept,
    };
    return { seconds: (Date.now() - began) / 1000, trends, numbers, violations };
  }

  async #watch(until: number, began: number, load: Load): Promise<void> {
    let saidAt = began;
    while (Date.now() < until) {
      const usage = this.#meter.look();
      if (Date.now() - saidAt >= reportEveryMillis) {
        saidAt = Date.now();
        const { written, deleted, injected } = await this.#ask('counts');
        const each = [...usage].map(
          ([name, { resident, sockets, files }]) =>
            `${name} ${Math.round(resident / 1024 ** 2)} MiB/${sockets}/${files}`,
        );
        const minutes = `${((saidAt - began) / 60_000).toFixed(1)} min`;
        this.#say(
          `${minutes}: ${load.changes} changes, ${written} written, ${deleted} deleted, ` +
            `${injected} faults, ${this.#waiting} jobs, ${this.#syncs.done} runs; ` +
            `memory/sockets/files: ${each.join(', ')}`,
        );
      }
      await sleep(sampleEveryMillis);
    }
  }

  async #watchQueue(until: number): Promise<void> {
    while (Date.now() < until) {
      this.#waiting = await this.#runs.waiting();
      this.#mostWaiting = Math.max(this.#mostWaiting, this.#waiting);
      await sleep(100);
    }
  }

  async #syncRepeatedly(until: number): Promise<void> {
    while (Date.now() + runEveryMillis < until) {
      await sleep(runEveryMillis);
      try {
        await this.#runs.sync(localNames.task);
        this.#syncs.done++;
      } catch (error) {
        // A run may fail if a listing fails repeatedly; the next run finds what this one did not.
        this.#syncs.failed++;
        this.#say(`a run failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  async #rest(): Promise<boolean> {
    const until = Date.now() + maxRestMillis;
    while (Date.now() < until) {
      if (await this.#runs.isIdle()) return true;
      await sleep(500);
    }
    return false;
  }

  /** The reasons of the dead letters that have one. */
  async #explanations(): Promise<string[]> {
    const found: string[] = [];
    for (;;) {
      const { Messages = [] } = await this.#queues.send(
        new ReceiveMessageCommand({
          QueueUrl: this.#address.outputs['DeadLetterQueueUrl'],
          MaxNumberOfMessages: 10,
          VisibilityTimeout: 600,
          MessageAttributeNames: ['All'],
        }),
      );
      if (Messages.length === 0) return found;
      for (const { Body = '', MessageAttributes = {} } of Messages) {
        const { key } = JSON.parse(Body) as { key?: string };
        const entry = key === undefined ? undefined : await this.#ledger.get(localNames.task, key);
        const reason = Object.values(MessageAttributes)[0]?.StringValue;
        if (reason !== undefined)
          found.push(`${key ?? Body}: ${reason} (the ledger says ${entry?.status ?? 'nothing'})`);
      }
    }
  }

  async #ask(question: PipelineQuestion): Promise<PipelineCounts> {
    const answer = once(this.#pipeline, 'message') as Promise<[PipelineCounts]>;
    this.#pipeline.send(question);
    return (await answer)[0];
  }

  #store(bucket: string): ObjectStore {
    const { storeEndpoint: endpoint, region } = this.#address;
    const side = { bucket, prefix: '', region, endpoint, requestPayer: false };
    return new S3ObjectStore(createS3Client(side, localNames.credentials), side);
  }
}
