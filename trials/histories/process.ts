/**
 * A process that can be killed at any moment. Others see it only by the calls it makes, and after its death it makes
 * none. A call that was under way when it died may still take effect, as a request that was sent does.
 */
export class MortalProcess {
  #dead = false;
  readonly #onDeath: (() => void)[] = [];

  kill(): void {
    this.#dead = true;
    for (const die of this.#onDeath) die();
  }

  /** @returns `port` as this process calls it */
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

  /** Runs work until it ends or the process is killed. */
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

/** The result of every call of a dead process. */
const never = new Promise<never>(() => undefined);
