import type { Job } from '../model/job.ts';

/** Executions of the UPLOAD machine. */
export interface Uploads {
  /**
   * Sees to it that an execution for the job's object and version is running: starts one, or finds that one runs.
   * @returns its name, and whether this call started it
   */
  start(job: Job): Promise<{ readonly execution: string; readonly started: boolean }>;
}

/** What names the execution of a job: one version of one object. */
export type JobVersion = Readonly<Pick<Job, 'task' | 'key' | 'size' | 'etag'>>;

/** Looks for executions of the UPLOAD machine. */
export interface UploadExecutions {
  /**
   * Is an execution running that was started for this version of the object? One that goes on with a later version than
   * it was started for is not found under that later version.
   * @param job with the `size` and `etag` of the version
   */
  isRunning(job: JobVersion): Promise<boolean>;
}
