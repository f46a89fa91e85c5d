/** How a run that was started stands. */
export interface RunState {
  readonly status: 'running' | 'done' | 'failed';
  /** of a run that failed: the fault and its message */
  readonly reason?: string;
}

/** Runs of tasks: executions of the SYNC machine. */
export interface Runs {
  /** Starts a run. @returns its name */
  start(input: { readonly task: string; readonly checkOnly?: boolean }): Promise<string>;

  state(task: string, run: string): Promise<RunState>;
}

/** Whether the run with a name is under way. `unknown`: no run of that name is known, or it is not visible yet. */
export type RunExistence = 'running' | 'ended' | 'unknown';

/** Looks for runs by their names. */
export interface RunExecutions {
  existence(run: string): Promise<RunExistence>;
}

/** Finds runs, for commands about them. */
export interface KnownRuns {
  /** The task of a run; undefined if there is no such run (any more). */
  taskOf(run: string): Promise<string | undefined>;

  /** The runs of a task that are under way. */
  underWay(task: string): Promise<string[]>;
}
