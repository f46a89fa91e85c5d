import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Notification } from '../options.ts';
import { transaction } from '../store/database.ts';

interface Row {
  readonly id: number;
  readonly queueArn: string;
  readonly message: string;
}

/** Deliveries at a time. S3 promises no order either. */
const BATCH = 32;
const RETRY_MS = 1000;

/**
 * Keeps notifications until they are delivered. They are added in the transaction of the change they tell of, so that
 * neither exists without the other, and stay over restarts: delivered at least once.
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

  /** Inside a transaction: adds a notification. Call `flush` when it is committed. */
  add({ queueArn, message }: Notification): void {
    this.insert.run(queueArn, JSON.stringify(message));
  }

  /** Delivers what is there, in the background. */
  flush(): void {
    if (this.closed) return;
    this.again = true;
    this.running ??= this.run()
      .catch(this.onError)
      .finally(() => {
        this.running = undefined;
        // A flush may have come after the last look at the rows.
        if (this.again) this.flush();
      });
  }

  /** Ends the deliveries under way and begins no more; what is left waits for the next start. */
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
        const rows = this.closed ? [] : (this.next.all(cursor, BATCH) as unknown as Row[]);
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
    this.retry = setTimeout(() => this.flush(), RETRY_MS).unref();
  }

  private async send({ queueArn, message }: Row): Promise<void> {
    await this.deliver({ queueArn, message: JSON.parse(message) as object });
  }
}
