import type { Job } from '../model/job.ts';

/** Executions of the UPLOAD machine. */
export interface Uploads {
  /**
   * Ensures that an execution for this version of the job's object is running.
   * @returns its name, and whether this call started it
   */
  start(job: Job): Promise<{ readonly execution: string; readonly started: boolean }>;
}

/** Counts executions of the UPLOAD machine. */
export interface RunningUploads {
  /** how many are running, no matter what started them; one that began a moment ago may be missing */
  countRunning(): Promise<number>;
}

/** One version of one object, which determines an execution's name. */
export type JobVersion = Readonly<Pick<Job, 'task' | 'size' | 'etag'> & { key: string }>;

/** Looks for executions of the UPLOAD machine. */
export interface UploadExecutions {
  /**
   * Is an execution running that was started for this version of the object? An execution that has moved on to a later
   * version is not found under that version.
   * @param job with the `size` and `etag` of the version
   */
  isRunning(job: JobVersion): Promise<boolean>;
}
