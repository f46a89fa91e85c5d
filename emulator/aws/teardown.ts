/** Stops one thing that was started. `graceMillis`: how long its current work may take. */
type Step = (graceMillis: number) => unknown;

/** The steps that stop what was started, run in reverse order. */
export class Teardown {
  readonly #steps: Step[] = [];
  #running: Promise<void> | undefined;

  add(step: Step): void {
    this.#steps.push(step);
  }

  /**
   * Runs all steps once; later calls wait for the first. A step that fails does not keep the others from running.
   * @throws the first failure
   */
  run(graceMillis: number): Promise<void> {
    this.#running ??= this.#run(graceMillis);
    return this.#running;
  }

  async #run(graceMillis: number): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step(graceMillis);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
