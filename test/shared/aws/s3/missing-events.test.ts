import type { NotificationConfiguration, QueueConfiguration } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { missingEvents } from '../../../../shared/aws/s3/notification-configuration.ts';
import { parseTask } from '../../../../shared/model/config/task.ts';

const queue = 'arn:aws:sqs:us-east-1:000000000000:events';
const created = 's3:ObjectCreated:*' as const;
const removed = 's3:ObjectRemoved:*' as const;

function taskWith(more: object): ReturnType<typeof parseTask> {
  const sides = { source: { bucket: 'from', prefix: 'in/' }, destination: { bucket: 'into' } };
  return parseTask(JSON.stringify({ name: 'one', ...sides, events: 'create-delete', ...more }), 'task');
}

/** An entry of the queue of events. */
function entry(event: typeof created | typeof removed, prefix = 'in/', more: object = {}): QueueConfiguration {
  const FilterRules = [{ Name: 'prefix' as const, Value: prefix }];
  return { QueueArn: queue, Events: [event], ...(prefix !== '' && { Filter: { Key: { FilterRules } } }), ...more };
}

const missing = (entries: QueueConfiguration[], more: object = {}): string[] =>
  missingEvents({ QueueConfigurations: entries }, queue, taskWith(more));

describe('what a task needs and a bucket does not report', () => {
  const both = [`${created} under "in/"`, `${removed} under "in/"`];

  it('is everything if there is no entry, or only entries of others', () => {
    const others: NotificationConfiguration = {
      QueueConfigurations: [entry(created, 'in/', { QueueArn: `${queue}-of-others` })],
      TopicConfigurations: [{ TopicArn: 'arn:aws:sns:us-east-1:1:t', Events: [removed] }],
      EventBridgeConfiguration: {},
    };
    expect(missing([])).toEqual(both);
    expect(missingEvents({}, queue, taskWith({}))).toEqual(both);
    expect(missingEvents(others, queue, taskWith({}))).toEqual(both);
  });

  it('is nothing if both entries are there, with or without the events that a run makes up for', () => {
    expect(missing([entry(created), entry(removed)])).toEqual([]);
    const more = { Events: ['s3:ObjectRestore:Completed', created], Id: 's3-ferry-0-created-1' };
    expect(missing([entry(created, 'in/', more), entry(removed)])).toEqual([]);
  });

  it('is only what the task replicates', () => {
    expect(missing([entry(created)])).toEqual([both[1]]);
    expect(missing([entry(created)], { events: 'create' })).toEqual([]);
    expect(missing([], { events: 'none' })).toEqual([]);
  });

  it.each([
    ['another prefix', entry(created, 'other/')],
    ['a longer prefix', entry(created, 'in/deeper/')],
    ['a suffix', entry(created, '', { Filter: { Key: { FilterRules: [{ Name: 'suffix', Value: '.jpg' }] } } })],
    ['fewer events', entry(created, 'in/', { Events: ['s3:ObjectCreated:Put'] })],
    ['no events', { QueueArn: queue, Events: undefined }],
  ])('is reported if its entry was changed: %s', (_, changed) => {
    expect(missing([changed], { events: 'create' })).toEqual([both[0]]);
  });

  it('is looked for under each prefix of the task, and any outer prefix will do', () => {
    const prefixes = { prefixes: ['a b/', 'ü/', 'ü/inner/'], events: 'create' };
    expect(missing([entry(created, 'in/a+b/')], prefixes)).toEqual([`${created} under "in/ü/"`]);
    expect(missing([entry(created, 'in/a+b/'), entry(created, 'in/%C3%BC/')], prefixes)).toEqual([]);
    expect(missing([entry(created, '')], prefixes)).toEqual([]);
  });
});
