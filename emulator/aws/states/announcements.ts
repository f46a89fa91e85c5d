import { randomUUID } from 'node:crypto';
import { arnOf, type Account } from '../account.ts';
import { refusalText, type Access } from '../iam/access.ts';
import type { Announcement } from './definition.ts';
import type { Machine } from './executions.ts';
import { StepError } from './step-error.ts';

/** A message that a machine published to a topic, or an event that it put on a bus. Nothing receives it here. */
export interface Announced {
  readonly kind: Announcement;
  /** ARN of the topic, or of the event bus */
  readonly to: string;
  /** as the state gave it: the parameters of Publish, or an entry of PutEvents */
  readonly content: Readonly<Record<string, unknown>>;
}

/** The announcements that are remembered. */
const maxAnnounced = 1000;

/** Topics and the event buses, as far as machines use them: what is sent to them is kept for tests to read. */
export class Announcements {
  readonly #access: Access;
  readonly #account: Account;
  readonly #announced: Announced[] = [];

  constructor(access: Access, account: Account) {
    this.#access = access;
    this.#account = account;
  }

  all(): readonly Announced[] {
    return [...this.#announced];
  }

  /**
   * Publishes a message or puts events, in the role of the machine. The permissions are those of the API (Service
   * Authorization Reference, Amazon SNS and Amazon EventBridge). The names of errors are not documented; assumed are
   * the services', after the name of the service as in the examples for Lambda.
   */
  announce({ role }: Machine, kind: Announcement, parameters: object): object {
    const entries = entriesOf(kind, parameters, this.#account);
    for (const { to } of entries) {
      const action = kind === 'publish' ? 'sns:Publish' : 'events:PutEvents';
      const refusal = this.#access.refusal(role, { action, resource: to });
      if (refusal)
        throw new StepError(
          kind === 'publish' ? 'SNS.SnsException' : 'Events.EventBridgeException',
          refusalText(refusal),
        );
    }
    this.#announced.push(...entries);
    this.#announced.splice(0, Math.max(0, this.#announced.length - maxAnnounced));
    if (kind === 'publish') return { MessageId: randomUUID() };
    return { Entries: entries.map(() => ({ EventId: randomUUID() })), FailedEntryCount: 0 };
  }
}

function entriesOf(kind: Announcement, parameters: object, account: Account): Announced[] {
  const content = parameters as Readonly<Record<string, unknown>>;
  if (kind === 'publish') return [{ kind, to: String(content['TopicArn']), content }];
  const entries = content['Entries'];
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > 10) {
    throw new StepError('Events.ValidationException', 'PutEvents takes 1 to 10 entries');
  }
  return entries.map((entry: Readonly<Record<string, unknown>>) => {
    const { EventBusName: named } = entry;
    const bus = typeof named === 'string' ? named : 'default';
    const to = bus.startsWith('arn:') ? bus : arnOf(account, 'events', `event-bus/${bus}`);
    return { kind, to, content: entry };
  });
}
