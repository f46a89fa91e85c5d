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
