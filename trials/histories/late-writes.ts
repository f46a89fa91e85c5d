import { Fault } from '../../shared/model/faults.ts';
import type { Gate } from '../../shared/ports/memory/gate.ts';
import type { MemoryBucket } from '../../shared/ports/memory/storage.ts';
import type { ObjectStore, Replaces } from '../../shared/ports/object-store.ts';

/** Where in its arguments a write says what it replaces. */
const replacesOf: Readonly<Record<string, (args: readonly unknown[]) => Replaces | undefined>> = {
  put: (args) => args[3] as Replaces | undefined,
  copy: (args) => args[3] as Replaces | undefined,
  delete: (args) => args[1] as Replaces | undefined,
  completeUpload: (args) => (args[3] as { replaces?: Replaces }).replaces,
};

/** A write that its caller gave up, and that the store has yet to make. */
interface Late {
  readonly what: string;
  readonly key: string;
  readonly deletes: boolean;
  readonly replaces: Replaces | undefined;
  /** writes of the key before it */
  readonly writes: number;
  make(): Promise<unknown>;
}

export interface LateWritesOptions {
  /** the destination */
  readonly bucket: MemoryBucket;
  readonly gate: Gate;
  /** is the next write given up by its caller? */
  readonly isCut: () => boolean;
  /** may an object appear under the key? Not if deletes replicate and the source has none */
  readonly mayAppear: (key: string) => boolean;
}

/**
 * Requests that their callers cut off take effect later, whatever has happened since. Two such effects are beyond what
 * conditions on ETags can prevent, and are left out (docs/decisions, "Write only over what was seen"): of a write whose
 * condition holds again after others have written, and of a copy of an object that was deleted since.
 */
export class LateWrites {
  readonly #options: LateWritesOptions;
  readonly #late: Late[] = [];
  /** writes that took effect late, that the store refused, and that were left out */
  readonly counts = { landed: 0, refused: 0, omitted: 0 };

  constructor(options: LateWritesOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#late.length;
  }

  /** @returns `store` as callers see it who give up some of their writes */
  cutting(store: ObjectStore): ObjectStore {
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        const call = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
        const replaces = typeof name === 'string' && Object.hasOwn(replacesOf, name) ? replacesOf[name] : undefined;
        if (!replaces) return call;
        return (...args: unknown[]) => {
          if (!this.#options.isCut()) return call(...args);
          const [key] = args as [string];
          const own = args.map(keptBody);
          this.#late.push({
            what: `${String(name)} of ${key}`,
            key,
            deletes: name === 'delete',
            replaces: replaces(args),
            writes: this.#options.bucket.writesOf(key),
            make: () => call(...own),
          });
          return Promise.reject(new Fault('Unavailable', `${String(name)} of ${key} was cut off by its caller`));
        };
      },
    });
  }

  /** Lets one of the writes take effect. @returns what became of it */
  async land(index: number): Promise<string> {
    const [late] = this.#late.splice(index, 1);
    if (!late) return 'nothing is late';
    if (this.#isBeyondConditions(late)) {
      this.counts.omitted++;
      return `${late.what} is left out`;
    }
    // Nothing may act between the look above and the effect: the call does not wait for a turn.
    const { gate } = this.#options;
    const { hooks } = gate;
    gate.hooks = {};
    const made = late.make();
    gate.hooks = hooks;
    return made.then(
      () => {
        this.counts.landed++;
        return `${late.what} takes effect late`;
      },
      (error: unknown) => {
        this.counts.refused++;
        return `${late.what} is late: ${String(error)}`;
      },
    );
  }

  #isBeyondConditions({ key, deletes, replaces, writes }: Late): boolean {
    const { bucket, mayAppear } = this.#options;
    if (!deletes && !mayAppear(key)) return true;
    if (bucket.writesOf(key) === writes) return false;
    const etag = bucket.get(key)?.etag;
    return replaces === undefined || (replaces === 'nothing' ? etag === undefined : etag === replaces.etag);
  }
}

/** The caller's buffer is used again. */
function keptBody(argument: unknown): unknown {
  if (typeof argument !== 'object' || argument === null || !('data' in argument)) return argument;
  return { ...argument, data: Buffer.from(argument.data as Uint8Array) };
}
