import type { Side, Task } from '../model/task.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Parameters } from './parameters.ts';
import { createS3Client, type SideKeys } from './s3-client.ts';
import { S3ObjectStore } from './s3-object-store.ts';

/** The two stores of a task. */
export interface TaskStores {
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
}

/** Makes the stores of tasks, each side with its own client, and keeps them while nothing about them changes. */
export class Stores {
  readonly #parameters: Parameters;
  readonly #made = new Map<string, ObjectStore>();

  constructor(parameters: Parameters) {
    this.#parameters = parameters;
  }

  async of(task: Task): Promise<TaskStores> {
    const [source, destination] = await Promise.all([this.#side(task.source), this.#side(task.destination)]);
    return { source, destination };
  }

  async #side(side: Side): Promise<ObjectStore> {
    const keys: SideKeys | undefined = await this.#parameters.keysOf(side);
    // The map is in memory only; new keys make a new client.
    const identity = JSON.stringify([side, keys]);
    let store = this.#made.get(identity);
    if (!store) {
      store = new S3ObjectStore(createS3Client(side, keys), side);
      this.#made.set(identity, store);
    }
    return store;
  }
}
