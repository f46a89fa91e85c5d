import * as v from 'valibot';
import { describeIssues } from '../validate.ts';
import { AwsError, jsonError, type Exchange } from './exchange.ts';

/** One operation of a JSON service: from the parsed body to the body of the answer. @throws AwsError */
export type Operation = (input: unknown) => object | Promise<object>;

export interface JsonServiceOptions {
  /** the part of `X-Amz-Target` before the operation, such as `AmazonSSM` */
  readonly targetPrefix: string;
  /** the JSON protocol's version */
  readonly version: '1.0' | '1.1';
  readonly operations: Readonly<Record<string, Operation>>;
}

/** Far above the largest request of these services. */
export const maxJsonBodyBytes = 4 * 1024 * 1024;

/** A small AWS service in the JSON protocol. */
export function jsonService(options: JsonServiceOptions): Exchange {
  return async (headers, body) => {
    const target = String(headers['x-amz-target'] ?? '');
    try {
      const [prefix, name = ''] = target.split('.', 2);
      const operation = prefix === options.targetPrefix ? options.operations[name] : undefined;
      if (!operation) {
        const known = Object.keys(options.operations).join(', ');
        throw new AwsError(
          'UnknownOperationException',
          `found X-Amz-Target "${target}", expected ${options.targetPrefix}. and one of ${known}`,
        );
      }
      return {
        status: 200,
        headers: { 'content-type': `application/x-amz-json-${options.version}` },
        body: JSON.stringify(await operation(parse(body))),
      };
    } catch (error) {
      if (error instanceof AwsError) return jsonError(error, options.version);
      throw error;
    }
  };
}

function parse(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (error) {
    throw new AwsError('SerializationException', error instanceof Error ? error.message : 'the body is not JSON');
  }
}

/** Checks the input of an operation. @throws AwsError `ValidationException` that lists every invalid field */
export function validated<Schema extends v.GenericSchema>(schema: Schema, input: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  throw new AwsError('ValidationException', describeIssues(result.issues).join('; '));
}
