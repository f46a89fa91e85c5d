import { describe, expect, it } from '@jest/globals';
import { proxyChoice, type Environment, type Target } from '../../../../shared/aws/http/proxy.ts';

const target = (host: string, port = 443, secure = true): Target => ({ host, port, secure });
const proxyUrl = 'http://proxy.example:3128';
const through = (environment: Environment, where: Target): string | undefined =>
  proxyChoice(environment)(where)?.name.replace(/ .*/, '');

describe('the choice of a proxy', () => {
  it('follows HTTPS_PROXY and HTTP_PROXY by the scheme, small letters first, and empty values are none', () => {
    const both = { HTTPS_PROXY: 'http://a:1', HTTP_PROXY: 'b:2' };
    expect(through(both, target('s3.amazonaws.com'))).toBe('http://a:1');
    expect(through(both, target('minio', 9000, false))).toBe('http://b:2');
    expect(through({ ...both, https_proxy: 'https://c' }, target('s3.amazonaws.com'))).toBe('https://c:443');
    expect(through({ ...both, https_proxy: ' ' }, target('s3.amazonaws.com'))).toBe('http://a:1');
    expect(through({}, target('s3.amazonaws.com'))).toBeUndefined();
  });

  it('knows user and password, and does not name them', () => {
    const proxy = proxyChoice({ HTTPS_PROXY: 'http://me%40corp:p%2Fss@[2001:db8::1]:8080' })(
      target('s3.amazonaws.com'),
    );
    expect(proxy).toEqual({
      name: 'http://[2001:db8::1]:8080 (HTTPS_PROXY)',
      secure: false,
      host: '2001:db8::1',
      port: 8080,
      authorization: `Basic ${Buffer.from('me@corp:p/ss').toString('base64')}`,
    });
  });

  it.each(['socks5://proxy:1080', 'http://', 'http://u:p%@proxy', 'http://user:secret@proxy:port'])(
    'refuses %s, with the name of the variable and without its value',
    (value) => {
      expect(() => proxyChoice({ https_proxy: value })).toThrow(/^environment: https_proxy: found no URL/);
      expect(() => proxyChoice({ https_proxy: value })).not.toThrow(/secret|socks5/);
    },
  );

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    'localhost',
    's3.localhost',
    '169.254.169.254',
    '169.254.170.2',
    'fd00:ec2::254',
    'fe80::1',
  ])('never sends %s through a proxy', (host) => {
    expect(through({ HTTPS_PROXY: proxyUrl, HTTP_PROXY: proxyUrl }, target(host))).toBeUndefined();
    expect(through({ HTTPS_PROXY: proxyUrl, HTTP_PROXY: proxyUrl }, target(host, 80, false))).toBeUndefined();
  });

  it.each([
    ['*', 'anything.example', true],
    ['example.com', 'example.com', true],
    ['example.com', 'S3.EXAMPLE.COM.', true],
    ['EXAMPLE.com', 's3.example.com', true],
    ['.example.com', 's3.example.com', true],
    ['*.example.com', 's3.example.com', true],
    ['example.com', 'badexample.com', false],
    ['a.b, example.com', 'example.com', true],
    ['a.b example.com', 'example.com', true],
    ['example.com:443', 'example.com', true],
    ['example.com:8443', 'example.com', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.0.0.0/8', 'ten.example', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3:443', '10.1.2.3', true],
    ['2001:db8::/32', '2001:db8::5', true],
    ['2001:db8::5', '2001:db8:0::5', true],
    ['[2001:db8::5]:443', '2001:db8::5', true],
    ['[2001:db8::5]:80', '2001:db8::5', false],
    ['10.0.0.0/99', '10.0.0.0', false],
    ['', 'example.com', false],
    [',', 'example.com', false],
  ])('NO_PROXY %j and %s: direct is %s', (list, host, direct) => {
    expect(through({ HTTPS_PROXY: proxyUrl, NO_PROXY: list }, target(host)) === undefined).toBe(direct);
  });

  it('takes no_proxy before NO_PROXY', () => {
    const environment = { HTTPS_PROXY: proxyUrl, no_proxy: 'a.example', NO_PROXY: 'b.example' };
    expect(through(environment, target('a.example'))).toBeUndefined();
    expect(through(environment, target('b.example'))).toBe(proxyUrl);
  });
});
