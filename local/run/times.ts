/** The steps of the main job, in their order. */
export const steps = ['prepare', 'load', 'deploy', 'sync', 'verify', 'event', 'again'] as const;
export type Step = (typeof steps)[number];

/** What a step took. */
export interface StepTime {
  /** seconds by the clock */
  readonly seconds: number;
  /** CPU seconds of this process (store, services, functions), without child processes (bundler, CDK, workers) */
  readonly cpuSeconds: number;
  /** CPU seconds of its main thread: store and services. The rest are functions, users' threads, and helpers of Node */
  readonly servicesCpuSeconds: number;
}

/** Measures the steps, one after the other. */
export class Times {
  readonly #steps = new Map<Step, StepTime>();

  /** Runs a step. */
  async of<Result>(step: Step, work: () => Promise<Result>): Promise<Result> {
    const began = performance.now();
    const cpu = process.cpuUsage();
    const services = process.threadCpuUsage();
    try {
      return await work();
    } finally {
      this.#steps.set(step, {
        seconds: (performance.now() - began) / 1000,
        cpuSeconds: secondsOf(process.cpuUsage(cpu)),
        servicesCpuSeconds: secondsOf(process.threadCpuUsage(services)),
      });
    }
  }

  /** What the steps so far took. */
  get all(): Readonly<Record<Step, StepTime>> {
    const none: StepTime = { seconds: 0, cpuSeconds: 0, servicesCpuSeconds: 0 };
    const entries = steps.map((step) => [step, this.#steps.get(step) ?? none] as const);
    return Object.fromEntries(entries) as Record<Step, StepTime>;
  }
}

function secondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6;
}
