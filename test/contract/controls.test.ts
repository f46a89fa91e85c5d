import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DynamoControls } from '../../shared/aws/dynamodb/controls.ts';
import { pause } from '../../shared/model/control.ts';
import { MemoryControls } from '../../shared/ports/memory/controls.ts';
import { openTable, type Table } from '../support/local-table.ts';
import { describeControls } from './controls.ts';

describeControls('in memory', async () => ({ controls: new MemoryControls(), close: async () => undefined }));
describeControls('a DynamoDB table', async () => {
  const table = await openTable();
  return { controls: new DynamoControls(table.client, table.name), close: () => table.close() };
});

describe('DynamoControls', () => {
  let table: Table;
  let controls: DynamoControls;
  beforeAll(async () => {
    table = await openTable();
    controls = new DynamoControls(table.client, table.name);
  });
  afterAll(() => table.close());

  it.each([
    ['a text for an order', { paused: 'yes' }, 'paused'],
    ['an order without its time', { paused: { reason: '', by: '' } }, 'paused.since'],
    ['a list of names', { runs: ['run-1'] }, 'runs.0'],
    ['an unknown order', { runs: [{ run: 'r', kind: 'stopped', since: 1, reason: '', by: '' }] }, 'runs.0.kind'],
    ['a reason without end', { paused: { since: 1, reason: 'x'.repeat(201), by: '' } }, 'paused.reason'],
  ])('names the item and the field of %s', async (name, item, field) => {
    const id = `control#${name}`;
    await table.client.send(new PutCommand({ TableName: table.name, Item: { id, ...item } }));
    const fault = { name: 'Unavailable', message: expect.stringMatching(new RegExp(`^the item ${id} .*\n  ${field}`)) };
    await expect(controls.read(name)).rejects.toMatchObject(fault);
    await expect(controls.change(name, (before) => before)).rejects.toMatchObject(fault);
  });

  it('starts over if the item was changed between its read and its write', async () => {
    const order = { since: 1, reason: '', by: '' };
    let calls = 0;
    const changed = await controls.change('raced', (before) => {
      calls++;
      return pause(before, order, `run-${calls}`);
    });
    expect([changed, calls]).toEqual([{ runs: [{ run: 'run-1', kind: 'paused', ...order }] }, 1]);
    const other = new DynamoControls(table.client, table.name);
    const seen: string[][] = [];
    let meanwhile: Promise<unknown> = Promise.resolve();
    const client = Object.assign(Object.create(table.client), {
      send: async (command: never) => {
        await meanwhile;
        return table.client.send(command);
      },
    }) as typeof table.client;
    await new DynamoControls(client, table.name).change('raced', (before) => {
      seen.push((before.runs ?? []).map(({ run }) => run));
      if (seen.length === 1) meanwhile = other.change('raced', (one) => pause(one, order, 'between'));
      return pause(before, order, 'last');
    });
    expect(seen).toEqual([['run-1'], ['run-1', 'between']]);
    expect((await controls.read('raced')).runs?.map(({ run }) => run)).toEqual(['run-1', 'between', 'last']);
  });
});
