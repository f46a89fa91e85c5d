import { certificate, privateAuthority } from '../../../support/certificate.ts';
import { describe, expect, it } from '@jest/globals';
import { parseTaskFile } from '../../../../shared/model/config/configuration.ts';
import { parseTask, type Task } from '../../../../shared/model/config/task.ts';

function parsed(source: object, more: object = {}): Task {
  const task = { name: 'n', source: { bucket: 'photos', ...source }, destination: { bucket: 'mirror' }, ...more };
  return parseTask(JSON.stringify(task), 'task n');
}

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ name: 'InvalidTask', retry: 'never' });
    return (error as Error).message;
  }
  throw new Error('no fault');
}

const oss = 'https://oss-cn-hangzhou.aliyuncs.com';

describe('what is pasted into a side', () => {
  it.each([
    [{ bucket: 's3://photos' }, { bucket: 'photos', prefix: '' }],
    [{ bucket: 's3://photos/' }, { bucket: 'photos', prefix: '' }],
    [{ bucket: 's3://photos/2024/' }, { bucket: 'photos', prefix: '2024/' }],
    [
      { bucket: 's3://photos', prefix: '2024/' },
      { bucket: 'photos', prefix: '2024/' },
    ],
    [{ bucket: 'photos/' }, { bucket: 'photos', prefix: '' }],
    [{ bucket: 'photos/2024/' }, { bucket: 'photos', prefix: '2024/' }],
    [{ bucket: ' photos\n' }, { bucket: 'photos' }],
    [{ bucket: 'arn:aws:s3:::photos' }, { bucket: 'photos', prefix: '' }],
    [{ bucket: 'arn:aws:s3:::photos/*' }, { bucket: 'photos', prefix: '' }],
    [
      { bucket: 'arn:aws-cn:s3:::photos/a/*', region: 'cn-north-1' },
      { bucket: 'photos', prefix: 'a/' },
    ],
    [
      { bucket: 'https://us-east-1.console.aws.amazon.com/s3/buckets/photos?region=us-east-1&prefix=a+b/&tab=objects' },
      { bucket: 'photos', prefix: 'a b/' },
    ],
    [{ bucket: 'https://console.amazonaws.cn/s3/buckets/photos?tab=objects' }, { bucket: 'photos', prefix: '' }],
    [
      { bucket: 'https://photos.s3.eu-west-1.amazonaws.com/a%20b/' },
      { bucket: 'photos', prefix: 'a b/', region: 'eu-west-1' },
    ],
    [{ bucket: 'https://s3.eu-west-1.amazonaws.com/photos/' }, { bucket: 'photos', region: 'eu-west-1' }],
    [{ bucket: 'https://photos.s3.amazonaws.com/' }, { bucket: 'photos', prefix: '' }],
    [{ prefix: 's3://photos/2024/' }, { bucket: 'photos', prefix: '2024/' }],
    [{ region: ' eu-west-1 ' }, { region: 'eu-west-1' }],
    [{ region: 'US-EAST-1' }, { region: 'us-east-1' }],
    [{ region: 'us-east-1a' }, { region: 'us-east-1' }],
    [{ region: 'us-gov-west-1' }, { region: 'us-gov-west-1' }],
    [{ region: 'eusc-de-east-1' }, { region: 'eusc-de-east-1' }],
    [
      { endpoint: oss, region: 'oss-cn-hangzhou' },
      { endpoint: oss, region: 'cn-hangzhou' },
    ],
    [{ endpoint: 'https://photos.oss-cn-hangzhou.aliyuncs.com' }, { endpoint: oss }],
    [{ endpoint: 'photos.oss-cn-hangzhou.aliyuncs.com' }, { endpoint: oss }],
    [{ endpoint: 'https://photos.s3.us-west-1.wasabisys.com/' }, { endpoint: 'https://s3.us-west-1.wasabisys.com' }],
    [{ endpoint: ' s3.example.com:9000 ' }, { endpoint: 'https://s3.example.com:9000' }],
    [{ endpoint: 'https://photos.example.com', forcePathStyle: true }, { endpoint: 'https://photos.example.com' }],
    [{ bucket: 'storage', endpoint: 'https://storage.googleapis.com', forcePathStyle: true }, { bucket: 'storage' }],
    [{ endpoint: 'http://[::1]:9000' }, {}],
    [{ endpoint: 'http://localhost:9000' }, {}],
    [{ endpoint: 'http://store.example', insecure: true }, { insecure: true }],
    [{ prefix: '/photos/', verbatimPrefix: true }, { prefix: '/photos/' }],
    [{ bucket: 'photos-a1b2-s3alias', credentials: { ssmParameter: 'p' } }, { bucket: 'photos-a1b2-s3alias' }],
  ])('is taken as it is meant: %j', (source, expected) => {
    const task = parsed(source);
    expect(task.source).toMatchObject(expected);
    // What is deployed is read again.
    expect(parseTask(JSON.stringify(task), 'task n')).toEqual(task);
    const file = JSON.stringify({
      tasks: [{ name: 'n', source: { bucket: 'photos', ...source }, destination: { bucket: 'mirror' } }],
    });
    expect(parseTaskFile(file, 'file')[0]).toEqual(task);
  });

  it.each([
    [
      { bucket: 's3://photos/2024' },
      'source.bucket: expected a bucket name',
      '"bucket": "photos" and "prefix": "2024/"',
    ],
    [{ bucket: 's3://photos/a/', prefix: 'b/' }, 'source.bucket: expected a bucket name', '"prefix": "a/"'],
    [{ bucket: 'arn:aws-cn:s3:::photos', region: 'us-east-1' }, 'source.bucket: ', '"bucket": "photos"'],
    [{ bucket: 'https://photos.s3.eu-west-1.amazonaws.com/', region: 'us-east-1' }, 'source.bucket: ', '"photos"'],
    [{ bucket: 'arn:aws:s3:us-east-1:111122223333:accesspoint/p' }, 'source.bucket: ', 'behind an access point'],
    [{ bucket: 'photos--use1-az4--x-s3' }, 'source.bucket: found a directory bucket', 'cannot start after a key'],
    [{ bucket: 'photos-a1b2-s3alias' }, 'source.bucket: found the alias of an access point', 'general purpose bucket'],
    [{ bucket: 'abc.mrap' }, 'source.bucket: found a multi-region access point', 'signature'],
    [{ prefix: '/photos/' }, 'source.prefix: found "/photos/"', 'expected "photos/", or "verbatimPrefix": true'],
    [{ prefix: 'photos/*' }, 'source.prefix: found "photos/*"', 'expected "photos/"'],
    [{ prefix: 's3://other/a/' }, 'source.prefix: found "s3://other/a/"', 'expected "a/"'],
    [{ prefix: 'photos/ ' }, 'source.prefix: found "photos/ "', 'expected "photos/"'],
    [{ prefix: 'photos/\r\n' }, 'source.prefix: found "photos/\\r\\n"', 'expected "photos/"'],
    [{ prefix: './photos/' }, 'source.prefix: found "./photos/"', 'expected "photos/"'],
    [{ prefix: 'photos\\2024\\' }, 'source.prefix: found "photos', 'expected "photos/2024/"'],
    [{ region: 'us-east1' }, 'source.region: found "us-east1"', 'a region of AWS such as us-east-1'],
    [{ region: 'eu_west_1' }, 'source.region: ', 'such as'],
    [
      { region: 'oss-cn-hangzhou' },
      'source.region: found "oss-cn-hangzhou"',
      'another store also needs its name or its endpoint',
    ],
    [{ region: 'auto' }, 'source.region: found "auto"', 'another store also needs its name or its endpoint'],
    [
      { endpoint: 'https://photos.example.com' },
      "source.endpoint: found the bucket's name",
      'expected https://example.com',
    ],
    [{ endpoint: 'https://s3.example.com/photos' }, 'source.endpoint: expected http(s)://host[:port]', 'into `bucket`'],
    [{ endpoint: 'http://store.example:9000' }, 'expected https://store.example:9000', '"insecure": true'],
    [{ endpoint: 'http://127.evil.example' }, 'source.endpoint: found', '"insecure": true'],
    [
      { endpoint: 'https://store.example', insecure: true },
      'source.insecure: found true',
      'certificates are always checked',
    ],
    [{ insecure: true }, 'source.insecure: found true without an http:// endpoint', 'expected none'],
  ])('is refused with the right form where its meaning is not certain: %j', (source, start, end) => {
    const message = messageOf(() => parsed(source));
    expect(message).toContain(start);
    expect(message.slice(message.indexOf(start))).toContain(end);
  });

  it('is an authority of one or more certificates in PEM, and nothing else of them is kept', () => {
    const pasted = `the corporate one:\r\n${privateAuthority.replaceAll('\n', '\r\n')}\r\n\r\n${certificate.cert}  `;
    const { source } = parsed({ endpoint: 'https://store.example', certificateAuthority: pasted });
    expect(source.certificateAuthority).toBe(`${privateAuthority}\n${certificate.cert}\n`);
    expect(parsed(source).source).toEqual(source);
    const refused = (certificateAuthority: unknown, endpoint = 'https://store.example'): string =>
      messageOf(() => parsed({ endpoint, certificateAuthority }));
    for (const text of ['', 'ca.pem', privateAuthority.replace('MII', 'MIx'), privateAuthority.slice(0, -9)]) {
      expect(refused(text)).toMatch(/source\.certificateAuthority: .*expected certificates in PEM/);
    }
    expect(refused(privateAuthority, 'http://127.0.0.1')).toMatch(/beside an http:\/\/ endpoint/);
    expect(refused(`${privateAuthority}\n${certificate.key}`)).toMatch(/found a private key/);
    expect(refused(`${privateAuthority}\n${certificate.key}`)).not.toContain('MIGHAgEA');
  });

  it('is taken and refused at the destination too', () => {
    const source = { bucket: 'photos' };
    const at = (destination: object): Task => parseTask(JSON.stringify({ name: 'n', source, destination }), 'task n');
    expect(at({ bucket: 's3://mirror/a/' }).destination).toMatchObject({ bucket: 'mirror', prefix: 'a/' });
    expect(messageOf(() => at({ bucket: 'mirror', prefix: '/a/' }))).toContain('destination.prefix: found "/a/"');
  });
});

describe('prefixes and patterns after the prefix of the source', () => {
  it.each([
    [{ prefixes: ['/a/'] }, 'prefixes.0: found "/a/"'],
    [{ prefixes: ['a/', 'b/*'] }, 'prefixes.1: found "b/*"'],
    [{ include: ['/a/**'] }, 'include.0: found "/a/**"'],
    [{ exclude: ['**.tmp', '/keep/**'] }, 'exclude.1: found "/keep/**"'],
  ])('are refused with a slash at the start of a name: %j', (more, part) => {
    expect(messageOf(() => parsed({}, more))).toContain(part);
    expect(messageOf(() => parsed({ prefix: 'in/' }, more))).toContain(part);
  });

  it('may begin with a slash if the prefix ends within a name, or if prefixes are verbatim', () => {
    expect(parsed({ prefix: 'log' }, { prefixes: ['/a/'], exclude: ['/b/**'] }).prefixes).toEqual(['/a/']);
    expect(parsed({ verbatimPrefix: true }, { prefixes: ['/a*'], include: ['/**'] }).prefixes).toEqual(['/a*']);
    expect(parsed({}, { include: ['a/*', '**.jpg'] }).include).toEqual(['a/*', '**.jpg']);
  });
});
