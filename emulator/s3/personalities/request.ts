import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../errors.ts';
import type { Address } from '../http/address.ts';
import { chooseOperation, type Operation } from '../http/route.ts';
import type { NamePattern, Personality, Refusal, Rule } from './personality.ts';

/** A request as the store reads it: without what it ignores. */
export interface ReadRequest {
  readonly operation: Operation;
  readonly address: Address;
  readonly headers: IncomingHttpHeaders;
}

/** The error of a refusal. */
export function refusalError({ status, code, message = code }: Refusal): S3Error {
  return S3Error.other(status, code, message);
}

function matches(name: string, pattern: NamePattern): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Whether a rule is about a name in an operation. */
export function covers({ names, on }: Rule, name: string, operation: Operation): boolean {
  return (on === undefined || on.includes(operation)) && names.some((pattern) => matches(name, pattern));
}

/** Whether one of several rules is. */
export function covered(rules: readonly Rule[], name: string, operation: Operation): boolean {
  return rules.some((rule) => covers(rule, name, operation));
}

/** Leaves out the headers and parameters that the store does not know. */
export function readAs(
  { requests, listings }: Personality,
  method: string,
  address: Address,
  headers: IncomingHttpHeaders,
): ReadRequest {
  const sent = chooseOperation(method, address, headers);
  const parameters = listings.secondVersion
    ? requests.ignoredParameters
    : [...requests.ignoredParameters, { names: ['list-type'] }];
  const keptParameter = ([name]: readonly [string, unknown]): boolean => !covered(parameters, name, sent);
  const keptHeader = ([name]: readonly [string, unknown]): boolean => !covered(requests.ignoredHeaders, name, sent);
  const read = {
    address: { ...address, query: new Map([...address.query].filter(keptParameter)) },
    headers: Object.fromEntries(Object.entries(headers).filter(keptHeader)),
  };
  return { ...read, operation: chooseOperation(method, read.address, read.headers) };
}

const writes: ReadonlySet<Operation> = new Set(['PutObject', 'CopyObject', 'CreateMultipartUpload']);

/** @throws S3Error if the store refuses the request before it is performed */
export function refuse({ requests, objects }: Personality, { operation, address, headers }: ReadRequest): void {
  const lack = requests.lacks[operation];
  if (lack) throw refusalError(lack);
  for (const rule of requests.refusedHeaders) {
    const found = Object.entries(headers).find(([name]) => covers(rule, name, operation));
    if (found && (rule.value?.test(String(found[1])) ?? true)) throw refusalError(rule.answer);
  }
  if (!writes.has(operation)) return;
  for (const { keys, answer } of objects.refusedKeys) if (keys.test(address.key)) throw refusalError(answer);
}
