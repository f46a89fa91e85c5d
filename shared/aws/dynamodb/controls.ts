import { GetCommand, UpdateCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { controlFields, controlSchema, noControl, type Control } from '../../model/control.ts';
import { Fault } from '../../model/faults.ts';
import { parseWith } from '../../model/parse.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import type { Controls } from '../../ports/controls.ts';
import { faultOf } from '../faults.ts';

/** How long an item is kept after its last change: no pause ends because its item expired. */
const keptSeconds = 10 * 365 * 24 * 3600;
/** Times that a change starts over because another caller changed the item meanwhile: commands of people. */
const maxAttempts = 10;

/**
 * Controls in the ledger's table: the item `control#<task>`, with the fields of `controlSchema`, `revision`, a number
 * that every change raises, and `expiresAt`, DynamoDB's time to live.
 */
export class DynamoControls implements Controls {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
  }

  async read(task: string): Promise<Control> {
    // Eventually consistent: half the price, and those who ask remember the answer for seconds anyway.
    return controlOf(task, await this.#item(task, false));
  }

  async change(task: string, change: (control: Control) => Control): Promise<Control> {
    for (let attempt = 1; ; attempt++) {
      const item = await this.#item(task, true);
      const control = controlOf(task, item);
      const changed = change(control);
      if (changed === control || (await this.#write(task, changed, item))) return changed;
      if (attempt >= maxAttempts) {
        throw new Fault('Unavailable', `UpdateItem ${controlId(task)}: other callers keep changing it`);
      }
    }
  }

  async #item(task: string, isConsistent: boolean): Promise<Record<string, unknown> | undefined> {
    const input = { TableName: this.#table, Key: { id: controlId(task) }, ConsistentRead: isConsistent };
    const { Item } = await this.#client.send(new GetCommand(input)).catch((error: unknown) => {
      throw faultOf(error, `GetItem ${controlId(task)}`);
    });
    return Item;
  }

  /** @returns false if the item has changed since it was read */
  async #write(task: string, control: Control, before: Record<string, unknown> = {}): Promise<boolean> {
    const { revision } = before;
    const present = controlFields.filter((field) => control[field] !== undefined);
    const absent = controlFields.filter((field) => control[field] === undefined);
    const sets = ['revision = :next', 'expiresAt = :expiry', ...present.map((field) => `${field} = :${field}`)];
    const input = {
      TableName: this.#table,
      Key: { id: controlId(task) },
      UpdateExpression: `SET ${sets.join(', ')}` + (absent.length > 0 ? ` REMOVE ${absent.join(', ')}` : ''),
      ConditionExpression: revision === undefined ? 'attribute_not_exists(revision)' : 'revision = :revision',
      ExpressionAttributeValues: {
        ...Object.fromEntries(present.map((field) => [`:${field}`, control[field]])),
        ':next': v.is(v.number(), revision) ? revision + 1 : 1,
        ':expiry': Math.floor(this.#clock.now() / 1000) + keptSeconds,
        ...(revision !== undefined && { ':revision': revision }),
      },
    };
    try {
      await this.#client.send(new UpdateCommand(input));
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
      throw faultOf(error, `UpdateItem ${controlId(task)}`);
    }
  }
}

/** The ID of a task's item. */
export function controlId(task: string): string {
  return `control#${task}`;
}

function controlOf(task: string, item: Record<string, unknown> | undefined): Control {
  return item ? parseWith(controlSchema, item, `the item ${controlId(task)}`, 'Unavailable') : noControl;
}
