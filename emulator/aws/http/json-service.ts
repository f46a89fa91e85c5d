import * as v from 'valibot';
import { AwsError, jsonError, type Exchange } from './exchange.ts';

/** One operation of a JSON service: takes the parsed body, gives the answer's body or throws an {@link AwsError}. */
export type Operation = (input: unknown) => object | Promise<object>;

export interface JsonServiceOptions {
  /** what stands before the operation in `X-Amz-Target`, such as `AmazonSSM` */
  readonly targetPrefix: string;
  /** the JSON protocol's version */
  readonly version: '1.0' | '1.1';
  readonly operations: Readonly<Record<string, Operation>>;
}

/** No request of these services comes near this many bytes. */
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

/** `input` as the schema says. @throws AwsError `ValidationException` that names every field at fault */
export function validated<Schema extends v.GenericSchema>(schema: Schema, input: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const faults = result.issues.map((issue) => `${v.getDotPath(issue) ?? '(whole)'}: ${issue.message}`);
  throw new AwsError('ValidationException', faults.join('; '));
}
