import { S3Error } from '../errors.ts';
import type { Notification } from '../options.ts';
import type { Commit } from '../store/storage.ts';
import type { BucketRow } from '../store/rows.ts';
import { queueRules, wants, type Configuration } from './configuration.ts';
import { eventMessage, testMessage, type ObjectEvent, type Origin } from './message.ts';
import type { Outbox } from './outbox.ts';

/** Turns what happens to objects into notifications for the queues that asked for them. */
export class Publisher {
  private readonly outbox: Outbox | undefined;
  private readonly now: () => number;
  private readonly deliver: ((notification: Notification) => void | Promise<void>) | undefined;

  /** Without an outbox nothing is recorded. */
  constructor(
    outbox: Outbox | undefined,
    now: () => number,
    deliver?: (notification: Notification) => void | Promise<void>,
  ) {
    this.outbox = outbox;
    this.now = now;
    this.deliver = deliver;
  }

  /** Inside a commit: records the event for each queue that wants it, and delivers it after the commit. */
  record(commit: Commit, bucket: BucketRow, event: ObjectEvent, origin: Origin): void {
    const { outbox } = this;
    if (outbox === undefined || bucket.notifications === '[]') return;
    const configurations = JSON.parse(bucket.notifications) as Configuration[];
    const wanted = queueRules(configurations).filter((configuration) => wants(configuration, event.name, event.key));
    for (const { id, queueArn } of wanted) {
      outbox.add({ queueArn, message: eventMessage(bucket, event, { ...origin, at: this.now() }, id) });
    }
    if (wanted.length > 0) commit.after(() => outbox.flush());
  }

  /**
   * Sends the test event to queues, once each, as S3 does before it takes a configuration.
   * @throws S3Error InvalidArgument when one cannot be reached
   */
  async test(queueArns: Iterable<string>, bucket: string, requestId: string): Promise<void> {
    for (const queueArn of new Set(queueArns)) {
      try {
        await this.deliver?.({ queueArn, message: testMessage(bucket, requestId) });
      } catch {
        throw new S3Error('InvalidArgument', 'Unable to validate the following destination configurations', {
          details: { ArgumentName: queueArn },
        });
      }
    }
  }
}
