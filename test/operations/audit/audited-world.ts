import { auditTask, type AuditResult } from '../../../operations/audit/audit-task.ts';
import type { AuditContext } from '../../../operations/audit/context.ts';
import type { Finding } from '../../../operations/audit/finding.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import type { DeadLetter } from '../../../shared/ports/redrive.ts';
import { MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { noAttributes } from '../../support/objects.ts';

/** A world with one task from `in/` to `out/`, and audits of it. */
export class Audit {
  readonly world: MemoryWorld;
  readonly queue: MemoryQueue;
  readonly letters: DeadLetter[] = [];
  readonly findings: Finding[] = [];
  restarts = 0;
  keys = 0;

  constructor({ task, ...options }: MemoryWorldOptions = {}) {
    const sides = { source: { prefix: 'in/' }, destination: { prefix: 'out/' } };
    this.world = new MemoryWorld({ task: { ...sides, ...task }, ...options });
    this.queue = new MemoryQueue({ clock: this.world.clock });
  }

  async run(more: Partial<AuditContext> = {}): Promise<AuditResult> {
    const { task, source, destination, ledger, clock } = this.world.context();
    this.findings.length = 0;
    return auditTask({
      ...{ task, source, destination, ledger, clock },
      lookup: this.world.ledger,
      executions: this.world.uploads,
      jobs: this.queue,
      deadLetters: new MemoryQueue(),
      letters: { receive: async () => [], release: async () => undefined },
      hasOtherTasks: false,
      depth: 'off',
      found: (finding) => this.findings.push(finding),
      compared: (keys) => (this.keys += keys),
      restarted: () => {
        this.restarts++;
        this.findings.length = 0;
      },
      ...more,
    });
  }

  /** Kinds and keys, in a fixed order. */
  async kinds(more: Partial<AuditContext> = {}): Promise<string[]> {
    await this.run(more);
    return this.findings.map(({ kind, key }) => `${kind} ${key ?? ''}`.trim()).sort();
  }

  async put(side: 'source' | 'destination', key: string, bytes: Buffer | string): Promise<void> {
    const data = Buffer.from(bytes);
    const storage = side === 'source' ? this.world.sourceStorage : this.world.destinationStorage;
    await new MemoryObjectStore(storage, side).put(objectKey(key), { data, size: data.length }, noAttributes);
  }

  /** Puts an object at the source, and copies it. */
  async copied(key: string, bytes: Buffer | string = `bytes of ${key}`): Promise<void> {
    await this.put('source', `in/${key}`, bytes);
    this.world.clock.pass(60_000);
    await this.world.transfer(`in/${key}`);
  }

  /** Archives the source's object. */
  archive(key: string): void {
    const bucket = this.world.sourceStorage.bucket('source');
    bucket.write(key, { ...bucket.get(key)!, readable: false, storageClass: 'GLACIER' }, false);
  }
}
