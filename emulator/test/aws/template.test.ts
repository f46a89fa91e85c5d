import { afterAll, describe, expect, it } from '@jest/globals';
import { accountIn } from '../../aws/account.ts';
import { resolveStack, type ResolvedStack } from '../../aws/template/stack.ts';
import { parseTemplate, readAssembly } from '../../aws/template/template.ts';
import { scratch, writeAssembly } from './assembly.ts';

const directory = scratch();
afterAll(directory.remove);

function resolved(template: object, region = 'us-east-1'): ResolvedStack {
  const assembly = {
    stackName: 'Stack',
    template: parseTemplate(JSON.stringify(template), 'template'),
    assetDirectory: () => undefined,
  };
  return resolveStack(assembly, accountIn(region), 'http://127.0.0.1:4566');
}

/** Resolves one value as an SSM parameter's, beside resources to refer to. */
function value(expression: unknown, more: object = {}, region?: string): unknown {
  const Resources = {
    Jobs403F2492: { Type: 'AWS::SQS::Queue', Properties: {} },
    Named: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { 'Fn::Sub': '${AWS::StackName}-dead' } } },
    Ledger: { Type: 'AWS::DynamoDB::Table', Properties: {} },
    Machine: { Type: 'AWS::StepFunctions::StateMachine', Properties: {} },
    Role: { Type: 'AWS::IAM::Role', Properties: {} },
    Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: {} },
    Parameter: { Type: 'AWS::SSM::Parameter', Properties: { Value: expression } },
  };
  return resolved({ Resources, ...more }, region).resources.find(({ logicalId }) => logicalId === 'Parameter')!
    .properties['Value'];
}

describe('intrinsic functions', () => {
  it.each<[string, unknown, unknown]>([
    ['a literal', 'x', 'x'],
    [
      'Ref of a queue: its URL, without the hash of the logical ID',
      { Ref: 'Jobs403F2492' },
      'http://127.0.0.1:4566/000000000000/Stack-Jobs',
    ],
    ['Ref of a named queue', { Ref: 'Named' }, 'http://127.0.0.1:4566/000000000000/Stack-dead'],
    ['Ref of a table', { Ref: 'Ledger' }, 'Stack-Ledger'],
    ['Ref of a machine', { Ref: 'Machine' }, 'arn:aws:states:us-east-1:000000000000:stateMachine:Stack-Machine'],
    ['an attribute', { 'Fn::GetAtt': ['Jobs403F2492', 'Arn'] }, 'arn:aws:sqs:us-east-1:000000000000:Stack-Jobs'],
    ['an attribute as text', { 'Fn::GetAtt': 'Role.Arn' }, 'arn:aws:iam::000000000000:role/Stack-Role'],
    [
      'pseudo parameters',
      {
        'Fn::Join': [
          ' ',
          [
            { Ref: 'AWS::Region' },
            { Ref: 'AWS::AccountId' },
            { Ref: 'AWS::Partition' },
            { Ref: 'AWS::URLSuffix' },
            { Ref: 'AWS::StackName' },
          ],
        ],
      },
      'us-east-1 000000000000 aws amazonaws.com Stack',
    ],
    ['Fn::Select of Fn::Split', { 'Fn::Select': [1, { 'Fn::Split': ['-', 'a-b-c'] }] }, 'b'],
    [
      'Fn::Sub',
      { 'Fn::Sub': '${Ledger} ${Jobs403F2492.Arn} ${!kept}' },
      'Stack-Ledger arn:aws:sqs:us-east-1:000000000000:Stack-Jobs ${kept}',
    ],
    [
      'Fn::Sub with variables',
      { 'Fn::Sub': ['${a}/${AWS::Region}', { a: { Ref: 'Ledger' } }] },
      'Stack-Ledger/us-east-1',
    ],
    [
      'functions inside of lists and maps',
      { a: [{ Ref: 'Ledger' }], b: { c: { Ref: 'AWS::Region' } } },
      { a: ['Stack-Ledger'], b: { c: 'us-east-1' } },
    ],
    ['AWS::NoValue', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
  ])('resolve %s', (_, expression, expected) => {
    expect(value(expression)).toEqual(expected);
  });

  it('choose the partition by the region', () => {
    expect(value({ 'Fn::Sub': '${AWS::Partition} ${AWS::URLSuffix}' }, {}, 'cn-north-1')).toBe(
      'aws-cn amazonaws.com.cn',
    );
  });

  it('resolve conditions, mappings and parameters', () => {
    const more = {
      Parameters: { Size: { Type: 'String', Default: 'small' } },
      Mappings: { Sizes: { small: { count: 2 } } },
      Conditions: {
        China: { 'Fn::Equals': [{ Ref: 'AWS::Partition' }, 'aws-cn'] },
        Small: { 'Fn::And': [{ 'Fn::Not': [{ Condition: 'China' }] }, { 'Fn::Equals': [{ Ref: 'Size' }, 'small'] }] },
        Either: { 'Fn::Or': [{ Condition: 'China' }, { Condition: 'Small' }] },
      },
    };
    expect(value({ 'Fn::If': ['Small', { 'Fn::FindInMap': ['Sizes', { Ref: 'Size' }, 'count'] }, 9] }, more)).toBe(2);
    expect(value({ 'Fn::If': ['China', 1, { 'Fn::If': ['Either', 'yes', 'no'] }] }, more)).toBe('yes');
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown function', { 'Fn::Cidr': [] }, /Resources\.Parameter\.Value: .*cannot evaluate Fn::Cidr/],
    ['an unknown resource', { Ref: 'Missing' }, /refers to Missing, which the template does not have/],
    [
      'a resource without an identity',
      { Ref: 'Alarm' },
      /refers to Alarm, but AWS::CloudWatch::Alarm has no reference in the emulator/,
    ],
    ['an unknown attribute', { 'Fn::GetAtt': ['Ledger', 'StreamArn'] }, /knows no attribute StreamArn of Ledger/],
    ['an unknown condition', { 'Fn::If': ['No', 1, 2] }, /there is no such condition/],
  ])('name %s in the error', (_, expression, message) => {
    expect(() => value(expression)).toThrow(message);
  });
});

describe('a stack', () => {
  it('skips resources by condition and ignored types, and resolves outputs', () => {
    const stack = resolved({
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: {
        Queue: { Type: 'AWS::SQS::Queue', Properties: {} },
        Other: { Type: 'AWS::SQS::Queue', Condition: 'Never', Properties: {} },
        Topic: { Type: 'AWS::SNS::Topic', Properties: {} },
      },
      Outputs: { Url: { Value: { Ref: 'Queue' } }, No: { Condition: 'Never', Value: 'x' } },
    });
    expect(stack.resources.map(({ name }) => name)).toEqual(['Stack-Queue']);
    expect(stack.ignoredTypes).toEqual(['AWS::SNS::Topic']);
    expect(stack.outputs).toEqual({ Url: 'http://127.0.0.1:4566/000000000000/Stack-Queue' });
  });

  it('keeps the hash in names that would otherwise be the same', () => {
    const Resources = {
      Queue403F2492: { Type: 'AWS::SQS::Queue', Properties: {} },
      QueueAAAAAAAA: { Type: 'AWS::SQS::Queue', Properties: {} },
    };
    expect(resolved({ Resources }).resources.map(({ name }) => name)).toEqual([
      'Stack-Queue403F2492',
      'Stack-QueueAAAAAAAA',
    ]);
  });

  it('reports a type that is neither deployed nor ignored', () => {
    const Resources = { Api: { Type: 'AWS::ApiGateway::RestApi', Properties: {} } };
    expect(() => resolved({ Resources })).toThrow(/neither deploys nor ignores Api \(AWS::ApiGateway::RestApi\)/);
  });

  it('is read from a cloud assembly, whose errors are reported', () => {
    const path = writeAssembly(directory.path, { functions: { Copy: { code: '' } } });
    expect(readAssembly(path).stackName).toBe('Stack');
    expect(readAssembly(path).assetDirectory('hashcopy')).toMatch(/asset\.hashcopy$/);
    expect(() => readAssembly(path, 'Other')).toThrow(/found the stacks Stack, expected Other/);
    expect(() => readAssembly('/nowhere')).toThrow(/\/nowhere is not a cloud assembly/);
  });
});
