import { describe, expect, it } from '@jest/globals';
import { evaluate } from '../../aws/iam/evaluate.ts';
import type { Call, Statement } from '../../aws/iam/policy.ts';

/** The verdict of one statement, which allows GetObject of a bucket's objects unless it is changed. */
function verdict(statement: Partial<Statement>, call: Partial<Call> = {}): string {
  const whole = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/*', ...statement };
  return evaluate([{ Statement: [whole] }], {
    action: 's3:GetObject',
    resource: 'arn:aws:s3:::photos/in/a',
    ...call,
  });
}

describe('the evaluation of policies', () => {
  it.each<{ title: string; statement?: Partial<Statement>; call?: Partial<Call>; says: string }>([
    { title: 'allows what a statement names', says: 'allowed' },
    { title: 'takes actions in any case', statement: { Action: ['S3:getobject'] }, says: 'allowed' },
    { title: 'takes wildcards of actions', statement: { Action: 's3:Get*' }, says: 'allowed' },
    { title: 'does not allow another action', call: { action: 's3:PutObject' }, says: 'not allowed' },
    {
      title: 'does not allow the bucket for its objects',
      call: { resource: 'arn:aws:s3:::photos' },
      says: 'not allowed',
    },
    {
      title: 'takes an escaped wildcard for the character',
      statement: { Resource: 'arn:aws:s3:::photos/${*}' },
      says: 'not allowed',
    },
    { title: 'takes dots for dots', statement: { Resource: 'arn:aws:s3:::photos/i../a' }, says: 'not allowed' },
    { title: 'denies what a statement denies', statement: { Effect: 'Deny' }, says: 'denied' },
  ])('$title', ({ statement = {}, call = {}, says }) => {
    expect(verdict(statement, call)).toBe(says);
  });

  it('denies what one policy denies and another one allows', () => {
    const both = ['Allow', 'Deny'].map((Effect) => ({ Statement: { Effect, Action: 's3:*', Resource: '*' } }));
    expect(evaluate(both, { action: 's3:GetObject', resource: 'arn:aws:s3:::a/b' })).toBe('denied');
  });

  it.each<[string, Statement['Condition'], Call['context'], boolean]>([
    ['a value that is equal', { StringEquals: { 'aws:ResourceAccount': '1' } }, { 'AWS:resourceaccount': '1' }, true],
    [
      'one of several values',
      { StringEquals: { 'aws:ResourceAccount': ['1', '2'] } },
      { 'aws:ResourceAccount': '2' },
      true,
    ],
    ['another value', { StringEquals: { 'aws:ResourceAccount': '1' } }, { 'aws:ResourceAccount': '2' }, false],
    ['a key that the call does not have', { StringEquals: { 'aws:ResourceAccount': '1' } }, {}, false],
    ['an asterisk that is no wildcard', { StringEquals: { 's3:prefix': 'a*' } }, { 's3:prefix': 'ab' }, false],
    ['a pattern', { StringLike: { 's3:prefix': 'a*' } }, { 's3:prefix': 'ab' }, true],
    ['two keys, one of which fails', { StringEquals: { a: '1', b: '2' } }, { a: '1', b: '1' }, false],
    [
      'an ARN',
      { ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::photos' } },
      { 'aws:SourceArn': 'arn:aws:s3:::photos' },
      true,
    ],
    [
      'a wildcard that would cross a colon',
      { ArnLike: { a: 'arn:aws:s3*:photos' } },
      { a: 'arn:aws:s3:::photos' },
      false,
    ],
    ['a number', { NumericLessThanEquals: { 'sts:DurationSeconds': '300' } }, { 'sts:DurationSeconds': '300' }, true],
    [
      'a greater number',
      { NumericLessThanEquals: { 'sts:DurationSeconds': '300' } },
      { 'sts:DurationSeconds': '301' },
      false,
    ],
    ['a key that must be there', { Null: { a: 'false' } }, {}, false],
    ['a key that must not be there', { Null: { a: 'true' } }, {}, true],
    ['any of several found values', { 'ForAnyValue:StringEquals': { a: 'x' } }, { a: ['y', 'x'] }, true],
    ['all of several found values', { 'ForAllValues:StringEquals': { a: 'x' } }, { a: ['y', 'x'] }, false],
    ['all of no values', { 'ForAllValues:StringEquals': { a: 'x' } }, {}, true],
    ['a truth value', { Bool: { 'aws:SecureTransport': 'false' } }, { 'aws:SecureTransport': 'true' }, false],
  ])('decides by %s', (_title, Condition, context, allowed) => {
    expect(verdict({ ...(Condition && { Condition }) }, { ...(context && { context }) })).toBe(
      allowed ? 'allowed' : 'not allowed',
    );
  });

  it('refuses operators and elements that it does not know', () => {
    expect(() => verdict({ Condition: { DateLessThan: { 'aws:CurrentTime': '2026' } } })).toThrow(/DateLessThan/);
    expect(() => verdict({ NotAction: 's3:*' } as Partial<Statement>)).toThrow(/NotAction/);
  });
});
