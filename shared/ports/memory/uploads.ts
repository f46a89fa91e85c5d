import type { Job } from '../../model/job.ts';
import type { Uploads } from '../uploads.ts';
import { Gate } from './gate.ts';

/** The twin of Uploads: executions that run until a test ends them. */
export class MemoryUploads implements Uploads {
  /** the jobs of the executions that were started, in order */
  readonly started: { readonly execution: string; readonly job: Job }[] = [];
  readonly #gate: Gate;
  readonly #running = new Map<string, string>();

  constructor(gate = new Gate()) {
    this.#gate = gate;
  }

  async start(job: Job): Promise<{ execution: string; started: boolean }> {
    return this.#gate.pass({ operation: 'uploads.start', bucket: 'uploads', key: job.key }, () => {
      const identity = JSON.stringify([job.task, job.key, job.etag, job.size]);
      const running = this.#running.get(identity);
      if (running !== undefined) return { execution: running, started: false };
      const execution = `execution-${this.started.length + 1}`;
      this.#running.set(identity, execution);
      this.started.push({ execution, job });
      return { execution, started: true };
    });
  }

  /** Ends an execution: the next job for the same version starts another. */
  end(execution: string): void {
    for (const [identity, name] of this.#running) if (name === execution) this.#running.delete(identity);
  }
}
