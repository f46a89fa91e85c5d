import type { Job } from '../../model/job.ts';
import type { JobVersion, RunningUploads, UploadExecutions, Uploads } from '../uploads.ts';
import { Gate } from './gate.ts';

/** Executions of the UPLOAD machine in memory, which run until a test ends them. */
export class MemoryUploads implements Uploads, UploadExecutions, RunningUploads {
  /** the executions that were started, in order, each with its job */
  readonly started: { readonly execution: string; readonly job: Job }[] = [];
  readonly #gate: Gate;
  readonly #running = new Map<string, string>();

  constructor(gate = new Gate()) {
    this.#gate = gate;
  }

  async start(job: Job): Promise<{ execution: string; started: boolean }> {
    return this.#gate.pass({ operation: 'uploads.start', bucket: 'uploads', key: job.key }, () => {
      const identity = identityOf(job);
      const running = this.#running.get(identity);
      if (running !== undefined) return { execution: running, started: false };
      const execution = `execution-${this.started.length + 1}`;
      this.#running.set(identity, execution);
      this.started.push({ execution, job });
      return { execution, started: true };
    });
  }

  async isRunning(job: JobVersion): Promise<boolean> {
    return this.#gate.pass({ operation: 'uploads.isRunning', bucket: 'uploads', key: job.key }, () =>
      this.#running.has(identityOf(job)),
    );
  }

  async countRunning(): Promise<number> {
    return this.#gate.pass({ operation: 'uploads.countRunning', bucket: 'uploads', key: '' }, () => this.#running.size);
  }

  /** Ends an execution: the next job for the same version starts another one. */
  end(execution: string): void {
    for (const [identity, name] of this.#running) if (name === execution) this.#running.delete(identity);
  }
}

function identityOf({ task, key, etag, size }: JobVersion): string {
  return JSON.stringify([task, key, etag, size]);
}
