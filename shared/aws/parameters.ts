import { GetParameterCommand, GetParametersByPathCommand, type SSMClient } from '@aws-sdk/client-ssm';
import * as v from 'valibot';
import { Fault, isFault } from '../model/faults.ts';
import { taskNameSchema } from '../model/job.ts';
import { quoted } from '../model/text.ts';
import { brokenTask, parseTask, type BrokenTask, type Task } from '../model/config/task.ts';
import { systemClock } from '../ports/clock.ts';
import { faultOf } from './faults.ts';
import { pages } from './pages.ts';
import { Remembered, type RememberedOptions } from './remembered.ts';

/** Parameter Store: the most parameters in an answer of GetParametersByPath. */
const parametersPerPage = 10;
/** Requests that a read of all tasks is taken for until one was made. */
const assumedPages = 3;
/** Tasks that were asked for within this time count as used. */
const usedMillis = 60_000;

export interface ParametersOptions extends Partial<RememberedOptions> {
  /** may this process read all tasks with one request? Then it does, if its own tasks would take more */
  readonly readsAll?: boolean;
}

/**
 * The tasks in Parameter Store, read again within a minute, and the secrets beside them, which are not remembered.
 * Parameter Store answers 40 requests a second, of all processes of an account (AWS General Reference: Systems Manager
 * quotas), so each process makes as few as it can, and goes on with what it knows when it is refused.
 */
export class Parameters {
  readonly #client: SSMClient;
  readonly #tasksPath: string;
  readonly #options: RememberedOptions & { readonly readsAll: boolean };
  readonly #single = new Map<string, Remembered<Task>>();
  readonly #all: Remembered<readonly (Task | BrokenTask)[]>;
  readonly #used = new Map<string, number>();
  #pagesOfAll = assumedPages;

  /** @param tasksPath ends with a slash; each task is a parameter below it */
  constructor(client: SSMClient, tasksPath: string, options: ParametersOptions = {}) {
    this.#client = client;
    this.#tasksPath = tasksPath;
    this.#options = {
      clock: systemClock,
      random: () => Math.random(),
      onStale: () => undefined,
      readsAll: false,
      ...options,
    };
    this.#all = new Remembered(() => this.#readAll(), this.#options);
  }

  /** One task. @throws Fault `UnknownTask`, or `InvalidTask` with every fault of its configuration */
  async task(name: string): Promise<Task> {
    if (!v.is(taskNameSchema, name)) throw unknownTask(name, this.#tasksPath);
    const found = (await this.#allIfFewer(name))?.find((task) => task.name === name);
    // A task that is new, or not valid, is read alone: its fault says why.
    if (found && !('broken' in found)) return found;
    let single = this.#single.get(name);
    if (!single) this.#single.set(name, (single = new Remembered(() => this.#readOne(name), this.#options)));
    try {
      return await single.get();
    } catch (error) {
      this.#single.delete(name);
      throw error;
    }
  }

  /** All tasks. One that is not valid does not hide the others. */
  async tasks(): Promise<readonly (Task | BrokenTask)[]> {
    return this.#all.get();
  }

  /**
   * The text of a SecureString, not remembered.
   * @throws Fault `CredentialsRefused` if it does not exist
   */
  async secret(name: string): Promise<string> {
    const text = await this.#read(name, true);
    if (text === undefined) throw new Fault('CredentialsRefused', `parameter ${name} with credentials does not exist`);
    return text;
  }

  /** All tasks, if they are known anyway, or take fewer requests than those that this process uses. */
  async #allIfFewer(name: string): Promise<readonly (Task | BrokenTask)[] | undefined> {
    if (!this.#options.readsAll) return undefined;
    const now = this.#options.clock.now();
    this.#used.set(name, now);
    for (const [other, at] of this.#used) if (now - at > usedMillis) this.#used.delete(other);
    return this.#all.fresh ?? (this.#used.size > this.#pagesOfAll ? this.#all.get() : undefined);
  }

  async #readOne(name: string): Promise<Task> {
    const text = await this.#read(this.#tasksPath + name, false);
    if (text === undefined) throw unknownTask(name, this.#tasksPath);
    return parseTask(text, `task ${name} (parameter ${this.#tasksPath}${name})`);
  }

  async #readAll(): Promise<(Task | BrokenTask)[]> {
    const tasks: (Task | BrokenTask)[] = [];
    const what = `GetParametersByPath ${this.#tasksPath}`;
    const Path = this.#tasksPath.replace(/\/$/, '');
    let count = 0;
    const parameters = pages(what, async (token: string | undefined) => {
      const input = { Path, MaxResults: parametersPerPage, ...(token !== undefined && { NextToken: token }) };
      const page = await this.#client.send(new GetParametersByPathCommand(input)).catch((error: unknown) => {
        throw faultOf(error, what);
      });
      count++;
      return { items: page.Parameters ?? [], truncated: page.NextToken !== undefined, next: page.NextToken };
    });
    for await (const page of parameters) {
      for (const { Name = '?', Value = '' } of page) tasks.push(readTask(Name, Value));
    }
    this.#pagesOfAll = count;
    return tasks;
  }

  async #read(name: string, secret: boolean): Promise<string | undefined> {
    try {
      const { Parameter } = await this.#client.send(new GetParameterCommand({ Name: name, WithDecryption: secret }));
      return Parameter?.Value;
    } catch (error) {
      if (error instanceof Error && error.name === 'ParameterNotFound') return undefined;
      throw faultOf(error, `GetParameter ${name}`);
    }
  }
}

function readTask(parameter: string, text: string): Task | BrokenTask {
  try {
    return parseTask(text, `parameter ${parameter}`);
  } catch (error) {
    if (!isFault(error, 'InvalidTask')) throw error;
    return brokenTask(parameter.slice(parameter.lastIndexOf('/') + 1), text);
  }
}

function unknownTask(name: string, path: string): Fault {
  return new Fault('UnknownTask', `task: found ${quoted(name, 80)}, expected the name of a parameter below ${path}`);
}
