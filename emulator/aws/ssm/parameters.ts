import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { arnOf, type Account } from '../account.ts';
import { AwsError, type Exchange } from '../http/exchange.ts';
import { jsonService, validated } from '../http/json-service.ts';

export interface Parameter {
  readonly name: string;
  readonly type: 'String' | 'StringList' | 'SecureString';
  readonly value: string;
  readonly version: number;
  /** seconds since the epoch, as the service answers */
  readonly modified: number;
}

const nameSchema = v.pipe(v.string(), v.regex(/^[\w./:-]{1,2048}$/, 'expected the name or ARN of a parameter'));
const newNameSchema = v.pipe(v.string(), v.regex(/^[\w./-]{1,1011}$/, 'expected 1 to 1,011 of a-z, A-Z, 0-9, _.-/'));
const decryption = v.optional(v.boolean(), false);
const putSchema = v.object({
  Name: newNameSchema,
  Value: v.pipe(v.string(), v.minLength(1)),
  Type: v.optional(v.picklist(['String', 'StringList', 'SecureString'])),
  Overwrite: v.optional(v.boolean(), false),
  Tier: v.optional(v.picklist(['Standard', 'Advanced', 'Intelligent-Tiering']), 'Standard'),
});
const pathSchema = v.object({
  Path: v.pipe(v.string(), v.startsWith('/', 'expected a path that begins with "/"')),
  Recursive: v.optional(v.boolean(), false),
  WithDecryption: decryption,
  MaxResults: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10)), 10),
  NextToken: v.optional(v.string()),
});

/**
 * The Parameter Store of Systems Manager, in memory: each start writes the parameters of the stack again, and secrets
 * that a user stores here must not reach the disk in the clear.
 */
export class ParameterStore {
  readonly exchange: Exchange;
  readonly #account: Account;
  readonly #parameters = new Map<string, Parameter>();

  constructor(account: Account) {
    this.#account = account;
    this.exchange = jsonService({
      targetPrefix: 'AmazonSSM',
      version: '1.1',
      operations: {
        GetParameter: (input) =>
          this.#getOne(validated(v.object({ Name: nameSchema, WithDecryption: decryption }), input)),
        GetParameters: (input) =>
          this.#getSeveral(validated(v.object({ Names: v.array(nameSchema), WithDecryption: decryption }), input)),
        GetParametersByPath: (input) => this.#getByPath(validated(pathSchema, input)),
        PutParameter: (input) => this.put(validated(putSchema, input)),
        DeleteParameter: (input) => this.#delete(validated(v.object({ Name: nameSchema }), input).Name),
      },
    });
  }

  /** PutParameter. */
  put(input: v.InferOutput<typeof putSchema>): { Version: number; Tier: string } {
    const limit = input.Tier === 'Standard' ? 4096 : 8192;
    if (Buffer.byteLength(input.Value) > limit) {
      throw new AwsError(
        'ValidationException',
        `the value has ${Buffer.byteLength(input.Value)} bytes, a parameter of tier ${input.Tier} has at most ${limit}`,
      );
    }
    const found = this.#parameters.get(input.Name);
    if (found && !input.Overwrite) {
      throw new AwsError(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      );
    }
    const type = input.Type ?? found?.type;
    if (!type) throw new AwsError('ValidationException', 'Type: expected a type for a new parameter');
    const version = (found?.version ?? 0) + 1;
    this.#parameters.set(input.Name, {
      name: input.Name,
      type,
      value: input.Value,
      version,
      modified: Date.now() / 1000,
    });
    return { Version: version, Tier: input.Tier === 'Advanced' ? 'Advanced' : 'Standard' };
  }

  #find(nameOrArn: string): Parameter | undefined {
    const prefix = arnOf(this.#account, 'ssm', 'parameter');
    if (!nameOrArn.startsWith(prefix)) return this.#parameters.get(nameOrArn);
    const rest = nameOrArn.slice(prefix.length);
    return this.#parameters.get(rest) ?? this.#parameters.get(rest.slice(1));
  }

  #getOne(input: { Name: string; WithDecryption: boolean }): object {
    const found = this.#find(input.Name);
    if (!found) throw new AwsError('ParameterNotFound', `parameter ${input.Name} not found`);
    return { Parameter: this.#shown(found, input.WithDecryption) };
  }

  #getSeveral(input: { Names: string[]; WithDecryption: boolean }): object {
    const found = input.Names.flatMap((name) => this.#find(name) ?? []);
    return {
      Parameters: found.map((parameter) => this.#shown(parameter, input.WithDecryption)),
      InvalidParameters: input.Names.filter((name) => !this.#find(name)),
    };
  }

  #getByPath(input: v.InferOutput<typeof pathSchema>): object {
    const prefix = input.Path.endsWith('/') ? input.Path : `${input.Path}/`;
    const names = [...this.#parameters.keys()]
      .filter((name) => name.startsWith(prefix) && (input.Recursive || !name.slice(prefix.length).includes('/')))
      .filter((name) => input.NextToken === undefined || name > input.NextToken)
      .sort();
    const page = names.slice(0, input.MaxResults);
    return {
      Parameters: page.flatMap((name) => {
        const found = this.#parameters.get(name);
        return found ? [this.#shown(found, input.WithDecryption)] : [];
      }),
      ...(page.length < names.length && { NextToken: page.at(-1) }),
    };
  }

  #delete(name: string): object {
    if (!this.#parameters.delete(name)) throw new AwsError('ParameterNotFound', `parameter ${name} not found`);
    return {};
  }

  #shown(parameter: Parameter, decrypt: boolean): object {
    const { name, type, value, version, modified } = parameter;
    // The stand-in for the ciphertext reveals nothing about the value except whether it changed.
    const secret = type === 'SecureString' && !decrypt;
    return {
      Name: name,
      Type: type,
      Value: secret ? `encrypted:${createHash('sha256').update(`${name}:${version}`).digest('base64')}` : value,
      Version: version,
      LastModifiedDate: modified,
      ARN: arnOf(this.#account, 'ssm', `parameter${name.startsWith('/') ? '' : '/'}${name}`),
      DataType: 'text',
    };
  }
}
