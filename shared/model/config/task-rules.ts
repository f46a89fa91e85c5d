import { storeOf, stores } from '../stores/stores.ts';
import { partitionOf } from './partition.ts';
import { patternFaults, placeFaults } from './side-rules.ts';
import type { DestinationSide, Side } from './side.ts';
import type { Task } from './task-schema.ts';

/** Rules over several fields of a task, and over several tasks. A fault reads `path: found ..., expected ...`. */

/** The faults within one task whose fields are each valid. */
export function taskFaults(task: Task): string[] {
  return [
    ...placeFaults('source', task.source),
    ...placeFaults('destination', task.destination),
    ...patternFaults(task),
    ...sideFaults('source', task.source),
    ...sideFaults('destination', task.destination),
    ...keyFaults(task.destination),
    ...overlapFaults(task),
    ...prefixFaults(task),
    ...eventFaults(task),
    ...sizeFaults(task),
  ];
}

function sideFaults(name: string, { credentials, region, requestPayer }: Side): string[] {
  if (!credentials) return [];
  const faults: string[] = [];
  if ('anonymous' in credentials && requestPayer) {
    faults.push(`${name}.requestPayer: found true with anonymous credentials, expected a requester who can pay`);
  }
  if ('webIdentity' in credentials && region === undefined) {
    faults.push(`${name}.region: is missing, expected the region whose STS issues the role's credentials`);
  }
  const role =
    'webIdentity' in credentials ? credentials.webIdentity.roleArn : 'roleArn' in credentials && credentials.roleArn;
  if (role !== false && region !== undefined && partitionOfArn(role) !== partitionOf(region)) {
    const field = 'webIdentity' in credentials ? 'webIdentity.roleArn' : 'roleArn';
    faults.push(
      `${name}.credentials.${field}: found a role of partition ${partitionOfArn(role)}, expected one of ` +
        `${partitionOf(region)}, the partition of region ${region}`,
    );
  }
  return faults;
}

/** A KMS key must be in the region of the bucket that it encrypts. */
function keyFaults({ encryption, region }: DestinationSide): string[] {
  if (encryption?.type !== 'aws:kms' || encryption.keyId?.startsWith('arn:') !== true) return [];
  const keyRegion = encryption.keyId.split(':')[3];
  if (region === undefined || keyRegion === region) return [];
  return [
    `destination.encryption.keyId: found a key of region ${keyRegion}, ` +
      `expected one of ${region}, the region of the bucket`,
  ];
}

function overlapFaults(task: Task): string[] {
  if (!overlap(sourceOf(task), destinationOf(task))) return [];
  const { source, destination } = task;
  const same = source.prefix === destination.prefix;
  return [
    `destination: found the source's own bucket "${source.bucket}" with prefixes ` +
      `"${source.prefix}" and "${destination.prefix}", expected ` +
      (same
        ? 'another bucket or prefix (source and destination are the same)'
        : 'prefixes neither of which begins with the other (the copies would be copied again, endlessly)'),
  ];
}

/** Only runs read a prefix list. */
function prefixFaults({ prefixes, prefixList, events }: Task): string[] {
  if (prefixList === undefined) return [];
  const faults: string[] = [];
  if (prefixes !== undefined) faults.push('prefixList: found beside prefixes, expected one of the two');
  if (events !== 'none') {
    faults.push(
      `events: found "${events}" with a prefixList, which only runs read; ` +
        'expected "none", or prefixes instead of the list',
    );
  }
  return faults;
}

/** The stack configures the notifications of the source bucket, so it must be on S3 and in this account. */
function eventFaults({ events, source }: Task): string[] {
  if (events === 'none') return [];
  const instead = 'expected "none" (a schedule needs no notifications)';
  if (source.endpoint !== undefined) {
    return [`events: found "${events}" for a source with an endpoint, whose store cannot notify the queue; ${instead}`];
  }
  if (source.credentials !== undefined) {
    return [
      `events: found "${events}" for a source with credentials of its own, ` +
        `whose notifications the stack cannot set; ${instead}`,
    ];
  }
  return [];
}

/** The largest parameter (Parameter Store, advanced tier). */
const maxParameterBytes = 8192;

/** A task must fit into one parameter. */
function sizeFaults(task: Task): string[] {
  const bytes = Buffer.byteLength(JSON.stringify(task));
  if (bytes <= maxParameterBytes) return [];
  return [
    `prefixes, include, exclude, certificateAuthority: found a task of ${bytes} bytes, expected at most ${maxParameterBytes}, ` +
      'the largest parameter; use fewer or shorter ones, or a prefixList',
  ];
}

/** The faults between tasks that are each valid. A fault names every task that it concerns. */
export function faultsBetween(tasks: readonly Task[]): string[] {
  return [...repeatedNames(tasks), ...overlappingDestinations(tasks), ...loops(tasks)];
}

function repeatedNames(tasks: readonly Task[]): string[] {
  const repeated = tasks.map((task) => task.name).filter((name, index, names) => names.indexOf(name) !== index);
  return [...new Set(repeated)].map((name) => `two tasks are named "${name}", expected unique names`);
}

function overlappingDestinations(tasks: readonly Task[]): string[] {
  return tasks.flatMap((task, index) =>
    tasks
      .slice(index + 1)
      .filter((other) => overlap(destinationOf(task), destinationOf(other)))
      .map(
        (other) =>
          `tasks "${task.name}" and "${other.name}", destination: found ${place(task.destination)} and ` +
          `${place(other.destination)}, expected destinations that do not contain each other ` +
          '(each would overwrite, or delete, what the other copied)',
      ),
  );
}

/** Loops: chains of tasks, each of which reads what the one before it wrote, that lead back to the first source. */
function loops(tasks: readonly Task[]): string[] {
  return tasks.flatMap((first, index) => {
    // Each loop is reported once, by its first task.
    const loop = shortestLoop(first, tasks.slice(index + 1));
    return loop ? [loopFault(loop)] : [];
  });
}

/** The shortest chain of tasks through which the copies of `first` come back to its source; breadth first. */
function shortestLoop(first: Task, others: readonly Task[]): Task[] | undefined {
  const seen = new Set<Task>();
  let chains: Task[][] = [[first]];
  while (chains.length > 0) {
    const longer: Task[][] = [];
    for (const chain of chains) {
      const last = chain.at(-1) ?? first;
      if (last !== first && overlap(destinationOf(last), sourceOf(first))) return chain;
      for (const next of others) {
        if (seen.has(next) || !overlap(destinationOf(last), sourceOf(next))) continue;
        seen.add(next);
        longer.push([...chain, next]);
      }
    }
    chains = longer;
  }
  return undefined;
}

function loopFault(tasks: readonly Task[]): string {
  const names = tasks.map(({ name }) => `"${name}"`).join(', ');
  const path = tasks.map(({ source, destination }) => `${place(source)} to ${place(destination)}`).join(', ');
  return (
    `tasks ${names}, destination: found a loop, ${path}; expected tasks whose copies do not come back to a source ` +
    '(each copy would be newer than what it was made from, and be copied again)'
  );
}

/** The keys of a side that a task selects. */
interface Keys {
  readonly side: Side;
  /** whole prefixes, the side's own included */
  readonly prefixes: readonly string[];
}

function sourceOf({ source, prefixes }: Task): Keys {
  return { side: source, prefixes: wholePrefixes(source, prefixes) };
}

function destinationOf({ destination, prefixes }: Task): Keys {
  return { side: destination, prefixes: wholePrefixes(destination, prefixes) };
}

/** The task's prefixes below the side's. Without any, or with a prefix list (unknown here), the side's own prefix. */
function wholePrefixes({ prefix }: Side, prefixes: readonly string[] = ['']): string[] {
  return prefixes.map((more) => prefix + more);
}

/** Can a key belong to both? That needs one store, one bucket, and a prefix that begins with the other. */
function overlap(one: Keys, other: Keys): boolean {
  return (
    one.side.bucket === other.side.bucket &&
    sameStore(one.side, other.side) &&
    one.prefixes.some((a) => other.prefixes.some((b) => a.startsWith(b) || b.startsWith(a)))
  );
}

/**
 * Do both sides name buckets of one store? On S3 a bucket's name is unique in a partition, at some vendors in the whole
 * store, whatever the endpoint. A side without a region is assumed to be in the other's partition, unless only one of
 * them has credentials: no role reaches two partitions.
 */
function sameStore(one: Side, other: Side): boolean {
  if (one.endpoint !== undefined && hostOf(one.endpoint) === hostOf(other.endpoint)) return true;
  const store = storeOf(one);
  if (store !== storeOf(other) || stores[store].address.bucketNames.is === 'endpoint') return false;
  if (store !== 'aws') return true;
  if (one.region !== undefined && other.region !== undefined) {
    return partitionOf(one.region) === partitionOf(other.region);
  }
  const bothWithout = one.region === undefined && other.region === undefined;
  return bothWithout || (one.credentials === undefined) === (other.credentials === undefined);
}

function hostOf(endpoint: string | undefined): string | undefined {
  return endpoint === undefined ? undefined : new URL(endpoint).host;
}

function place({ bucket, prefix }: Side): string {
  return JSON.stringify(`${bucket}/${prefix}`);
}

function partitionOfArn(arn: string): string {
  return arn.split(':')[1] ?? '';
}
