import { asFault, type Fault } from '../model/faults.ts';
import type { ObjectStore } from '../ports/object-store.ts';

/** What becomes of each request to a store. */
export interface StoreWatcher {
  /** Called before a request. What it throws is thrown instead. */
  before?(): Promise<void>;
  /** Called after it, with what it threw. Its caller waits, because a function is frozen when it has answered. */
  after(fault?: Fault): void | Promise<void>;
}

/** The store, with a watcher of its requests. Each page of a listing counts as one. */
export function watchStore(store: ObjectStore, watcher: StoreWatcher): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (name === 'list' || name === 'listUploads') {
          return watchPages(() => value.apply(target, args) as AsyncIterable<unknown>, watcher);
        }
        return watchCall(() => value.apply(target, args) as Promise<unknown>, watcher);
      };
    },
  });
}

async function watchCall<Result>(call: () => Promise<Result>, watcher: StoreWatcher): Promise<Result> {
  await watcher.before?.();
  let result: Result;
  try {
    result = await call();
  } catch (error) {
    await watcher.after(asFault(error));
    throw error;
  }
  await watcher.after();
  return result;
}

async function* watchPages(call: () => AsyncIterable<unknown>, watcher: StoreWatcher): AsyncGenerator {
  const pages = call()[Symbol.asyncIterator]();
  try {
    for (;;) {
      const page = await watchCall(() => pages.next(), watcher);
      if (page.done === true) return;
      yield page.value;
    }
  } finally {
    await pages.return?.();
  }
}
