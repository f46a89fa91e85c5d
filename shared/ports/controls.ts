import type { Control } from '../model/control.ts';

/** What operators have decided about each task and its runs. */
export interface Controls {
  /** @throws Fault `Unavailable`, also one that names the item if what it holds is no {@link Control} */
  read(task: string): Promise<Control>;

  /**
   * Changes what is decided about a task. Of several callers at the same time, each changes what the one before wrote.
   * @param change may be called more than once; if it returns its argument, nothing is written
   * @returns what is decided now
   * @throws Fault as `read`, and what `change` throws
   */
  change(task: string, change: (control: Control) => Control): Promise<Control>;
}
