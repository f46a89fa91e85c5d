import { describe, expect, it } from '@jest/globals';
import { parseKeys } from '../../../../shared/aws/credentials/keys-text.ts';

const pair = { accessKeyId: 'AKIA1', secretAccessKey: 'abc/+=' };
const json = '{"aws_access_key_id":"AKIA1","aws_secret_access_key":"abc/+="}';

function faultOf(text: string): { name: string; retry: string; message: string } {
  try {
    parseKeys(text, 'parameter p');
  } catch (error) {
    return error as { name: string; retry: string; message: string };
  }
  throw new Error('no fault');
}

describe('keys in a SecureString or a secret', () => {
  it.each([
    ['with a byte order mark', `\ufeff${json}`],
    ['with a line break at the end', `${json}\r\n`],
    [
      'with white space around each value',
      '{"aws_access_key_id":" AKIA1\\n","aws_secret_access_key":"\\tabc/+=\\r\\n"}',
    ],
    ['with a byte order mark in a value', '{"aws_access_key_id":"\\ufeffAKIA1","aws_secret_access_key":"abc/+="}'],
    ['with an empty token', '{"aws_access_key_id":"AKIA1","aws_secret_access_key":"abc/+=","session_token":" "}'],
    ['with null as the token', '{"aws_access_key_id":"AKIA1","aws_secret_access_key":"abc/+=","session_token":null}'],
    ['under the names of the API', '{"AccessKeyId":"AKIA1","SecretAccessKey":"abc/+="}'],
    ['under the names of the SDK', '{"accessKeyId":"AKIA1","secretAccessKey":"abc/+="}'],
    ['under the names of variables', '{"AWS_ACCESS_KEY_ID":"AKIA1","AWS_SECRET_ACCESS_KEY":"abc/+="}'],
    [
      'as IAM creates them',
      '{"AccessKey":{"UserName":"u","AccessKeyId":"AKIA1","SecretAccessKey":"abc/+=","Status":"Active"}}',
    ],
    ["under Aliyun's names", '{"AccessKeyId":"AKIA1","AccessKeySecret":"abc/+="}'],
    ["under Tencent's names", '{"SecretId":"AKIA1","SecretKey":"abc/+="}'],
    ["under MinIO's names", '{"url":"https://h","accessKey":"AKIA1","secretKey":"abc/+=","api":"s3v4","path":"auto"}'],
    ['as lines of a credentials file', '[default]\r\naws_access_key_id = AKIA1\r\naws_secret_access_key=abc/+=\r\n'],
    ['as lines of a shell', '# keys\nexport AWS_ACCESS_KEY_ID="AKIA1"\nexport AWS_SECRET_ACCESS_KEY=\'abc/+=\'\n'],
  ])('are read %s', (_what, text) => {
    expect(parseKeys(text, 'parameter p')).toEqual(pair);
  });

  it('are read from what STS answers', () => {
    const answer = {
      Credentials: {
        AccessKeyId: 'ASIA1',
        SecretAccessKey: 's',
        SessionToken: 't==',
        Expiration: '2026-11-22T08:00:00Z',
      },
      AssumedRoleUser: { AssumedRoleId: 'x', Arn: 'y' },
    };
    const keys = { accessKeyId: 'ASIA1', secretAccessKey: 's', sessionToken: 't==' };
    expect(parseKeys(JSON.stringify(answer, null, 2), 'p')).toEqual(keys);
    const lines = 'aws_access_key_id=ASIA1\naws_secret_access_key=s\naws_session_token=t==\nregion = cn-north-1\n';
    expect(parseKeys(lines, 'p')).toEqual({ ...keys, region: 'cn-north-1' });
  });

  it.each([
    [{ AccessKeyId: 'TOP\nSECRET' }, 'parameter p: aws_access_key_id: found a line break inside the value'],
    [{ SecretAccessKey: 'TOP SECRET' }, 'aws_secret_access_key: found a space inside the value'],
    [{ SessionToken: 'TOP\u0000SECRET' }, 'session_token: found a control character inside the value'],
    [{ SecretAccessKey: 'TOP\u200bSECRET' }, 'aws_secret_access_key: found a character that is not ASCII'],
    [{ SecretAccessKey: '' }, 'aws_secret_access_key: is empty'],
    [{ SecretAccessKey: undefined }, 'aws_secret_access_key: is missing'],
    [{ SecretAccessKey: ['TOPSECRET'] }, 'aws_secret_access_key: found a list, expected text'],
    [{ SessionToken: 7 }, 'session_token: found a number, expected text'],
    [{ aws_access_key_id: 'TOPSECRET' }, 'aws_access_key_id: found two different values'],
    [{ region: 'us east' }, 'region: found a space inside'],
    [{ region: 'https://TOPSECRET' }, 'region: expected a region'],
  ])('are refused when they are read, and no retry helps, if they have %j', (more, part) => {
    const text = JSON.stringify({ AccessKeyId: 'AKIA1', SecretAccessKey: 's', ...more });
    const { name, retry, message } = faultOf(text);
    expect({ name, retry }).toEqual({ name: 'InvalidTask', retry: 'never' });
    expect(message).toContain(part);
    expect(message).toMatch(/^parameter p: .*; expected JSON with "aws_access_key_id"/);
    expect(message).not.toMatch(/TOP|SECRET\b/);
  });

  it.each(['TOPSECRET', '"TOPSECRET"', '["TOPSECRET"]', '{"x":"TOPSECRET', '7', '', 'a=TOPSECRET'])(
    'are refused if the text is %j, which has none',
    (text) => {
      expect(faultOf(text).message).toMatch(/^parameter p: aws_access_key_id: is missing; /);
      expect(faultOf(text).message).not.toContain('TOPSECRET');
    },
  );
});
