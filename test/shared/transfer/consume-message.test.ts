import { beforeEach, describe, expect, it, test } from '@jest/globals';
import { Fault, faultTable, type FaultName } from '../../../shared/model/faults.ts';
import { Held } from '../../../shared/model/held.ts';
import { encodeJob, type Job } from '../../../shared/model/job.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { brokenTask, parseTask, type Task } from '../../../shared/model/config/task.ts';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { Gate } from '../../../shared/ports/memory/gate.ts';
import { MemoryDeadLetters, MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import { MemoryLedger } from '../../../shared/ports/memory/ledger.ts';
import { free, type Standing } from '../../../shared/run/standing.ts';
import { consumeMessage, redeliverySeconds, type Consumer } from '../../../shared/transfer/consume-message.ts';

const maxReceives = 5;
const giveUpAfterSeconds = 3600;
const job: Job = { task: 'copy-all', key: objectKey('a b'), action: 'copy', size: 3, run: 'r' };

function task(name: string, more: object): Task {
  const sides = { source: { bucket: 'source' }, destination: { bucket: 'destination' } };
  return parseTask(JSON.stringify({ name, ...sides, ...more }), 'task');
}

const tasks = [
  task('copy-all', { events: 'create' }),
  task('copy-and-delete', { events: 'create-delete', source: { bucket: 'source', prefix: 'in/' } }),
  task('deletes', { events: 'create', deletes: true }),
  task('patterns', { events: 'create-delete', source: { bucket: 'source', prefix: 'pat/' }, include: ['*.txt'] }),
  task('no-events', {}),
  task('other-bucket', { events: 'create', source: { bucket: 'elsewhere' } }),
];

/** A consumer with in-memory ports, whose transfers fail if `fail` throws. */
class TestConsumer {
  readonly gate = new Gate();
  readonly clock = new ManualClock();
  readonly queue = new MemoryQueue({ gate: this.gate, clock: this.clock });
  readonly ledger = new MemoryLedger(this.gate);
  readonly deadLetters = new MemoryDeadLetters(this.gate);
  readonly worked: Job[] = [];
  readonly delays: number[] = [];
  readonly reported: { fault: string; fate: string; key: string | undefined }[] = [];
  fail: (job: Job) => void = () => undefined;
  standing: Standing = free;
  readonly cancelled: Job[] = [];

  consumer(): Consumer {
    return {
      tasks: async () => tasks,
      standing: async () => this.standing,
      onCancelled: (one) => this.cancelled.push(one),
      transfer: async (one) => {
        this.worked.push(one);
        this.fail(one);
        return { task: one.task, key: one.key, route: 'put', bytes: 0, reason: '' };
      },
      ledger: this.ledger,
      deadLetters: this.deadLetters,
      redelivery: this.queue,
      clock: this.clock,
      maxReceives,
      giveUpAfterSeconds,
      onFault: (fault, { fate, job: one }) => this.reported.push({ fault: fault.name, fate, key: one?.key }),
      onEventDone: (_job, delay) => this.delays.push(delay),
    };
  }

  /** Delivers every visible message once and deletes those that may leave the queue. */
  async deliver(): Promise<boolean[]> {
    return Promise.all(
      this.queue.receive().map(async (message) => {
        const done = await consumeMessage(this.consumer(), message);
        if (done) this.queue.remove(message.receipt);
        return done;
      }),
    );
  }
}

test('a job fails after another delivery deleted its message: it is sent as a new message', async () => {
  const one = new TestConsumer();
  one.queue.sendBody(encodeJob({ task: 'one', key: objectKey('k'), action: 'copy', size: 3, missingAt: 1 }));
  const [first] = one.queue.receive();
  one.fail = () => {
    // Meanwhile a second delivery of the message found nothing to do and deleted it.
    one.queue.remove(first!.receipt);
    throw new Fault('Truncated', 'the last read failed');
  };
  expect(await consumeMessage(one.consumer(), first!)).toBe(false);
  one.fail = () => undefined;
  expect(await one.deliver()).toEqual([true]);
  expect(one.worked.at(-1)).toEqual({ task: 'one', key: 'k', action: 'copy', size: 3 });
  expect(one.queue.length).toBe(0);
});

test('the reason of a failure is in the ledger even if the queue does not delay the message', async () => {
  const one = new TestConsumer();
  one.fail = () => {
    throw new Fault('Truncated', 'why');
  };
  await one.queue.send([job]);
  one.queue.receive();
  one.clock.pass(60_000);
  const [second] = one.queue.receive();
  const redelivery = {
    ...one.consumer().redelivery,
    after: () => Promise.reject(new Fault('Unavailable', 'no queue')),
  };
  expect(await consumeMessage({ ...one.consumer(), redelivery }, second!)).toBe(false);
  expect(one.ledger.entries()).toEqual([expect.objectContaining({ status: 'FAILED', reason: 'Truncated: why' })]);
});

let setting: TestConsumer;
beforeEach(() => {
  setting = new TestConsumer();
});

function event(name: string, key: string, more: object = {}): object {
  const object = { key, size: 7, eTag: 'e', sequencer: '1' };
  const s3 = { s3SchemaVersion: '1.0', bucket: { name: 'source', arn: 'arn:aws:s3:::source' }, object };
  const eventTime = new Date(setting.clock.now() - 1500).toISOString();
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'us-east-1',
    eventTime,
    eventName: name,
    s3,
    ...more,
  };
}

describe('consumeMessage, of a job', () => {
  it('lets a job that succeeded leave the queue', async () => {
    await setting.queue.send([job]);
    expect(await setting.deliver()).toEqual([true]);
    expect(setting.worked).toEqual([job]);
    expect(setting.queue.length).toBe(0);
    expect(setting.ledger.entries()).toEqual([]);
  });

  it.each(Object.keys(faultTable) as FaultName[])(
    'retries, postpones or buries a job that fails with %s, as the fault table says',
    async (name) => {
      setting.fail = () => {
        throw new Fault(name, 'why');
      };
      await setting.queue.send([job]);
      const final = faultTable[name].retry === 'never';
      const { ofSurroundings } = new Fault(name, 'why');
      const fate = final ? 'buried' : ofSurroundings ? 'postponed' : 'delivered again';
      expect(await setting.deliver()).toEqual([fate !== 'delivered again']);
      expect(setting.reported).toEqual([{ fault: name, fate, key: job.key }]);
      expect(setting.queue.length).toBe(final ? 0 : 1);
      const letters = [{ body: encodeJob(job), reason: `${name}: why` }];
      expect(setting.deadLetters.letters).toEqual(final ? letters : []);
      const failed = { task: job.task, key: job.key, run: 'r', status: 'FAILED', reason: `${name}: why`, attempts: 1 };
      expect(setting.ledger.entries()).toEqual(final ? [expect.objectContaining(failed)] : []);
    },
  );

  it('delivers a failing job again after growing delays, and buries it at last', async () => {
    setting.fail = () => {
      throw new Fault('Truncated', 'slow line');
    };
    await setting.queue.send([job]);
    const seen: number[] = [];
    const began = setting.clock.now();
    for (let second = 0; second < 3600 && setting.queue.length > 0; second++) {
      if ((await setting.deliver()).length > 0) seen.push((setting.clock.now() - began) / 1000);
      setting.clock.pass(1000);
    }
    expect(seen).toEqual([0, 15, 75, 315, 1215]);
    expect(setting.deadLetters.letters).toEqual([{ body: encodeJob(job), reason: 'Truncated: slow line' }]);
    expect(setting.ledger.entries()).toEqual([expect.objectContaining({ status: 'FAILED', attempts: maxReceives })]);
  });

  it('postpones a job while its surroundings fail, and gives it up after the time of the setting', async () => {
    setting.fail = () => {
      throw new Fault('Unavailable', 'an outage');
    };
    await setting.queue.send([job]);
    const seen: number[] = [];
    const began = setting.clock.now();
    while (setting.queue.length > 0) {
      const delivered = await setting.deliver();
      if (delivered.length > 0) seen.push((setting.clock.now() - began) / 1000);
      expect(delivered.every((leaves) => leaves)).toBe(true);
      setting.clock.pass(1000);
    }
    // Far more than the deliveries of one message, and never more than five minutes apart.
    expect(seen.length).toBeGreaterThan(2 * maxReceives);
    for (const [index, at] of seen.entries()) expect(at - (seen[index - 1] ?? at)).toBeLessThanOrEqual(301);
    expect(seen.at(-2)).toBeLessThanOrEqual(giveUpAfterSeconds);
    expect(seen.at(-1)).toBeGreaterThan(giveUpAfterSeconds);
    expect(setting.deadLetters.letters).toEqual([{ body: encodeJob(job), reason: 'Unavailable: an outage' }]);
    expect(setting.ledger.entries()).toEqual([
      expect.objectContaining({ status: 'FAILED', reason: 'Unavailable: an outage', attempts: seen.length }),
    ]);
  });

  it('postpones a job once per failure in an outage of the ledger too, and buries nothing', async () => {
    setting.fail = () => {
      throw new Fault('Unavailable', 'an outage');
    };
    setting.gate.hooks = {
      before: ({ operation }) => {
        if (operation.startsWith('ledger.')) throw new Fault('Throttled', 'the ledger, too');
      },
    };
    await setting.queue.send([job]);
    for (let seconds = 0; seconds < giveUpAfterSeconds / 2; seconds += 30) {
      expect((await setting.deliver()).every((leaves) => leaves)).toBe(true);
      setting.clock.pass(30_000);
      expect(setting.queue.length).toBe(1);
    }
    expect(setting.reported).toContainEqual({ fault: 'Throttled', fate: 'postponed', key: job.key });
    expect(setting.deadLetters.letters).toEqual([]);
  });

  it('copies a postponed job once the outage is over, as if nothing were known of the destination', async () => {
    let isDown = true;
    setting.fail = () => {
      if (isDown) throw new Fault('CredentialsRefused', 'expired');
    };
    await setting.queue.send([{ ...job, missingAt: 1 }]);
    expect(await setting.deliver()).toEqual([true]);
    isDown = false;
    setting.clock.pass(15_000);
    expect(await setting.deliver()).toEqual([true]);
    expect(setting.worked).toEqual([{ ...job, missingAt: 1 }, job]);
    expect(setting.queue.length).toBe(0);
    expect(setting.ledger.entries()).toEqual([]);
  });

  it('records the reason from the second failure on', async () => {
    setting.fail = () => {
      throw new Fault('Truncated', 'slow line');
    };
    const message = { id: 'm', body: encodeJob(job), receipt: 'r' };
    expect(await consumeMessage(setting.consumer(), { ...message, receives: 1 })).toBe(false);
    expect(setting.ledger.entries()).toEqual([]);
    expect(await consumeMessage(setting.consumer(), { ...message, receives: 2 })).toBe(false);
    const entry = { status: 'FAILED', reason: 'Truncated: slow line', attempts: 2 };
    expect(setting.ledger.entries()).toEqual([expect.objectContaining(entry)]);
  });

  it.each([1, maxReceives])(
    'does not count an interruption by an ending consumer as a failure, at delivery %i',
    async (receives) => {
      setting.fail = () => {
        throw new Fault('OutOfTime', 'left');
      };
      const message = { id: 'm', body: encodeJob(job), receipt: 'r', receives };
      expect(await consumeMessage({ ...setting.consumer(), interrupted: () => true }, message)).toBe(false);
      expect({ reported: setting.reported, letters: setting.deadLetters.letters }).toEqual({
        reported: [],
        letters: [],
      });
    },
  );

  it('buries a job that can never succeed, even if the consumer is ending', async () => {
    setting.fail = () => {
      throw new Fault('TooLarge', 'why');
    };
    const message = { id: 'm', body: encodeJob(job), receipt: 'r', receives: 1 };
    expect(await consumeMessage({ ...setting.consumer(), interrupted: () => true }, message)).toBe(true);
    expect(setting.deadLetters.letters).toEqual([{ body: encodeJob(job), reason: 'TooLarge: why' }]);
  });

  it('records a reason before the last delivery, in case the process dies', async () => {
    let reason: string | undefined;
    setting.fail = () => {
      reason = setting.ledger.entries()[0]?.reason;
    };
    const message = { id: 'm', body: encodeJob(job), receipt: 'r', receives: maxReceives };
    expect(await consumeMessage(setting.consumer(), message)).toBe(true);
    expect(reason).toBe('OutOfTime: delivery 5, the last, did not finish');
  });

  it('keeps the message, and does not throw, if the failure can be neither recorded nor delayed', async () => {
    for (const [operation, fault] of [
      ['queue.after', 'Truncated'],
      ['queue.sendAgain', 'Throttled'],
      ['ledger.put', 'TooLarge'],
      ['deadLetters.bury', 'TooLarge'],
    ] as const) {
      setting = new TestConsumer();
      setting.fail = () => {
        throw new Fault(fault, 'm');
      };
      setting.gate.hooks = {
        before: (call) => {
          if (call.operation === operation) throw new Error(`${operation} fails`);
        },
      };
      await setting.queue.send([job]);
      expect(await setting.deliver()).toEqual([false]);
      expect(setting.reported.at(-1)).toEqual({ fault: 'Unavailable', fate: 'delivered again', key: job.key });
      expect(setting.queue.length).toBe(1);
    }
  });
});

describe('consumeMessage, of a job that may not be done now', () => {
  const held = (): Standing => ({ kind: 'held', reason: 'task copy-all is paused', since: setting.clock.now() });

  it('sends it again and again for longer than jobs are tried, counts nothing, and then does it', async () => {
    await setting.queue.send([{ ...job, missingAt: 1 }]);
    setting.standing = held();
    const began = setting.clock.now();
    const seen: number[] = [];
    while (setting.clock.now() - began < 3 * giveUpAfterSeconds * 1000) {
      const delivered = await setting.deliver();
      if (delivered.length > 0) seen.push((setting.clock.now() - began) / 1000);
      expect(delivered.every((leaves) => leaves)).toBe(true);
      setting.clock.pass(1000);
    }
    expect(seen.length).toBeGreaterThan(2 * maxReceives);
    for (const [index, at] of seen.entries()) expect(at - (seen[index - 1] ?? at)).toBeLessThanOrEqual(901);
    expect({ worked: setting.worked, letters: setting.deadLetters.letters, entries: setting.ledger.entries() }).toEqual(
      {
        ...{ worked: [], letters: [], entries: [] },
      },
    );
    expect(new Set(setting.reported.map(({ fate }) => fate))).toEqual(new Set(['held']));
    setting.standing = free;
    setting.clock.pass(900_000);
    expect(await setting.deliver()).toEqual([true]);
    expect(setting.worked).toEqual([job]);
    expect(setting.queue.length).toBe(0);
  });

  it('starts the time again of a job that its surroundings failed', async () => {
    const fails = (): void => {
      throw new Fault('Unavailable', 'an outage');
    };
    setting.fail = fails;
    await setting.queue.send([job]);
    expect(await setting.deliver()).toEqual([true]);
    setting.standing = held();
    for (let minute = 0; minute < (2 * giveUpAfterSeconds) / 60; minute++) {
      setting.clock.pass(60_000);
      await setting.deliver();
    }
    setting.standing = free;
    setting.clock.pass(900_000);
    await setting.deliver();
    expect(setting.deadLetters.letters).toEqual([]);
    expect(setting.reported.at(-1)).toMatchObject({ fate: 'postponed' });
    expect(setting.queue.length).toBe(1);
  });

  it('keeps the time of its event, and does not hold up the other jobs of the message', async () => {
    setting.queue.sendBody(JSON.stringify({ Records: [event('ObjectCreated:Put', 'in/k')] }));
    const consumer: Consumer = {
      ...setting.consumer(),
      standing: async ({ task: name }) => (name === 'deletes' ? held() : free),
    };
    const [message] = setting.queue.receive();
    expect(await consumeMessage(consumer, message!)).toBe(true);
    setting.queue.remove(message!.receipt);
    expect(setting.worked.map(({ task: name }) => name)).toEqual(['copy-all', 'copy-and-delete']);
    setting.clock.pass(15_000);
    await setting.deliver();
    expect(setting.worked.at(-1)).toMatchObject({ task: 'deletes', key: 'in/k' });
    expect(setting.delays.at(-1)).toBe(16_500);
  });

  it('keeps the message if it cannot be sent again', async () => {
    await setting.queue.send([job]);
    setting.standing = held();
    setting.gate.hooks = {
      before: ({ operation }) => {
        if (operation === 'queue.sendAgain') throw new Fault('Throttled', 'busy');
      },
    };
    expect(await setting.deliver()).toEqual([false]);
    expect(setting.queue.length).toBe(1);
  });

  it('counts the time of a side that fails, without trying the job, and gives it up at last', async () => {
    const reason = 'the destination of task copy-all has failed';
    setting.standing = { kind: 'held', fault: 'CredentialsRefused', reason, since: setting.clock.now() };
    await setting.queue.send([job]);
    for (let minute = 0; minute < (1.2 * giveUpAfterSeconds) / 60; minute++) {
      await setting.deliver();
      setting.clock.pass(60_000);
    }
    expect(setting.worked).toEqual([]);
    expect(new Set(setting.reported.map(({ fate }) => fate))).toEqual(new Set(['postponed', 'buried']));
    expect(setting.deadLetters.letters).toEqual([{ body: encodeJob(job), reason: `CredentialsRefused: ${reason}` }]);
  });

  it('holds a job that learns in its work that it may not go on', async () => {
    await setting.queue.send([job]);
    setting.fail = () => {
      throw new Held('task copy-all is paused', 20);
    };
    expect(await setting.deliver()).toEqual([true]);
    expect(setting.reported).toEqual([{ fault: 'Held', fate: 'held', key: job.key }]);
    setting.clock.pass(19_999);
    expect(await setting.deliver()).toEqual([]);
    setting.fail = () => undefined;
    setting.clock.pass(1);
    expect(await setting.deliver()).toEqual([true]);
    expect(setting.ledger.entries()).toEqual([]);
  });

  it('lets a job of a cancelled run leave the queue, on its last delivery too, and records nothing', async () => {
    setting.standing = { kind: 'cancelled', reason: 'run r of task copy-all was cancelled' };
    await setting.queue.send([job]);
    expect(await setting.deliver()).toEqual([true]);
    const message = { id: 'm', body: encodeJob(job), receipt: 'r', receives: maxReceives };
    expect(await consumeMessage(setting.consumer(), message)).toBe(true);
    expect(setting.cancelled).toEqual([job, job]);
    expect({ worked: setting.worked, left: setting.queue.length, entries: setting.ledger.entries() }).toEqual({
      ...{ worked: [], left: 0, entries: [] },
    });
  });
});

describe('consumeMessage, of a malformed message', () => {
  it.each([
    ['text that is not JSON', 'hello', 'queue message is not JSON'],
    ['an object without a job', '{}', 'job: is missing'],
    [
      'an object of unknown form',
      '{"Bucket":"b"}',
      'expected a job, or an S3 event as S3, SNS or EventBridge sends it',
    ],
    ['a job without a key', '{"job":{"task":"t","action":"copy"}}', 'job.key: is missing'],
    ['a job with an unknown field', '{"job":{"task":"t","key":"k","action":"copy","x":1}}', 'job.x: unknown option'],
    ['an unknown action', '{"job":{"task":"t","key":"k","action":"move"}}', 'job.action: found "move"'],
    [
      'an event without its object',
      '{"Records":[{"eventVersion":"2.1","eventName":"ObjectCreated:Put"}]}',
      'Records.0.s3',
    ],
    [
      'an event of another version',
      '{"Records":[{"eventVersion":"3.0","eventName":"ObjectCreated:Put"}]}',
      'Records.0.eventVersion',
    ],
    ['records that are not a list', '{"Records":7}', 'Records'],
  ])('buries %s with a reason that names the field', async (_name, body, reason) => {
    setting.queue.sendBody(body);
    expect(await setting.deliver()).toEqual([true]);
    expect(setting.deadLetters.letters).toEqual([{ body, reason: expect.stringContaining(reason) }]);
    expect(setting.deadLetters.letters[0]?.reason).toMatch(/^InvalidInput: /);
    expect(setting.ledger.entries()).toEqual([
      expect.objectContaining({ task: '(unknown)', key: 'message:message-1', status: 'FAILED' }),
    ]);
    expect(setting.reported).toEqual([{ fault: 'InvalidInput', fate: 'buried', key: undefined }]);
  });
});

describe('consumeMessage, of an event notification', () => {
  async function notify(...records: object[]): Promise<boolean[]> {
    setting.queue.sendBody(JSON.stringify({ Records: records }));
    return setting.deliver();
  }

  it('takes the same event from a topic of SNS and from EventBridge', async () => {
    const raw = { Records: [event('ObjectCreated:Put', 'in/a+b')] };
    setting.queue.sendBody(JSON.stringify({ Type: 'Notification', Message: JSON.stringify(raw) }));
    expect(await setting.deliver()).toEqual([true]);
    const jobs = setting.worked.splice(0);
    expect(jobs.map(({ key }) => key)).toEqual(['in/a b', 'in/a b', 'in/a b']);
    const { s3, eventTime } = event('ObjectCreated:Put', 'in/a+b') as {
      s3: { bucket: object; object: { size: number; eTag: string } };
      eventTime: string;
    };
    const object = { key: 'in/a b', size: s3.object.size, etag: s3.object.eTag };
    const bridged = { source: 'aws.s3', time: eventTime, detail: { bucket: s3.bucket, object } };
    setting.queue.sendBody(JSON.stringify({ version: '0', 'detail-type': 'Object Created', ...bridged }));
    expect(await setting.deliver()).toEqual([true]);
    expect(setting.worked).toEqual(jobs);
  });

  it('makes a job for each task that replicates the event, with the key decoded', async () => {
    expect(await notify(event('ObjectCreated:Put', 'in/a+b%2Bc%F0%9F%98%80'))).toEqual([true]);
    const common = { key: 'in/a b+c😀', action: 'copy', size: 7, etag: 'e' };
    expect(setting.worked).toEqual(
      ['copy-all', 'copy-and-delete', 'deletes'].map((name) => ({ task: name, ...common })),
    );
    expect(setting.delays).toEqual([1500, 1500, 1500]);
  });

  it.each([
    ['ObjectRemoved:Delete', 'in/k', ['copy-and-delete', 'deletes']],
    ['ObjectCreated:Put', 'pat/k.txt', ['copy-all', 'deletes', 'patterns']],
    ['ObjectCreated:Put', 'pat/k.bin', ['copy-all', 'deletes']],
    ['ObjectRemoved:Delete', 'pat/k.txt', ['deletes', 'patterns']],
    ['ObjectRemoved:Delete', 'pat/d/k.txt', ['deletes']],
    ['ObjectRemoved:DeleteMarkerCreated', 'k', ['deletes']],
    ['LifecycleExpiration:Delete', 'k', ['deletes']],
    ['s3:ObjectCreated:CompleteMultipartUpload', 'k', ['copy-all', 'deletes']],
    ['ObjectTagging:Put', 'k', []],
    ['ObjectRestore:Completed', 'k', ['copy-all', 'deletes']],
    ['ObjectRestore:Post', 'k', []],
    ['ObjectRestore:Delete', 'k', []],
  ])('%s of %s makes jobs for %j', async (name, key, wanted) => {
    expect(await notify(event(name, key))).toEqual([true]);
    expect(setting.worked.map((one) => one.task)).toEqual(wanted);
  });

  it('lets a test notification, and one without records, leave the queue', async () => {
    setting.queue.sendBody(JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'source' }));
    setting.queue.sendBody('{"Records":[]}');
    expect(await setting.deliver()).toEqual([true, true]);
    expect(setting.worked).toEqual([]);
  });

  it('buries only the object that can never succeed', async () => {
    setting.fail = ({ key }) => {
      if (key === 'bad') throw new Fault('ArchivedSource', 'archived');
    };
    const records = ['one', 'bad', 'two'].map((key) => event('ObjectCreated:Put', key, { eventVersion: '2.3' }));
    expect(await notify(...records)).toEqual([true]);
    expect(setting.deadLetters.letters.map(({ body }) => JSON.parse(body) as unknown)).toEqual(
      ['copy-all', 'deletes'].map((name) => ({ job: expect.objectContaining({ task: name, key: 'bad' }) })),
    );
  });

  it('keeps the message while one of its objects may succeed later', async () => {
    let failures = 2;
    setting.fail = ({ key }) => {
      if (key === 'two' && failures-- > 0) throw new Fault('Truncated', 'm');
    };
    expect(await notify(event('ObjectCreated:Put', 'one'), event('ObjectCreated:Put', 'two'))).toEqual([false]);
    setting.clock.pass(15_000);
    expect(await setting.deliver()).toEqual([true]);
    expect(setting.queue.length).toBe(0);
  });

  it('postpones the whole message if the tasks cannot be read', async () => {
    const consumer = { ...setting.consumer(), tasks: () => Promise.reject(new Error('throttled')) };
    const body = JSON.stringify({ Records: [event('ObjectCreated:Put', 'k')] });
    setting.queue.sendBody(body);
    const [message] = setting.queue.receive();
    expect(await consumeMessage(consumer, message!)).toBe(true);
    setting.queue.remove(message!.receipt);
    setting.clock.pass(15_000);
    expect(setting.queue.receive()).toEqual([expect.objectContaining({ body, receives: 1 })]);
  });

  it('measures the time of a postponed job from its event', async () => {
    let isDown = true;
    setting.fail = () => {
      if (isDown) throw new Fault('Throttled', 'm');
    };
    expect(await notify(event('ObjectCreated:Put', 'k'))).toEqual([true]);
    isDown = false;
    setting.clock.pass(15_000);
    expect(await setting.deliver()).toEqual([true, true]);
    expect(setting.delays).toEqual([16_500, 16_500]);
  });

  it('buries a job for each task whose configuration is invalid', async () => {
    setting.fail = ({ task: name }) => {
      if (name.startsWith('broken')) throw new Fault('InvalidTask', 'typo');
    };
    const broken = [
      brokenTask('broken-here', '{"source":{"bucket":"source"}}'),
      brokenTask('broken-anywhere', '{'),
      brokenTask('broken-elsewhere', '{"source":{"bucket":"elsewhere"}}'),
    ];
    const consumer = { ...setting.consumer(), tasks: async () => [...tasks, ...broken] };
    setting.queue.sendBody(JSON.stringify({ Records: [event('ObjectCreated:Put', 'k')] }));
    const [message] = setting.queue.receive();
    expect(await consumeMessage(consumer, message!)).toBe(true);
    expect(setting.worked.map((one) => one.task)).toEqual(['copy-all', 'deletes', 'broken-here', 'broken-anywhere']);
    expect(setting.deadLetters.letters.map(({ reason }) => reason)).toEqual(['InvalidTask: typo', 'InvalidTask: typo']);
  });

  it('buries a notification whose key is not URL-encoded UTF-8', async () => {
    expect(await notify(event('ObjectCreated:Put', '%FF'))).toEqual([true]);
    expect(setting.deadLetters.letters[0]?.reason).toContain('is not URL-encoded UTF-8');
  });
});

test('redeliverySeconds grows to a quarter of an hour', () => {
  expect([1, 2, 3, 4, 5, 9].map(redeliverySeconds)).toEqual([15, 60, 240, 900, 900, 900]);
});
