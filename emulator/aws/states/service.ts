import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { arnOf, type Account } from '../account.ts';
import { AwsError, type Exchange } from '../http/exchange.ts';
import { jsonService, validated } from '../http/json-service.ts';
import { executionStatuses, type Execution, type Executions, type Machine } from './executions.ts';
import { maxStateBytes } from './step-error.ts';

const arnSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const paging = {
  maxResults: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000)), 0),
  nextToken: v.optional(v.string()),
};
const startSchema = v.object({
  stateMachineArn: arnSchema,
  name: v.optional(v.string()),
  input: v.optional(v.string(), '{}'),
});
const listSchema = v.object({
  stateMachineArn: arnSchema,
  statusFilter: v.optional(v.picklist(executionStatuses)),
  ...paging,
});
const stopSchema = v.object({
  executionArn: arnSchema,
  error: v.optional(v.string()),
  cause: v.optional(v.string()),
});
const historySchema = v.object({ executionArn: arnSchema, reverseOrder: v.optional(v.boolean(), false), ...paging });

/** Step Functions: characters that the name of an execution must not contain. */
// eslint-disable-next-line no-control-regex -- the service refuses control characters
const badName = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]/;

/** The API of Step Functions over the deployed machines and their executions. */
export class StepFunctions {
  readonly exchange: Exchange;
  readonly #account: Account;
  readonly #executions: Executions;
  readonly #machines = new Map<string, Machine>();

  constructor(account: Account, executions: Executions) {
    this.#account = account;
    this.#executions = executions;
    this.exchange = jsonService({
      targetPrefix: 'AWSStepFunctions',
      version: '1.0',
      operations: {
        StartExecution: (input) => this.start(validated(startSchema, input)),
        DescribeExecution: (input) => described(this.#execution(input)),
        ListExecutions: (input) => this.#listExecutions(validated(listSchema, input)),
        StopExecution: (input) => this.#stop(validated(stopSchema, input)),
        GetExecutionHistory: (input) => this.#history(validated(historySchema, input)),
        ListStateMachines: (input) => this.#listMachines(validated(v.object(paging), input)),
        DescribeStateMachine: (input) =>
          this.#describeMachine(validated(v.object({ stateMachineArn: arnSchema }), input)),
      },
    });
  }

  register(machine: Machine): void {
    this.#machines.set(machine.arn, machine);
  }

  /** StartExecution: the name and input of a running execution return that execution. */
  start(request: { stateMachineArn: string; name?: string | undefined; input: string }): object {
    const machine = this.#machine(request.stateMachineArn);
    const name = request.name ?? randomUUID();
    if (name.length < 1 || name.length > 80 || badName.test(name)) {
      throw new AwsError('InvalidName', `Invalid Name: '${name.slice(0, 100)}'`);
    }
    checkInput(request.input);
    const arn = arnOf(this.#account, 'states', `execution:${machine.name}:${name}`);
    const found = this.#executions.find(arn);
    if (found && (found.status !== 'RUNNING' || found.input !== request.input)) {
      throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    }
    if (!found && !this.#executions.hasRoom()) {
      throw new AwsError('ExecutionLimitExceeded', 'The maximum number of running executions has been reached.');
    }
    const execution = found ?? this.#executions.start(machine, arn, name, request.input);
    return { executionArn: execution.arn, startDate: execution.started / 1000 };
  }

  #machine(arn: string): Machine {
    if (!/^arn:[^:]+:states:[^:]+:\d{12}:stateMachine:./.test(arn))
      throw new AwsError('InvalidArn', `Invalid Arn: '${arn}'`);
    const machine = this.#machines.get(arn);
    if (!machine) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  #execution(input: unknown): Execution {
    const { executionArn } = validated(v.object({ executionArn: arnSchema }), input);
    if (!/^arn:[^:]+:states:[^:]+:\d{12}:execution:./.test(executionArn)) {
      throw new AwsError('InvalidArn', `Invalid Arn: '${executionArn}'`);
    }
    const execution = this.#executions.find(executionArn);
    if (!execution) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    return execution;
  }

  #listExecutions(input: v.InferOutput<typeof listSchema>): object {
    const { arn } = this.#machine(input.stateMachineArn);
    const before = input.nextToken === undefined ? Infinity : tokenNumber(input.nextToken);
    const wanted = this.#executions
      .list(arn)
      .filter(({ sequence, status }) => sequence < before && status === (input.statusFilter ?? status));
    const page = wanted.slice(0, input.maxResults || 100);
    return {
      executions: page.map((execution) => summary(execution)),
      ...(page.length < wanted.length && { nextToken: String(page.at(-1)?.sequence) }),
    };
  }

  async #stop(input: v.InferOutput<typeof stopSchema>): Promise<object> {
    this.#execution(input);
    const execution = await this.#executions.abort(input.executionArn, input.error, input.cause);
    return { stopDate: (execution?.stopped ?? Date.now()) / 1000 };
  }

  #history(input: v.InferOutput<typeof historySchema>): object {
    const execution = this.#execution(input);
    const events = execution.history.map(({ type, timestamp, state, error }, index) => ({
      id: index + 1,
      previousEventId: index,
      timestamp: timestamp / 1000,
      type,
      ...(type.endsWith('StateEntered') && { stateEnteredEventDetails: { name: state } }),
      ...(type.endsWith('StateExited') && { stateExitedEventDetails: { name: state } }),
      ...(type === 'ExecutionFailed' && {
        executionFailedEventDetails: { error: execution.error, cause: execution.cause },
      }),
      ...(type === 'TaskStateFailed' && { taskFailedEventDetails: { error, resource: state, resourceType: 'lambda' } }),
    }));
    if (input.reverseOrder) events.reverse();
    const from = input.nextToken === undefined ? 0 : tokenNumber(input.nextToken);
    const to = from + (input.maxResults || 100);
    return { events: events.slice(from, to), ...(to < events.length && { nextToken: String(to) }) };
  }

  #listMachines(input: { maxResults: number; nextToken?: string | undefined }): object {
    const all = [...this.#machines.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const from = input.nextToken === undefined ? 0 : tokenNumber(input.nextToken);
    const to = from + (input.maxResults || 100);
    return {
      stateMachines: all.slice(from, to).map(({ arn, name, created }) => ({
        stateMachineArn: arn,
        name,
        type: 'STANDARD',
        creationDate: created / 1000,
      })),
      ...(to < all.length && { nextToken: String(to) }),
    };
  }

  #describeMachine({ stateMachineArn }: { stateMachineArn: string }): object {
    const { arn, name, roleArn, created, definition } = this.#machine(stateMachineArn);
    return {
      stateMachineArn: arn,
      name,
      status: 'ACTIVE',
      definition: JSON.stringify(definition),
      roleArn,
      type: 'STANDARD',
      creationDate: created / 1000,
    };
  }
}

function summary({ arn, name, machine, status, started, stopped }: Execution): object {
  return {
    executionArn: arn,
    stateMachineArn: machine.arn,
    name,
    status,
    startDate: started / 1000,
    ...(stopped !== undefined && { stopDate: stopped / 1000 }),
  };
}

function described(execution: Execution): object {
  const { input, output, error, cause } = execution;
  return {
    ...summary(execution),
    input,
    inputDetails: { included: true },
    ...(output !== undefined && { output, outputDetails: { included: true } }),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
  };
}

function checkInput(input: string): void {
  if (Buffer.byteLength(input) > maxStateBytes) {
    throw new AwsError('InvalidExecutionInput', `the input has over ${maxStateBytes} bytes`);
  }
  try {
    JSON.parse(input);
  } catch (error) {
    throw new AwsError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${String(error)}'`);
  }
}

function tokenNumber(token: string): number {
  if (!/^\d{1,15}$/.test(token)) throw new AwsError('InvalidToken', `Invalid Token: '${token.slice(0, 80)}'`);
  return Number(token);
}
