import { GetParameterCommand, GetParametersByPathCommand, type SSMClient } from '@aws-sdk/client-ssm';
import * as v from 'valibot';
import { Fault, isFault } from '../model/faults.ts';
import { taskNameSchema } from '../model/job.ts';
import { quoted } from '../model/text.ts';
import { brokenTask, parseTask, type BrokenTask, type Task } from '../model/config/task.ts';
import { systemClock, type Clock } from '../ports/clock.ts';
import { faultOf } from './faults.ts';
import { pages } from './pages.ts';

/** How long a parameter is cached: a change takes effect within this time. */
const freshMillis = 60_000;

/** The tasks in Parameter Store, cached for a minute, and the secrets beside them, which are not cached. */
export class Parameters {
  readonly #client: SSMClient;
  readonly #tasksPath: string;
  readonly #clock: Clock;
  readonly #remembered = new Map<string, { readonly at: number; readonly value: Promise<unknown> }>();

  /** @param tasksPath ends with a slash; each task is a parameter below it */
  constructor(client: SSMClient, tasksPath: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#tasksPath = tasksPath;
    this.#clock = clock;
  }

  /** One task. @throws Fault `UnknownTask`, or `InvalidTask` with every fault of its configuration */
  async task(name: string): Promise<Task> {
    return this.#remember(`task ${name}`, async () => {
      if (!v.is(taskNameSchema, name)) throw unknownTask(name, this.#tasksPath);
      const text = await this.#read(this.#tasksPath + name, false);
      if (text === undefined) throw unknownTask(name, this.#tasksPath);
      return parseTask(text, `task ${name} (parameter ${this.#tasksPath}${name})`);
    });
  }

  /** All tasks. One that is not valid does not hide the others. */
  async tasks(): Promise<(Task | BrokenTask)[]> {
    return this.#remember('tasks', async () => {
      const tasks: (Task | BrokenTask)[] = [];
      const what = `GetParametersByPath ${this.#tasksPath}`;
      const parameters = pages(what, async (token: string | undefined) => {
        const input = { Path: this.#tasksPath.replace(/\/$/, ''), ...(token !== undefined && { NextToken: token }) };
        const page = await this.#client.send(new GetParametersByPathCommand(input)).catch((error: unknown) => {
          throw faultOf(error, what);
        });
        return { items: page.Parameters ?? [], truncated: page.NextToken !== undefined, next: page.NextToken };
      });
      for await (const page of parameters) {
        for (const { Name = '?', Value = '' } of page) tasks.push(readTask(Name, Value));
      }
      return tasks;
    });
  }

  /**
   * The text of a SecureString, not cached.
   * @throws Fault `CredentialsRefused` if it does not exist
   */
  async secret(name: string): Promise<string> {
    const text = await this.#read(name, true);
    if (text === undefined) throw new Fault('CredentialsRefused', `parameter ${name} with credentials does not exist`);
    return text;
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

  /** Concurrent calls share one request; failures are not cached. */
  async #remember<Value>(name: string, read: () => Promise<Value>): Promise<Value> {
    const known = this.#remembered.get(name);
    if (known && this.#clock.now() - known.at < freshMillis) return known.value as Promise<Value>;
    const value = read();
    this.#remembered.set(name, { at: this.#clock.now(), value });
    try {
      return await value;
    } catch (error) {
      this.#remembered.delete(name);
      throw error;
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
