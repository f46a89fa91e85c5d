import { afterAll, beforeEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { OpenUploads } from '../../shared/ports/open-uploads.ts';

/** What a counter of executions must do. */
interface Subject {
  readonly open: OpenUploads;
  close(): Promise<void>;
}

/** The contract of the port OpenUploads. @param make a counter that was never written */
export function describeOpenUploads(name: string, make: () => Promise<Subject>): void {
  describe(`the counter of open uploads: ${name}`, () => {
    let subject: Subject;
    let open: OpenUploads;
    beforeAll(async () => {
      subject = await make();
      open = subject.open;
    });
    afterAll(() => subject.close());
    beforeEach(async () => {
      while ((await open.count()) > 0) await open.release();
    });

    it('is 0 at first, and never less', async () => {
      expect(await open.count()).toBe(0);
      await open.release();
      expect(await open.count()).toBe(0);
    });

    it('admits as many as the limit, also if all ask at the same moment', async () => {
      const admitted = await Promise.all(Array.from({ length: 20 }, () => open.admit(7)));
      expect(admitted.filter(Boolean)).toHaveLength(7);
      expect(await open.count()).toBe(7);
      await open.release();
      expect(await open.admit(7)).toBe(true);
      expect(await open.admit(7)).toBe(false);
      // The limit may change while executions run.
      expect(await open.admit(3)).toBe(false);
      expect(await open.admit(8)).toBe(true);
    });

    it('lets one caller compare it in each interval', async () => {
      await open.admit(9);
      const began = await Promise.all(Array.from({ length: 5 }, () => open.beginComparison(1_000, 0)));
      expect(began.filter((one) => one !== undefined)).toEqual([{ count: 1, lastDifference: 0 }]);
      expect(await open.beginComparison(1_500, 500)).toBeUndefined();
      await open.endComparison(4, 0);
      expect(await open.count()).toBe(1);
      expect(await open.beginComparison(3_000, 2_000)).toEqual({ count: 1, lastDifference: 4 });
      await open.endComparison(4, 4);
      expect(await open.count()).toBe(5);
    });

    it('is corrected while others count, and not below 0', async () => {
      await open.admit(9);
      await open.admit(9);
      await open.beginComparison(5_000, 4_000);
      await open.release();
      await open.endComparison(-2, -2);
      expect(await open.count()).toBe(0);
      expect(await open.beginComparison(7_000, 6_000)).toEqual({ count: 0, lastDifference: -2 });
      await open.endComparison(3, 3);
      expect(await open.count()).toBe(3);
    });
  });
}
