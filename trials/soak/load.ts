import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { KiB, MiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ListedObject } from '../../shared/model/object.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { Random } from '../../test/support/random.ts';
import { noAttributes } from '../../test/support/objects.ts';

/** The number of keys is bounded, so that the buckets do not grow and any other growth is a leak. */
const smallKeys = 500;
const largeKeys = 12;
/** Shares of the changes: deletions, and large objects. */
const deletions = 0.15;
const large = 0.015;
/** Changes of the source at once. */
const writers = 4;
/** With more waiting jobs, the source is not changed: the pipeline is kept full, not overloaded. */
const maxWaitingJobs = 150;

/** Changes the source without a pause, as fast as the pipeline follows. */
export class Load {
  /** changes made */
  changes = 0;
  readonly #source: ObjectStore;
  readonly #random: Random;
  readonly #waiting: () => number;
  #ended = false;

  /** @param waiting how many jobs wait in the queue, as last seen */
  constructor(source: ObjectStore, random: Random, waiting: () => number) {
    this.#source = source;
    this.#random = random;
    this.#waiting = waiting;
  }

  /** Changes the source until {@link end}. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: writers }, () => this.#work()));
  }

  end(): void {
    this.#ended = true;
  }

  async #work(): Promise<void> {
    while (!this.#isEnded()) {
      if (this.#waiting() > maxWaitingJobs) await sleep(50);
      else {
        await this.#change();
        this.changes++;
      }
    }
  }

  #isEnded(): boolean {
    return this.#ended;
  }

  async #change(): Promise<void> {
    const random = this.#random;
    const isLarge = random.chance(large);
    const key = isLarge ? `large/${random.below(largeKeys)}` : `small/${random.below(smallKeys)}`;
    if (random.chance(deletions)) {
      await this.#source.delete(objectKey(key));
      return;
    }
    const size = isLarge ? 6 * MiB + random.below(12 * MiB) : random.below(random.chance(0.2) ? 200 * KiB : 10 * KiB);
    await this.#source.put(objectKey(key), { data: randomBytes(size), size }, noAttributes);
  }
}

/** The differences of the two sides; none if they are the same to the last byte. */
export async function differences(source: ObjectStore, destination: ObjectStore): Promise<string[]> {
  const [here, there] = await Promise.all([listed(source), listed(destination)]);
  const found: string[] = [];
  for (const key of there.keys()) if (!here.has(key)) found.push(`${key} is at the destination only`);
  await forEachConcurrently(here.keys(), 8, async (key) => {
    const [expected, actual] = await Promise.all([hashOf(source, key), hashOf(destination, key)]);
    if (actual === undefined) found.push(`${key} is missing at the destination`);
    else if (actual !== expected) found.push(`${key} is another version at the destination`);
  });
  return found;
}

async function listed(store: ObjectStore): Promise<Map<string, ListedObject>> {
  const objects = new Map<string, ListedObject>();
  for await (const page of store.list({ prefix: '' })) for (const object of page) objects.set(object.key, object);
  return objects;
}

async function hashOf(store: ObjectStore, key: string): Promise<string | undefined> {
  const opened = await store.get(objectKey(key));
  if (!opened) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of opened.body as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
