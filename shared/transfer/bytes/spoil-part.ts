import type { Part } from '../../model/part-plan.ts';
import type { PartAddress } from '../../ports/object-store.ts';
import { hexToBase64, startChecksum, startMd5 } from './digest.ts';
import type { PartContext } from '../context.ts';

/**
 * Makes a part unlike its plan. A store that ignores checksums keeps what arrived damaged, and ListParts would show it
 * as a part that is there: whoever resumes the upload compares numbers and sizes, and would complete it. No call takes a
 * part away, but a byte in its place has the wrong size.
 */
export async function spoilPart(context: PartContext, address: PartAddress, { start, end }: Part): Promise<void> {
  const data = Buffer.alloc(end - start === 1 ? 2 : 1);
  if (address.checksum) {
    const running = await startChecksum(address.checksum);
    running.update(data);
    const checksum = { algorithm: address.checksum, value: running.base64() };
    await context.destination.uploadPart(address, { data, size: data.length, checksum });
    return;
  }
  const hash = startMd5();
  hash.update(data);
  await context.destination.uploadPart(address, { data, size: data.length, md5: hexToBase64(hash.hex()) });
}
