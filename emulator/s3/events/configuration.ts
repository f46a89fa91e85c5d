import { S3Error } from '../errors.ts';
import { childrenOf, document, element, group, parseXml, textOf, type XmlElement } from '../http/xml.ts';

interface Rule {
  readonly id: string;
  /** Such as `s3:ObjectCreated:*`. */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

/** One rule of a bucket's notification configuration: which events go to which queue. */
export interface QueueConfiguration extends Rule {
  readonly queueArn: string;
}

/** A rule for a receiver that the emulator does not have: it is stored and returned, but never notified. */
export interface StoredConfiguration extends Rule {
  readonly kind: 'TopicConfiguration' | 'CloudFunctionConfiguration' | 'EventBridgeConfiguration';
  readonly arn: string;
}

export type Configuration = QueueConfiguration | StoredConfiguration;

/** The element that names the receiver in each kind of rule. */
const receivers = {
  QueueConfiguration: 'Queue',
  TopicConfiguration: 'Topic',
  CloudFunctionConfiguration: 'CloudFunction',
} as const;

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
 * @param newId creates an ID for a rule without one
 * @throws S3Error MalformedXML; InvalidArgument, also for overlapping rules
 */
export function parseConfiguration(xml: string, newId: () => string): Configuration[] {
  const rules = parseXml(xml, 'NotificationConfiguration').children.map((child) => parseRule(child, newId));
  if (rules.some((rule, index) => rules.slice(0, index).some((other) => overlap(rule, other)))) {
    throw new S3Error(
      'InvalidArgument',
      'Configurations overlap. Configurations on the same bucket cannot share a common event type.',
    );
  }
  return rules;
}

function parseRule(configuration: XmlElement, newId: () => string): Configuration {
  const kind = configuration.name;
  if (kind === 'EventBridgeConfiguration') return { kind, id: '', arn: '', events: [], prefix: '', suffix: '' };
  if (kind !== 'QueueConfiguration' && kind !== 'TopicConfiguration' && kind !== 'CloudFunctionConfiguration') {
    throw new S3Error('MalformedXML');
  }
  const arn = textOf(configuration, receivers[kind]);
  const events = childrenOf(configuration, 'Event').map((event) => event.text);
  if (arn === undefined || events.length === 0) throw new S3Error('MalformedXML');
  const service = { QueueConfiguration: 'sqs', TopicConfiguration: 'sns', CloudFunctionConfiguration: 'lambda' }[kind];
  if (!new RegExp(`^arn:[\\w-]+:${service}:`).test(arn)) {
    throw new S3Error('InvalidArgument', 'The ARN is not well formed');
  }
  if (!events.every((event) => /^s3:\w+(?::(?:\*|\w+))?$/.test(event))) {
    throw new S3Error('InvalidArgument', 'The event is not supported for notifications');
  }
  const rule = { id: textOf(configuration, 'Id') ?? newId(), events, ...parseFilter(configuration) };
  return kind === 'QueueConfiguration' ? { ...rule, queueArn: arn } : { ...rule, kind, arn };
}

/** Whether both rules could match the same event. S3 refuses such rules: each event has one receiver. */
function overlap(one: Rule, other: Rule): boolean {
  const prefixesOverlap = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);
  const suffixesOverlap = (a: string, b: string): boolean => a.endsWith(b) || b.endsWith(a);
  const withoutWildcard = ({ events }: Rule): string[] => events.map((event) => event.replace(/\*$/, ''));
  const events = withoutWildcard(one).some((a) => withoutWildcard(other).some((b) => prefixesOverlap(a, b)));
  return events && prefixesOverlap(one.prefix, other.prefix) && suffixesOverlap(one.suffix, other.suffix);
}

/** The answer of GetBucketNotificationConfiguration. */
export function printConfiguration(configurations: readonly Configuration[]): string {
  const filterRule = (name: string, value: string): string =>
    value === '' ? '' : group('FilterRule', element('Name', name), element('Value', value));
  return document(
    'NotificationConfiguration',
    ...configurations.map((configuration) => {
      const { id, events, prefix, suffix } = configuration;
      const kind = 'kind' in configuration ? configuration.kind : 'QueueConfiguration';
      if (kind === 'EventBridgeConfiguration') return group(kind);
      const rules = filterRule('Prefix', prefix) + filterRule('Suffix', suffix);
      return group(
        kind,
        element('Id', id),
        element(receivers[kind], 'queueArn' in configuration ? configuration.queueArn : configuration.arn),
        ...events.map((event) => element('Event', event)),
        rules === '' ? '' : group('Filter', group('S3Key', rules)),
      );
    }),
  );
}

/** The rules that notify a queue. */
export function queueRules(configurations: readonly Configuration[]): QueueConfiguration[] {
  return configurations.filter((configuration) => 'queueArn' in configuration);
}

/**
 * Whether a rule matches an event of a key.
 * @param eventName as in an event record, without `s3:`
 */
export function matches(configuration: QueueConfiguration, eventName: string, key: string): boolean {
  const named = configuration.events.some((event) => {
    const wanted = event.slice('s3:'.length);
    return wanted === eventName || (wanted.endsWith(':*') && eventName.startsWith(wanted.slice(0, -1)));
  });
  return named && key.startsWith(decoded(configuration.prefix)) && key.endsWith(decoded(configuration.suffix));
}

/** Decodes the value of a filter as S3 does: URL-encoded, a space as `+`. A malformed encoding is taken literally. */
function decoded(filter: string): string {
  try {
    return decodeURIComponent(filter.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return filter;
    throw error;
  }
}
