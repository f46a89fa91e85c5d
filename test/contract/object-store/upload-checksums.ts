import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { objectKey } from '../../../shared/model/object-key.ts';
import { checksumAlgorithms } from '../../../shared/model/object.ts';
import { checksumOf, part, type Kit } from './kit.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

/** Checksums of uploads in parts. */
export function describeUploadChecksums(kit: Kit): void {
  describe('checksums of uploads', () => {
    if (!kit.hasChecksums) {
      it('are ignored: a wrong one, and a wrong size, are accepted', async () => {
        const [uploadId, parts] = await kit.upload('wrong', [1000], 'CRC32');
        expect(parts[0]).not.toHaveProperty('checksum');
        const expected = {
          size: 999,
          algorithm: 'CRC32' as const,
          checksum: await checksumOf('CRC32', Buffer.from('x')),
        };
        await expect(kit.one.completeUpload(objectKey('wrong'), uploadId, parts, expected)).resolves.toHaveProperty(
          'etag',
        );
        expect((await kit.one.head(objectKey('wrong'), { checksum: true }))?.checksum).toBeUndefined();
      });
      return;
    }

    it('refuse a size other than the announced one', async () => {
      const [uploadId, parts] = await kit.upload('size', [1000]);
      await expect(kit.one.completeUpload(objectKey('size'), uploadId, parts, { size: 999 })).rejects.toMatchObject({
        name: 'VerificationFailed',
      });
      expect(await kit.one.head(objectKey('size'))).toBeUndefined();
      await kit.one.completeUpload(objectKey('size'), uploadId, parts, { size: 1000 });
    });

    const algorithms = checksumAlgorithms.filter((algorithm) => kit.can.uploadChecksums.includes(algorithm));
    const others = checksumAlgorithms.filter((algorithm) => !algorithms.includes(algorithm));
    if (others.length > 0) {
      it.each(others)('%s is refused', async (algorithm) => {
        const created = kit.one.createUpload(objectKey('other'), noAttributes, algorithm);
        await expect(created).rejects.toMatchObject({ name: expect.stringMatching(/^(NotSupported|Refused)$/) });
      });
    }

    it.each(algorithms)('%s is confirmed for parts, listed, and compared for the whole', async (algorithm) => {
      const [uploadId, parts] = await kit.upload(`crc-${algorithm}`, [part, 1000], algorithm);
      const all = [bytesOf(part, 1), bytesOf(1000, 2)];
      const values = await Promise.all(all.map((bytes) => checksumOf(algorithm, bytes)));
      expect(parts.map(({ checksum }) => checksum)).toEqual(values);
      const listed = await kit.one.listParts(objectKey(`crc-${algorithm}`), uploadId);
      expect(listed.map(({ checksum }) => checksum)).toEqual(values);
      const whole = await checksumOf(algorithm, Buffer.concat(all));
      const wrong = { size: part + 1000, algorithm, checksum: values[0]! };
      const refused = kit.one.completeUpload(objectKey(`crc-${algorithm}`), uploadId, listed, wrong);
      await expect(refused).rejects.toMatchObject({ name: 'VerificationFailed' });
      expect(await kit.one.head(objectKey(`crc-${algorithm}`))).toBeUndefined();
      await kit.one.completeUpload(objectKey(`crc-${algorithm}`), uploadId, listed, { ...wrong, checksum: whole });
      const head = await kit.one.head(objectKey(`crc-${algorithm}`), { checksum: true });
      expect(head?.checksum).toEqual({ algorithm, value: whole });
    });

    it.each(algorithms)('%s of a part with wrong bytes is refused', async (algorithm) => {
      const { uploadId } = await kit.one.createUpload(objectKey('bad-crc'), noAttributes, algorithm);
      const checksum = { algorithm, value: await checksumOf(algorithm, Buffer.from('other')) };
      const address = { key: objectKey('bad-crc'), uploadId, number: 1, checksum: algorithm };
      const sent = kit.one.uploadPart(address, { data: bytesOf(1000), size: 1000, checksum });
      await expect(sent).rejects.toMatchObject({ name: 'VerificationFailed' });
      await kit.one.abortUpload(objectKey('bad-crc'), uploadId);
    });

    it.each(algorithms)('%s of a part that streams is confirmed', async (algorithm) => {
      const { uploadId } = await kit.one.createUpload(objectKey('stream'), noAttributes, algorithm);
      const bytes = bytesOf(300_000);
      const data = Readable.from([bytes.subarray(0, 100), bytes.subarray(100, 200_000), bytes.subarray(200_000)]);
      const address = { key: objectKey('stream'), uploadId, number: 1, checksum: algorithm };
      const stored = await kit.one.uploadPart(address, { data, size: bytes.length });
      expect(stored.checksum).toBe(await checksumOf(algorithm, bytes));
      await kit.one.completeUpload(objectKey('stream'), uploadId, [stored], { size: bytes.length, algorithm });
      expect((await kit.read('stream'))?.equals(bytes)).toBe(true);
    });
  });
}
