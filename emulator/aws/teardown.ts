/** How to end one thing that was started. `graceMilliseconds`: what it may take for work that is under way. */
type Step = (graceMilliseconds: number) => unknown;

/** What was started, so that it can be ended in the opposite order. */
export class Undo {
  readonly #steps: Step[] = [];
  #running: Promise<void> | undefined;

  add(step: Step): void {
    this.#steps.push(step);
  }

  /**
   * Ends everything, once: later calls wait for the first. One step that fails does not keep the others from ending.
   * @throws the first failure
   */
  run(graceMilliseconds: number): Promise<void> {
    this.#running ??= this.#run(graceMilliseconds);
    return this.#running;
  }

  async #run(graceMilliseconds: number): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step(graceMilliseconds);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
