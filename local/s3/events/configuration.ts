import { S3Error } from '../errors.ts';
import { childrenOf, document, element, group, parseXml, textOf, type XmlElement } from '../http/xml.ts';

/** One rule of a bucket's notification configuration: which events go to which queue. */
export interface QueueConfiguration {
  readonly id: string;
  readonly queueArn: string;
  /** Such as `s3:ObjectCreated:*`. */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

function parseFilter(configuration: XmlElement): { prefix: string; suffix: string } {
  const found = { prefix: '', suffix: '' };
  const [filter] = childrenOf(configuration, 'Filter');
  const [key] = filter === undefined ? [] : childrenOf(filter, 'S3Key');
  for (const rule of key === undefined ? [] : childrenOf(key, 'FilterRule')) {
    const name = textOf(rule, 'Name')?.toLowerCase();
    if (name !== 'prefix' && name !== 'suffix') {
      throw new S3Error('InvalidArgument', 'filter rule name must be either prefix or suffix');
    }
    found[name] = textOf(rule, 'Value') ?? '';
  }
  return found;
}

/**
 * Reads the body of PutBucketNotificationConfiguration.
 * @param newId names configurations that come without an id
 * @throws S3Error MalformedXML, InvalidArgument; NotImplemented for destinations other than queues
 */
export function parseConfiguration(xml: string, newId: () => string): QueueConfiguration[] {
  const root = parseXml(xml, 'NotificationConfiguration');
  if (root.children.some((child) => child.name !== 'QueueConfiguration')) {
    throw new S3Error('NotImplemented', 'Only queues can be notified here');
  }
  return root.children.map((configuration) => {
    const queueArn = textOf(configuration, 'Queue');
    const events = childrenOf(configuration, 'Event').map((event) => event.text);
    if (queueArn === undefined || events.length === 0) throw new S3Error('MalformedXML');
    if (!/^arn:[\w-]+:sqs:/.test(queueArn)) throw new S3Error('InvalidArgument', 'The ARN is not well formed');
    if (!events.every((event) => /^s3:\w+(?::(?:\*|\w+))?$/.test(event))) {
      throw new S3Error('InvalidArgument', 'The event is not supported for notifications');
    }
    return { id: textOf(configuration, 'Id') ?? newId(), queueArn, events, ...parseFilter(configuration) };
  });
}

/** Writes the answer of GetBucketNotificationConfiguration. */
export function printConfiguration(configurations: readonly QueueConfiguration[]): string {
  const rule = (name: string, value: string): string =>
    value === '' ? '' : group('FilterRule', element('Name', name), element('Value', value));
  return document(
    'NotificationConfiguration',
    ...configurations.map(({ id, queueArn, events, prefix, suffix }) => {
      const rules = rule('Prefix', prefix) + rule('Suffix', suffix);
      return group(
        'QueueConfiguration',
        element('Id', id),
        element('Queue', queueArn),
        ...events.map((event) => element('Event', event)),
        rules === '' ? '' : group('Filter', group('S3Key', rules)),
      );
    }),
  );
}

/**
 * Does this rule want this event of this key?
 * @param eventName as in a record, without `s3:`
 */
export function wants(configuration: QueueConfiguration, eventName: string, key: string): boolean {
  const named = configuration.events.some((event) => {
    const wanted = event.slice('s3:'.length);
    return wanted === eventName || (wanted.endsWith(':*') && eventName.startsWith(wanted.slice(0, -1)));
  });
  return named && key.startsWith(decoded(configuration.prefix)) && key.endsWith(decoded(configuration.suffix));
}

/** A filter's text as S3 understands it: URL-encoded, a space as `+`; what is no encoding stands for itself. */
function decoded(filter: string): string {
  try {
    return decodeURIComponent(filter.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return filter;
    throw error;
  }
}
