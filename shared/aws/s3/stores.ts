import type { Side, Task } from '../../model/config/task.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { Credentials } from '../credentials/credentials.ts';
import { principalOf } from '../credentials/principal.ts';
import type { Parameters } from '../parameters.ts';
import type { OnLearned } from '../../model/stores/learned.ts';
import { createS3Client } from './client.ts';
import { S3ObjectStore } from './object-store.ts';

/** The two stores of a task. */
export interface TaskStores {
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
}

/** Makes the stores of tasks, each side with its own client, and caches them by their configuration. */
export class Stores {
  readonly #credentials: Credentials;
  readonly #onLearned: OnLearned | undefined;
  readonly #made = new Map<string, ObjectStore>();

  /** @param onLearned called when the answers of a store show something that is not known of it */
  constructor(parameters: Pick<Parameters, 'secret'>, onLearned?: OnLearned) {
    this.#onLearned = onLearned;
    this.#credentials = new Credentials(parameters);
  }

  /** @param onFault called if the keys of a side cannot be read, with what is then thrown */
  async of(
    task: Task,
    onFault?: (side: keyof TaskStores, error: unknown) => void | Promise<void>,
  ): Promise<TaskStores> {
    const open = (side: keyof TaskStores): Promise<ObjectStore> =>
      this.#side(task[side]).catch(async (error: unknown) => {
        await onFault?.(side, error);
        throw error;
      });
    const [source, destination] = await Promise.all([open('source'), open('destination')]);
    return { source, destination };
  }

  /** Whose permissions the requests of a side have, for messages. */
  async principal(side: Side): Promise<string> {
    return principalOf(side, this.#credentials.of(side));
  }

  async #side(side: Side): Promise<ObjectStore> {
    const keys = this.#credentials.of(side);
    const region = side.region ?? (await keys?.current())?.region;
    // Keys are not part of the identity: the client handles their rotation.
    const identity = JSON.stringify([side, region]);
    let store = this.#made.get(identity);
    if (!store) {
      const client = createS3Client({ ...side, ...(region !== undefined && { region }) }, keys);
      store = new S3ObjectStore(client, side, undefined, this.#onLearned);
      this.#made.set(identity, store);
    }
    return store;
  }
}
