import { S3Error } from '../errors.ts';
import type { Notification } from '../options.ts';
import type { Commit } from '../store/storage.ts';
import type { BucketRow } from '../store/schema.ts';
import { matches, queueRules, type Configuration } from './configuration.ts';
import { eventMessage, testMessage, type ObjectEvent, type Origin } from './message.ts';
import type { Outbox } from './outbox.ts';

/** Turns changes of objects into notifications for the queues that a bucket's configuration names. */
export class Publisher {
  private readonly outbox: Outbox | undefined;
  private readonly now: () => number;
  private readonly deliver: ((notification: Notification) => void | Promise<void>) | undefined;

  /** @param outbox without it, no event is recorded */
  constructor(
    outbox: Outbox | undefined,
    now: () => number,
    deliver?: (notification: Notification) => void | Promise<void>,
  ) {
    this.outbox = outbox;
    this.now = now;
    this.deliver = deliver;
  }

  /** Inside a commit: records the event for each matching queue and, after the commit, delivers it. */
  record(commit: Commit, bucket: BucketRow, event: ObjectEvent, origin: Origin): void {
    const { outbox } = this;
    if (outbox === undefined || bucket.notifications === '[]') return;
    const configurations = JSON.parse(bucket.notifications) as Configuration[];
    const matching = queueRules(configurations).filter((configuration) =>
      matches(configuration, event.name, event.key),
    );
    for (const { id, queueArn } of matching) {
      outbox.add({ queueArn, message: eventMessage(bucket, event, { ...origin, at: this.now() }, id) });
    }
    if (matching.length > 0) commit.after(() => outbox.flush());
  }

  /**
   * Sends one test event to each queue, as S3 does before it accepts a configuration.
   * @throws S3Error InvalidArgument if a queue cannot be reached
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
