import type { Job } from '../model/job.ts';

/** Executions of the UPLOAD machine. */
export interface Uploads {
  /**
   * Sees to it that an execution for the job's object and version is running: starts one, or finds that one runs.
   * @returns its name, and whether this call started it
   */
  start(job: Job): Promise<{ readonly execution: string; readonly started: boolean }>;
}
