import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Notification } from '../options.ts';
import { transaction } from '../store/database.ts';
import type { OutboxRow } from '../store/schema.ts';

/** Concurrent deliveries change the order, which S3 does not promise either. */
const maxConcurrentDeliveries = 32;
/** Pause before failed deliveries are retried. */
const retryMillis = 1000;

/**
 * Stores notifications until they are delivered, at least once and also across restarts. A notification is added in the
 * transaction of the change that it reports, so neither exists without the other.
 */
export class Outbox {
  private readonly database: DatabaseSync;
  private readonly deliver: (notification: Notification) => void | Promise<void>;
  private readonly onError: (error: unknown) => void;
  private readonly insert: StatementSync;
  private readonly next: StatementSync;
  private readonly erase: StatementSync;
  private running: Promise<void> | undefined;
  private again = false;
  private retry: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    database: DatabaseSync,
    deliver: (notification: Notification) => void | Promise<void>,
    onError: (error: unknown) => void,
  ) {
    this.database = database;
    this.deliver = deliver;
    this.onError = onError;
    this.insert = database.prepare('INSERT INTO outbox (queueArn, message) VALUES (?, ?)');
    this.next = database.prepare('SELECT id, queueArn, message FROM outbox WHERE id > ? ORDER BY id LIMIT ?');
    this.erase = database.prepare('DELETE FROM outbox WHERE id = ?');
  }

  /** Inside a transaction: adds a notification. Call `flush` after the commit. */
  add({ queueArn, message }: Notification): void {
    this.insert.run(queueArn, JSON.stringify(message));
  }

  /** Delivers all stored notifications, in the background. */
  flush(): void {
    if (this.closed) return;
    this.again = true;
    this.running ??= this.run()
      .catch(this.onError)
      .finally(() => {
        this.running = undefined;
        // `flush` may have been called after the rows were last read.
        if (this.again) this.flush();
      });
  }

  /** Waits for the deliveries in progress and starts no more. The next start delivers the rest. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    await this.running;
  }

  private async run(): Promise<void> {
    let failed = false;
    while (this.again) {
      this.again = false;
      let cursor = 0;
      for (;;) {
        const rows = this.closed ? [] : (this.next.all(cursor, maxConcurrentDeliveries) as unknown as OutboxRow[]);
        const last = rows.at(-1);
        if (last === undefined) break;
        cursor = last.id;
        const results = await Promise.allSettled(rows.map(async (row) => this.send(row)));
        const done = rows.filter((_, i) => results[i]?.status === 'fulfilled');
        transaction(this.database, () => done.forEach(({ id }) => this.erase.run(id)));
        for (const result of results) {
          if (result.status === 'rejected') this.onError(result.reason);
        }
        failed ||= done.length < rows.length;
      }
    }
    if (!failed || this.closed) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.flush(), retryMillis).unref();
  }

  private async send({ queueArn, message }: OutboxRow): Promise<void> {
    await this.deliver({ queueArn, message: JSON.parse(message) as object });
  }
}
