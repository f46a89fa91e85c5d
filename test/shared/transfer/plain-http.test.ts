import { describe, expect, it } from '@jest/globals';
import type { StoreName } from '../../../shared/model/stores/stores.ts';
import type { CheckUploadInput } from '../../../shared/model/messages/payloads.ts';
import type { StoreFeatures } from '../../../shared/ports/memory/features.ts';
import { checkUpload } from '../../../shared/transfer/steps/check-upload.ts';
import { planUpload } from '../../../shared/transfer/steps/plan-upload.ts';
import { sendBatch } from '../../../shared/transfer/steps/send-batch.ts';
import { MemoryWorld, partSize } from '../../support/memory-world.ts';
import { bytesOf } from '../../support/objects.ts';
import { runUpload } from '../../support/upload-machine.ts';

/** What proves the bytes of a source without TLS: docs/decisions, "Read twice what nothing else proves". */

interface Way {
  readonly from: StoreName;
  readonly to: StoreName;
  readonly scheme?: 'http' | 'https';
  readonly source?: Partial<StoreFeatures>;
  readonly destination?: Partial<StoreFeatures>;
  readonly opaque?: { readonly source?: boolean; readonly destination?: boolean };
}

function worldOf({ from, to, scheme = 'http', ...features }: Way): MemoryWorld {
  return new MemoryWorld({
    task: {
      source: { store: from, endpoint: `${scheme}://from.example`, ...(scheme === 'http' && { insecure: true }) },
      destination: { store: to, endpoint: 'https://to.example' },
    },
    minPartBytes: partSize,
    ...features,
  });
}

/** Three parts. */
const bytes = bytesOf(2 * partSize + 7);
const oss: Partial<StoreFeatures> = { upperCaseEtags: true, multipartMd5s: false, checksums: 'ignored' };
const noChecksums: Partial<StoreFeatures> = { checksums: 'ignored' };

/** Damages the n-th read of the source. */
function damageRead(world: MemoryWorld, ...numbers: readonly number[]): void {
  let reads = 0;
  world.gate.hooks = {
    wire: (call, body) => {
      if (call.operation !== 'get' || !numbers.includes(++reads)) return body;
      const damaged = Buffer.from(body);
      damaged[damaged.length >> 1]! ^= 1;
      return damaged;
    },
  };
}

async function withSource(way: Way, parts?: readonly number[]): Promise<MemoryWorld> {
  const world = worldOf(way);
  if (parts) await world.uploadSource(bytes, parts);
  else await world.putSource(bytes);
  return world;
}

describe.each<[string, Way]>([
  ['Aliyun OSS to S3', { from: 'aliyun-oss', to: 'aws', source: oss }],
  ['S3 to Aliyun OSS', { from: 'aws', to: 'aliyun-oss', destination: oss }],
  ['MinIO to S3', { from: 'minio', to: 'aws', source: noChecksums }],
  ['an unknown store to another', { from: 's3-compatible', to: 's3-compatible', source: noChecksums }],
  [
    'Ceph to a bucket of S3 with a KMS key',
    { from: 'ceph', to: 'aws', source: noChecksums, opaque: { destination: true } },
  ],
  [
    'OSS to a gateway that encrypts',
    {
      from: 'aliyun-oss',
      to: 's3-compatible',
      source: oss,
      opaque: { destination: true },
      destination: { ...noChecksums, saysOpaque: false },
    },
  ],
])('over plain HTTP, %s', (_name, way) => {
  it.each([1, 2, 3, 4, 5, 6])('a changed bit in read %i of an object of one PUT is mended', async (read) => {
    const world = await withSource(way);
    damageRead(world, read);
    await world.transfer();
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    expect(world.openUploads()).toEqual([]);
    expect(world.buffers.used).toBe(0);
  });

  it.each([1, 2, 3, 4, 5, 6])('a changed bit in read %i of an execution is mended', async (read) => {
    const world = await withSource(way);
    damageRead(world, read);
    await runUpload(() => world.context(), world.job());
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    expect(world.openUploads()).toEqual([]);
  });
});

describe('over plain HTTP', () => {
  const way: Way = { from: 'minio', to: 'aws', source: noChecksums };

  it('only the part that differs is sent again', async () => {
    const world = await withSource(way);
    damageRead(world, 2);
    await world.transfer();
    // Three parts, one that makes the damaged one count as missing, and its second copy.
    expect(world.gate.count('uploadPart')).toBe(5);
    // The object, the object again, the damaged part twice more; then it is sent, and read with the part after it.
    expect(world.gate.count('get')).toBe(3 + 3 + 1 + 1 + 3);
  });

  it('a bit that changes in the second read costs a third, and nothing is sent again', async () => {
    const world = await withSource(way);
    damageRead(world, 5);
    await world.transfer();
    expect(world.gate.count('uploadPart')).toBe(3);
    expect(world.gate.count('get')).toBe(3 + 3 + 1);
  });

  it('nothing is read twice that the ETag proves', async () => {
    const world = await withSource(way, [partSize, partSize, 7]);
    await world.transfer();
    expect(world.copied()?.etag).toBe(world.sourceObject()?.etag);
    expect(world.gate.count('get')).toBe(3);
  });

  it('nothing is read twice that Complete compares by the checksum of the source', async () => {
    const world = await withSource({ from: 'aws', to: 'aws' });
    await world.transfer();
    expect(world.gate.count('get')).toBe(3);
  });

  it('an object in one PUT whose ETag proves nothing is read twice, and one whose ETag is its MD5 is not', async () => {
    for (const [opaque, reads] of [
      [true, 2],
      [false, 1],
    ] as const) {
      const world = worldOf({ ...way, opaque: { source: opaque } });
      await world.putSource(bytesOf(11));
      await world.transfer();
      expect(world.gate.count('get')).toBe(reads);
      damageRead(world, 1);
      await world.putSource(bytesOf(11, 'newer'));
      await world.transfer();
      expect(world.copied()?.bytes.equals(bytesOf(11, 'newer'))).toBe(true);
    }
  });

  it('a check whose time runs short goes on where it stopped', async () => {
    const world = await withSource(way);
    const job = world.job();
    const state = await planUpload(world.context(), { job, attempt: 0 });
    if (state.state !== 'uploading') throw new Error(state.state);
    for (const batch of state.batches) await sendBatch(world.context(), { job, target: state.target, batch });
    const reads: number[] = [];
    let input: CheckUploadInput = state;
    for (const time of [2, 1, Infinity]) {
      const before = world.gate.count('get');
      let left = time;
      const deadline = { remaining: () => (left-- > 0 ? 120_000 : 0) };
      input = JSON.parse(JSON.stringify(await checkUpload(world.context({ deadline }), input))) as CheckUploadInput;
      reads.push(world.gate.count('get') - before);
    }
    expect(input.state).toBe('finished');
    // Two parts; the first again and no more; the first again and the last.
    expect(reads).toEqual([2, 1, 2]);
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
  });

  it('an execution without the time for one part is stuck, in the end', async () => {
    const world = await withSource(way);
    const deadline = { remaining: () => (world.gate.count('uploadPart') === 3 ? 0 : Infinity) };
    const run = runUpload(() => world.context({ deadline }), world.job());
    await expect(run).rejects.toMatchObject({ name: 'UploadStuck' });
  });
});

describe('over TLS', () => {
  it.each<Way>([
    { from: 'aliyun-oss', to: 'aws', source: oss },
    { from: 'minio', to: 'aws', source: noChecksums },
    { from: 'aws', to: 'aliyun-oss', destination: oss },
  ])('an object of one PUT is read once: $from to $to', async (way) => {
    const world = await withSource({ ...way, scheme: 'https' });
    await world.transfer();
    expect(world.gate.count('get')).toBe(3);
  });
});
