import { cronMatcher } from '../../../emulator/aws/events/cron.ts';
import { nextTime } from '../../../emulator/aws/events/schedule.ts';
import { EmulatorError } from '../../../emulator/aws/index.ts';
import { parseConfiguration } from '../../../shared/model/config/configuration.ts';
import { Fault } from '../../../shared/model/faults.ts';
import { decodeJob } from '../../../shared/model/job.ts';
import { isObjectKey } from '../../../shared/model/object-key.ts';
import { globMatcher, keyFilter } from '../../../shared/model/config/key-filter.ts';
import { isS3Notification, parseS3Notification } from '../../../shared/model/messages/s3-event.ts';
import { scheduleFault } from '../../../shared/model/config/schedule.ts';
import { destinationKey } from '../../../shared/model/config/task.ts';
import { Finding, outcomeOf, type Target } from '../target.ts';

/** What comes by queue, by configuration and by hand. */

const isClean = (error: Error): boolean => error instanceof Fault || error instanceof EmulatorError;
const json = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\u0000',
  '\\ud800',
  '\\u001b[2J',
  '\u009b',
  'null',
  'true',
  '1e400',
  '-0',
];

export function messagesTarget(): Target {
  const event = (more: object): string =>
    JSON.stringify({
      Records: [
        {
          eventVersion: '2.1',
          eventSource: 'aws:s3',
          eventName: 'ObjectCreated:Put',
          eventTime: '2026-01-01T00:00:00.000Z',
          s3: { bucket: { name: 'b' }, object: { key: 'in/a+b%20c', size: 3, eTag: 'e', sequencer: '0A', ...more } },
        },
      ],
    });
  return {
    seeds: [
      event({}),
      event({ versionId: 'v\r\nX: y' }),
      '{"Service":"Amazon S3","Event":"s3:TestEvent"}',
      '{"job":{"task":"t","key":"in/a","action":"copy","size":3,"etag":"e","run":"r","missingAt":1}}',
      '{"job":{"task":"t","key":"in/a","action":"delete"}}',
    ].map((text) => Buffer.from(text)),
    words: [
      ...json,
      '"__proto__":',
      '"constructor":',
      '"Records":',
      '"job":',
      '"key":',
      '%2e%2e',
      '%00',
      '%zz',
      'Object',
      'in/',
    ],
    run: (input) =>
      outcomeOf(() => {
        const body = input.toString();
        if (isS3Notification(body)) {
          const events = parseS3Notification(body);
          if (events.some(({ key }) => key === '' || !key.isWellFormed()))
            throw new Finding('accepted: a key that is none');
          return events.slice(0, 2);
        }
        const job = decodeJob(body);
        if (!isObjectKey(job.key) || !/^[A-Za-z0-9_-]{1,64}$/.test(job.task)) throw new Finding('accepted: no job');
        return job;
      }, isClean),
  };
}

export function configurationTarget(): Target {
  const task = (more: object): string =>
    JSON.stringify({
      tasks: [
        {
          name: 't',
          source: { bucket: 'aaa', prefix: 'in/' },
          destination: { bucket: 'bbb', prefix: 'out/' },
          ...more,
        },
      ],
    });
  return {
    seeds: [
      task({}),
      task({ schedule: 'cron(0 3 * * ? *)', include: ['**/*.txt'], exclude: ['a?*'], partSize: '16 MiB' }),
      task({
        source: { bucket: 'aaa', credentials: { roleArn: 'arn:aws:iam::123456789012:role/r', externalId: 'x' } },
      }),
      task({ source: { bucket: 'aaa', endpoint: 'https://user:pw@h', credentials: { ssmParameter: 'p' } } }),
      '{"stack":{"workerMode":"both","alarmEmail":"a@example.com"},"tasks":[]}',
    ].map((text) => Buffer.from(text)),
    words: [
      ...json,
      '"name":',
      '"__proto__":{',
      '"constructor"',
      '$.x',
      '$(id)',
      '`id`',
      '../',
      'States.Format',
      '"events":"create"',
      'https://',
    ],
    run: (input) =>
      outcomeOf(() => {
        const { tasks, stack } = parseConfiguration(input.toString(), 'file');
        for (const one of tasks) {
          if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(one.name)) throw new Finding('accepted: no name');
          const isWanted = keyFilter(one);
          isWanted(`${one.source.prefix}a/b.txt`);
          const key = destinationKey(one, `${one.source.prefix}x`);
          if (!key.startsWith(one.destination.prefix)) throw new Finding('mapped outside of the prefix');
        }
        return { tasks: tasks.length, workerMode: stack.workerMode };
      }, isClean),
  };
}

/** Longest time of one match, milliseconds: far over what a pattern and a key of 1,024 characters take. */
const longestMatch = 2_000;

export function globsTarget(): Target {
  return {
    seeds: ['**/*.txt\na/b/c.txt', '*a*a*a*a*b\naaaaaaaaaaaaaaaaaaaa', '?\n🚢', '***\n', 'a/**/b\na/b'].map((text) =>
      Buffer.from(text),
    ),
    words: ['*', '**', '?', '/', 'a', '\n', '🚢', '\\', '[', '(', '+', '*a', '?*', '**/'],
    run: (input) => {
      const [pattern = '', ...rest] = input.toString().split('\n');
      const text = rest.join('\n').slice(0, 1024);
      const began = performance.now();
      const matches = globMatcher(pattern.slice(0, 1024))(text);
      const took = performance.now() - began;
      if (took > longestMatch) throw new Finding(`${took.toFixed(0)} ms for one match`);
      // Whatever is small is matched again by what is slow and plain.
      const small = pattern.length <= 12 && text.length <= 16;
      if (small && matches !== plainMatch(Array.from(pattern), Array.from(text)))
        throw new Finding(`${JSON.stringify(pattern)} on ${JSON.stringify(text)}`);
      return `${matches} ${new Set(pattern.replace(/[^*?/]/g, 'x')).size} ${Math.min(3, Math.floor(pattern.length / 100))}`;
    },
  };
}

function plainMatch(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === '*') {
    const any = rest[0] === '*';
    let after = rest;
    while (any && after[0] === '*') after = after.slice(1);
    for (let taken = 0; taken <= text.length; taken++) {
      if (!any && taken > 0 && text[taken - 1] === '/') return false;
      if (plainMatch(after, text.slice(taken))) return true;
    }
    return false;
  }
  const [character] = text;
  if (character === undefined) return false;
  return (first === '?' ? character !== '/' : first === character) && plainMatch(rest, text.slice(1));
}

export function schedulesTarget(): Target {
  const time = Date.parse('2026-01-01T00:00:30.000Z');
  return {
    seeds: [
      'rate(1 hour)',
      'rate(5 minutes)',
      'cron(0 3 * * ? *)',
      'cron(*/5 8-18 ? JAN-MAR MON-FRI 2026-2030)',
      'cron(0 0 L * ? *)',
    ].map((text) => Buffer.from(text)),
    words: [
      'rate(',
      'cron(',
      ')',
      '*',
      '?',
      '/',
      '-',
      ',',
      'L',
      'W',
      '#',
      'JAN',
      'MON',
      ' ',
      '0',
      '31',
      '2199',
      'minutes',
      '/0',
    ],
    run: (input) => {
      const text = input.toString();
      const fault = scheduleFault(text);
      if (fault !== undefined) return fault.replace(/found [^]*/, '').replace(/[0-9]+/g, '');
      return outcomeOf(() => {
        if (text.startsWith('cron')) cronMatcher(text)(new Date(time));
        const next = nextTime(text)(time);
        if (!(next > time)) throw new Finding(`accepted ${JSON.stringify(text)}, which is next at ${next}`);
        return 'next';
      }, isClean);
    },
  };
}
