import { describe, expect, it } from '@jest/globals';
import type { LossKind } from '../../../shared/model/losses.ts';
import type { UploadState } from '../../../shared/model/messages/payloads.ts';
import type { ObjectAttributes } from '../../../shared/model/object.ts';
import type { StoreFeatures } from '../../../shared/ports/memory/features.ts';
import { checkUpload } from '../../../shared/transfer/steps/check-upload.ts';
import { planUpload } from '../../../shared/transfer/steps/plan-upload.ts';
import { sendBatch } from '../../../shared/transfer/steps/send-batch.ts';
import type { TransferContext } from '../../../shared/transfer/context.ts';
import { failureOf } from '../../support/failure.ts';
import { MemoryWorld, partSize, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf } from '../../support/objects.ts';

const attributes: ObjectAttributes = {
  headers: { contentType: 'text/x-test', cacheControl: 'max-age=60', websiteRedirect: '/elsewhere' },
  metadata: { colour: 'blue' },
  tags: { kind: 'a', other: 'b' },
};

/** A store other than S3: what it shows is believed, not what it accepts. */
const elsewhere = { endpoint: 'https://store.invalid' };

/** Each route, with the world and the size for which it is chosen. */
const routes: [string, MemoryWorldOptions, number][] = [
  ['put', {}, 1000],
  ['multipart', {}, 2 * partSize + 1],
  ['UPLOAD machine', {}, 2 * partSize + 1],
  ['server-side copy', { task: { serverSideCopy: 'auto', source: elsewhere }, oneStore: true }, 1000],
];

/** What a destination can lose, and how. The last: is it known before the object is written? */
const ways: [string, Partial<StoreFeatures>, LossKind[], object, boolean][] = [
  ['does not implement tags', { tags: 'refused' }, ['tags'], {}, true],
  ['ignores tags of copies and uploads', { tagsOfCopiesAndUploads: false }, ['tags'], {}, false],
  ['ignores a content header', { ignoredHeaders: ['cacheControl'] }, ['headers'], {}, false],
  ['ignores the website redirect', { ignoredHeaders: ['websiteRedirect'] }, ['websiteRedirect'], {}, false],
  ['ignores user metadata', { metadata: false }, ['metadata'], {}, false],
  ['ignores the storage class', { storageClasses: false }, ['storageClass'], { storageClass: 'STANDARD_IA' }, false],
  ['ignores checksums', { checksums: 'ignored' }, ['checksum'], { checksumAlgorithm: 'CRC32C' }, false],
  ['refuses checksums', { checksums: 'refused' }, ['checksum'], { checksumAlgorithm: 'CRC32C' }, true],
];

class Route {
  readonly world: MemoryWorld;
  readonly #name: string;
  readonly #size: number;

  constructor([name, options, size]: (typeof routes)[number], features: Partial<StoreFeatures>, task: object = {}) {
    const { destination, ...settings } = task as { destination?: object };
    this.#name = name;
    this.#size = size;
    this.world = new MemoryWorld({
      ...options,
      ...(options.oneStore ? { source: features } : { destination: features }),
      task: { ...options.task, ...settings, destination: { ...elsewhere, ...destination } },
      views: { destination: destination ?? {} },
    });
  }

  async put(key: string, given = attributes): Promise<void> {
    await this.world.putSource(bytesOf(this.#size), { key });
    // As another tool may have written it: where one store holds both buckets, its rules are for copies alone.
    const bucket = this.world.sourceStorage.bucket('source');
    bucket.write(key, { ...bucket.get(key)!, ...given }, false);
  }

  /** Copies the object, in this process or by the steps of the machine. */
  async copy(key: string, context: TransferContext): Promise<void> {
    if (this.#name !== 'UPLOAD machine') {
      await this.world.transfer(key, context);
      return;
    }
    const job = this.world.job(key);
    const planned = await planUpload(context, { job, attempt: 0 });
    if (planned.state !== 'uploading') throw new Error(planned.state);
    for (const batch of planned.batches) await sendBatch(context, { job, target: planned.target, batch });
    // The state is JSON between two steps.
    const state = await checkUpload(context, JSON.parse(JSON.stringify(planned)) as UploadState);
    expect(state.state).toBe('finished');
  }

  lostOf(key: string): readonly LossKind[] | undefined {
    return this.world.ledger.entries().find((entry) => entry.key === key)?.lost;
  }

  outcomes(): (readonly LossKind[])[] {
    return this.world.finished().map(({ lost = [] }) => lost.map(({ kind }) => kind));
  }
}

/** Does the loss happen on this route? A store that copies inside itself has tags, and is sent no checksum. */
function applies(route: string, [, features, [kind]]: (typeof ways)[number]): boolean {
  if (route === 'server-side copy') return kind !== 'checksum' && features.tags !== 'refused';
  return route !== 'put' || features.tagsOfCopiesAndUploads !== false;
}

describe.each(routes)('the route %s', (...route) => {
  const relevant = ways.filter((way) => applies(route[0], way));

  it.each(relevant)('to a store that %s: each copy says so', async (_name, features, lost, destination) => {
    const way = new Route(route, features, { destination });
    const context = way.world.context();
    for (const key of ['one', 'two']) {
      await way.put(key);
      await way.copy(key, context);
      expect(way.world.copied(key)?.bytes.length).toBe(route[2]);
      expect([key, way.lostOf(key)]).toEqual([key, lost]);
    }
    expect(way.outcomes()).toEqual([lost, lost]);
  });

  it.each(relevant)('of a strict task to a store that %s', async (_name, features, lost, destination, isKnown) => {
    const way = new Route(route, features, { destination, strict: true });
    const context = way.world.context();
    for (const [index, key] of ['one', 'two'].entries()) {
      await way.put(key);
      const failure = await failureOf(way.copy(key, context));
      expect(failure).toMatchObject({ name: 'AttributeLost', retry: 'never' });
      expect(failure.message).toContain(`destination: "${key}" would lack`);
      // What a store silently ignores shows once in a process.
      expect([key, way.world.copied(key) === undefined]).toEqual([key, isKnown || index > 0]);
    }
    expect(way.lostOf('one')).toBeUndefined();
    expect(lost).toHaveLength(1);
  });

  it('to a store that keeps everything: nothing is lost, and one look shows it', async () => {
    const way = new Route(route, {}, { destination: { storageClass: 'STANDARD_IA' }, strict: true });
    const context = way.world.context();
    const looks: number[] = [];
    for (const key of ['one', 'two', 'three']) {
      await way.put(key);
      way.world.gate.forgetCounts();
      await way.copy(key, context);
      looks.push(way.world.gate.count('head'));
      expect(way.lostOf(key)).toBeUndefined();
    }
    expect(looks[1]).toBe(looks[2]);
    expect(way.outcomes()).toEqual([[], [], []]);
  });

  it('of an object with something that no copy carries', async () => {
    for (const strict of [false, true]) {
      const way = new Route(route, {}, { strict });
      await way.put('k');
      const bucket = way.world.sourceStorage.bucket('source');
      bucket.write('k', { ...bucket.get('k')!, uncarried: ['metadata', 'objectLock'] }, false);
      const copy = way.copy('k', way.world.context());
      if (strict) {
        expect(await failureOf(copy)).toMatchObject({ name: 'AttributeLost' });
        expect(way.world.copied('k')).toBeUndefined();
      } else {
        await copy;
        expect(way.lostOf('k')).toEqual(['metadata', 'objectLock']);
      }
    }
  });
});

describe('what a store is believed', () => {
  it('is looked at for each name, and for each value that is unusual', async () => {
    const way = new Route(routes[0]!, {});
    const context = way.world.context();
    const looks: number[] = [];
    for (const [index, metadata] of [{ a: 'x' }, { a: 'y' }, { b: 'x' }, { b: 'ü' }, { b: 'ä' }].entries()) {
      await way.put(String(index), { headers: {}, metadata, tags: {} });
      way.world.gate.forgetCounts();
      await way.copy(String(index), context);
      looks.push(way.world.gate.count('head'));
    }
    const [known] = [looks[1]!];
    expect(looks).toEqual([known + 1, known, known + 1, known + 1, known + 1]);
  });

  it('is nothing that another writer has replaced meanwhile', async () => {
    const way = new Route(routes[0]!, {});
    await way.put('k');
    way.world.at('after', 'put', () => {
      const bucket = way.world.destinationStorage.bucket('destination');
      bucket.write('k', { ...bucket.get('k')!, etag: 'f'.repeat(32), metadata: {} }, false);
    });
    await way.copy('k', way.world.context());
    expect(way.lostOf('k')).toBeUndefined();
  });

  it('is remembered for ten minutes by a strict task, for the store may be changed', async () => {
    const way = new Route(routes[0]!, { metadata: false }, { strict: true });
    const context = way.world.context();
    for (const [key, isWritten] of [
      ['one', true],
      ['two', false],
    ] as const) {
      await way.put(key);
      await failureOf(way.copy(key, context));
      expect(way.world.copied(key) !== undefined).toBe(isWritten);
    }
    way.world.clock.pass(10 * 60_000);
    await failureOf(way.copy('two', context));
    expect(way.world.copied('two')).toBeDefined();
  });
});

describe('a copy whose record was lost', () => {
  it('is recorded with its losses when its job finds it done', async () => {
    const way = new Route(routes[0]!, { tags: 'refused' });
    await way.put('k');
    way.world.at('before', 'ledger.close', () => {
      throw new Error('no ledger');
    });
    await failureOf(way.world.transfer('k'));
    way.world.revive();
    expect(await way.world.transfer('k')).toMatchObject({ route: 'skip' });
    expect(way.world.ledger.entries()).toMatchObject([{ status: 'SKIPPED', lost: ['tags'] }]);
  });

  it('of an object that keeps its tags lacks nothing', async () => {
    const way = new Route(routes[0]!, { tagCounts: false });
    await way.put('k');
    await way.world.transfer('k');
    expect(await way.world.transfer('k')).toMatchObject({ route: 'skip' });
    expect(way.lostOf('k')).toBeUndefined();
  });
});

describe('an upload that was begun without something', () => {
  it('is not completed once its task is strict', async () => {
    const way = new Route(routes[1]!, { tags: 'refused' });
    await way.put('k');
    way.world.at('before', 'completeUpload', () => way.world.kill());
    await failureOf(way.world.transfer('k'));
    way.world.revive();
    const strict = { ...way.world.task, strict: true };
    expect(await failureOf(way.world.transfer('k', { task: strict }))).toMatchObject({ name: 'AttributeLost' });
    expect(way.world.copied('k')).toBeUndefined();
    expect(await way.world.transfer('k')).toMatchObject({ lost: [{ kind: 'tags' }] });
  });
});
