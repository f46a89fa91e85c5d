import { EmulatorError } from '../errors.ts';
import { arnOf, type Account } from '../account.ts';
import type { Template } from './template.ts';

/** What a template can refer to: the `Ref` and the attributes of a resource. */
export interface ResourceIdentity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ResolverOptions {
  readonly template: Template;
  readonly account: Account;
  readonly stackName: string;
  /** values for the template's parameters; their defaults otherwise */
  readonly parameters: Readonly<Record<string, string>>;
  /** @returns undefined for a resource that nothing can refer to here */
  readonly identify: (logicalId: string) => ResourceIdentity | undefined;
}

type Json = Record<string, unknown>;

/** The value of `Ref: AWS::NoValue`. A property or list item with this value is dropped. */
const noValue = Symbol('AWS::NoValue');

/** Evaluates the functions of CloudFormation. @throws EmulatorError `NotSupported` or `InvalidInput` with the place */
export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** `value` with every function replaced by its result. @param where the place, for messages */
  resolve(value: unknown, where: string): unknown {
    const resolved = this.#resolve(value, where);
    return resolved === noValue ? undefined : resolved;
  }

  /** Whether the condition of this name is true. */
  condition(name: string): boolean {
    if (!(name in this.#options.template.Conditions)) throw invalid(`Conditions.${name}`, 'there is no such condition');
    return this.#test(this.#options.template.Conditions[name], `Conditions.${name}`);
  }

  #resolve(value: unknown, where: string): unknown {
    if (Array.isArray(value)) {
      return value
        .map((item, index) => this.#resolve(item, `${where}.${index}`))
        .filter((item: unknown) => item !== noValue);
    }
    if (typeof value !== 'object' || value === null) return value;
    const [name, argument] = Object.entries(value)[0] ?? [];
    if (name !== undefined && Object.keys(value).length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
      return this.#call(name, argument, where);
    }
    const entries = Object.entries(value as Json).map(
      ([key, item]) => [key, this.#resolve(item, `${where}.${key}`)] as const,
    );
    return Object.fromEntries(entries.filter(([, item]) => item !== noValue));
  }

  #call(name: string, argument: unknown, where: string): unknown {
    switch (name) {
      case 'Ref':
        return this.#ref(String(argument), where);
      case 'Fn::GetAtt':
        return this.#attribute(typeof argument === 'string' ? argument.split('.') : this.#list(argument, where), where);
      case 'Fn::Join': {
        const [separator, items] = this.#list(argument, where);
        return this.#list(items, where)
          .map((item) => String(item))
          .join(String(separator));
      }
      case 'Fn::Split': {
        const [separator, text] = this.#list(argument, where);
        return String(text).split(String(separator));
      }
      case 'Fn::Select': {
        const [index, items] = this.#list(argument, where);
        const chosen: unknown = this.#list(items, where)[Number(index)];
        if (chosen === undefined) throw invalid(where, `Fn::Select finds nothing at ${String(index)}`);
        return chosen;
      }
      case 'Fn::Sub':
        return this.#substitute(argument, where);
      case 'Fn::If': {
        const [condition, yes, no] = argument as [string, unknown, unknown];
        return this.#resolve(this.condition(condition) ? yes : no, where);
      }
      case 'Fn::FindInMap': {
        const [map, first, second] = this.#list(argument, where).map((part) => String(part));
        const found = this.#options.template.Mappings[map ?? '']?.[first ?? '']?.[second ?? ''];
        if (found === undefined) throw invalid(where, `Fn::FindInMap finds nothing at ${map}.${first}.${second}`);
        return found;
      }
      default:
        throw new EmulatorError('NotSupported', `${where}: the emulator cannot evaluate ${name}`);
    }
  }

  /** A list, or a function that returns one, with every item resolved. */
  #list(argument: unknown, where: string): unknown[] {
    const list = this.#resolve(argument, where);
    if (!Array.isArray(list)) throw invalid(where, `found ${typeof list}, expected a list`);
    return list;
  }

  #ref(name: string, where: string): unknown {
    const { account, stackName, template, parameters, identify } = this.#options;
    const pseudo: Record<string, unknown> = {
      'AWS::Region': account.region,
      'AWS::AccountId': account.accountId,
      'AWS::Partition': account.partition,
      'AWS::URLSuffix': account.urlSuffix,
      'AWS::StackName': stackName,
      'AWS::StackId': arnOf(account, 'cloudformation', `stack/${stackName}/local`),
      'AWS::NoValue': noValue,
    };
    if (name in pseudo) return pseudo[name];
    if (name in template.Parameters) {
      const value = parameters[name] ?? template.Parameters[name]?.Default;
      if (value === undefined) throw invalid(where, `the template's parameter ${name} has no value`);
      return value;
    }
    return this.#identity(name, where, identify(name)).ref;
  }

  #attribute(path: unknown[], where: string): string {
    const [logicalId = '', ...rest] = path.map((part) => String(part));
    const name = rest.join('.');
    const value = this.#identity(logicalId, where, this.#options.identify(logicalId)).attributes[name];
    if (value === undefined) {
      const type = this.#options.template.Resources[logicalId]?.Type ?? '';
      throw new EmulatorError(
        'NotSupported',
        `${where}: the emulator knows no attribute ${name} of ${logicalId} (${type})`,
      );
    }
    return value;
  }

  #identity(logicalId: string, where: string, identity: ResourceIdentity | undefined): ResourceIdentity {
    const resource = this.#options.template.Resources[logicalId];
    if (!resource) throw invalid(where, `refers to ${logicalId}, which the template does not have`);
    if (identity) return identity;
    throw new EmulatorError(
      'NotSupported',
      `${where}: refers to ${logicalId}, but ${resource.Type} has no reference in the emulator`,
    );
  }

  #substitute(argument: unknown, where: string): string {
    const [text, variables] = Array.isArray(argument) ? (argument as [string, Json]) : [String(argument), {}];
    return text.replaceAll(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal === '!') return `\${${name}}`;
      if (name in variables) return String(this.#resolve(variables[name], where));
      return String(name.includes('.') ? this.#attribute(name.split('.'), where) : this.#ref(name, where));
    });
  }

  #test(condition: unknown, where: string): boolean {
    const [name = '', argument] = Object.entries(condition as Json)[0] ?? [];
    const several = (): boolean[] => (argument as unknown[]).map((item) => this.#test(item, where));
    switch (name) {
      case 'Condition':
        return this.condition(String(argument));
      case 'Fn::Equals': {
        const [left, right] = this.#list(argument, where);
        return String(left) === String(right);
      }
      case 'Fn::Not':
        return !several()[0];
      case 'Fn::And':
        return several().every(Boolean);
      case 'Fn::Or':
        return several().some(Boolean);
      default:
        throw new EmulatorError('NotSupported', `${where}: the emulator cannot evaluate the condition ${name}`);
    }
  }
}

function invalid(where: string, found: string): EmulatorError {
  return new EmulatorError('InvalidInput', `${where}: ${found}`);
}
