/**
 * A process that can be killed at any moment: what it calls is what others see of it, and once it is dead nothing more
 * of it is seen. A call that was on its way when it died may still take effect, as a request that was sent does.
 */
export class MortalProcess {
  #dead = false;
  readonly #onDeath: (() => void)[] = [];

  kill(): void {
    this.#dead = true;
    for (const tell of this.#onDeath) tell();
  }

  /** `port` as this process calls it. */
  port<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        const call = member.bind(target) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (this.#dead) return never;
          const result = call(...args);
          return result instanceof Promise ? this.#unlessDead(result) : result;
        };
      },
    });
  }

  /** The work's end, or the process's. */
  async run<Result>(work: Promise<Result>): Promise<Result | 'killed'> {
    const death = new Promise<'killed'>((resolve) => this.#onDeath.push(() => resolve('killed')));
    return Promise.race([work, death]);
  }

  async #unlessDead<Result>(result: Promise<Result>): Promise<Result> {
    try {
      const value = await result;
      return this.#dead ? await never : value;
    } catch (error) {
      if (this.#dead) return await never;
      throw error;
    }
  }
}

/** What a dead process waits for. */
const never = new Promise<never>(() => undefined);
