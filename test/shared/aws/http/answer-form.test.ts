import { describe, expect, it } from '@jest/globals';
import { formFault, rootElement } from '../../../../shared/aws/http/answer-form.ts';
import { Fault } from '../../../../shared/model/faults.ts';
import { failureOf } from '../../../support/failure.ts';
import { errorXml, listingXml, type Reply } from '../../../support/hostile-store.ts';
import { noAttributes } from '../../../support/objects.ts';
import { calls, documents, hostsOfEachTest, listAll } from '../../../support/store-calls.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';

const hosts = hostsOfEachTest();

const html = '<html><head><title>Console</title></head><body><div id="root"></div></body></html>';
const page = { 'content-type': 'text/html' };

/** Pages that consoles, content networks and proxies answer with to every request, with status 200. */
const pages: readonly (readonly [string, Reply])[] = [
  ['HTML', { headers: page, body: html }],
  ['HTML with an ETag', { headers: { ...page, etag: '"5f-3c"' }, body: html }],
  ['HTML in capitals', { headers: page, body: html.replace('<html', '<HTML').replace('</html', '</HTML') }],
  ['HTML with a doctype', { headers: page, body: `<!doctype html>${html}` }],
  ['JSON', { headers: { 'content-type': 'application/json' }, body: '{"status":"ok"}' }],
  ['text', { headers: { 'content-type': 'text/plain' }, body: 'OK' }],
  ['nothing', { body: '' }],
  ['spaces', { body: '  \n' }],
  ['another document', { body: '<?xml version="1.0"?><feed><entry/></feed>' }],
  ['a document with prefixes', { body: '<s:ListBucketResult xmlns:s="x"><s:Name>b</s:Name></s:ListBucketResult>' }],
];

describe('a successful answer that is not S3’s', () => {
  it.each(pages)('(%s) to a call that returns a document is a fault', async (_name, reply) => {
    const store = hosts.answerWith(reply);
    for (const [name, call] of documents) {
      const failure = await failureOf(call(store));
      expect([name, failure.name]).toEqual([name, 'Unavailable']);
      expect(failure.message).toContain("the answer is not like S3's");
    }
  });

  it.each(pages)('(%s) to a write is a fault', async (_name, reply) => {
    const store = hosts.answerWith(reply);
    for (const [name, call] of calls.filter(([name]) => /^(PutObject|UploadPart)$/.test(name))) {
      const failure = await failureOf(call(store));
      expect([name, failure.name]).toEqual([name, 'Unavailable']);
      expect(failure).toBeInstanceOf(Fault);
    }
  });

  it('says what was answered instead', async () => {
    const store = hosts.answerWith({ headers: page, body: html });
    expect((await failureOf(listAll(store))).message).toContain(
      'expected <ListBucketResult>, got HTTP 200, text/html, <html>',
    );
    const empty = hosts.answerWith({ headers: page });
    expect((await failureOf(listAll(empty))).message).toContain('got HTTP 200, text/html, no body');
    const json = hosts.answerWith({ body: '{"a":1}' });
    expect((await failureOf(listAll(json))).message).toContain('got HTTP 200, "{"a":1}"');
  });

  it('is only missing: Ceph 16 answers with an XML type and no body for the tags of an object without tags', async () => {
    const store = hosts.answerWith({ headers: { 'content-type': 'application/xml' }, body: '' });
    expect(await store.tags(objectKey('k'))).toEqual({});
    await expect(listAll(store)).rejects.toMatchObject({ name: 'Unavailable' });
  });

  it('is no object: neither an ETag nor a time is stated', async () => {
    const store = hosts.answerWith({ headers: { ...page, 'content-length': String(html.length) }, body: html });
    expect((await failureOf(store.head(objectKey('k')))).message).toContain('neither ETag nor Last-Modified');
    expect((await failureOf(store.get(objectKey('k')))).message).toContain('neither ETag nor Last-Modified');
  });

  it.each([
    ['CopyObject', '<CopyObjectResult><LastModified>2026-01-01T00:00:00Z</LastModified></CopyObjectResult>'],
    ['UploadPartCopy', '<CopyPartResult><ETag></ETag></CopyPartResult>'],
  ])('(%s without an ETag) is a fault', async (operation, body) => {
    const store = hosts.answerWith({ body });
    const call = calls.find(([name]) => name === operation)?.[1];
    expect((await failureOf(call?.(store) ?? Promise.resolve())).message).toContain('it names no ETag');
  });

  it('does not end a listing: more pages follow where their token is', async () => {
    const second = listingXml([{ key: 'b' }]);
    const first = listingXml([{ key: 'a' }], '<NextContinuationToken>t</NextContinuationToken>');
    const store = hosts.answerWith(({ query }) => ({ body: query.has('continuation-token') ? second : first }));
    expect(await listAll(store)).toBe(2);
  });
});

describe('answers of real stores', () => {
  it('to Complete may name no ETag (Ceph)', async () => {
    const body = '<CompleteMultipartUploadResult><Location>x</Location></CompleteMultipartUploadResult>';
    expect(await hosts.answerWith({ body }).completeUpload(objectKey('k'), 'U', [], { size: 3 })).toMatchObject({
      etag: '',
    });
  });

  it('to a copy may have the root element of the other kind of copy', async () => {
    const body = '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>';
    const part = { key: objectKey('k'), uploadId: 'U', number: 1 };
    const from = { bucket: 'source', key: objectKey('k'), etag: 'e' };
    const changed = { status: 412, body: errorXml('PreconditionFailed', 'changed') };
    const store = hosts.answerWith(({ headers }) =>
      headers['x-amz-copy-source-if-match'] === '"e"' ? { body } : changed,
    );
    expect(await store.copyPart(part, from, 0, 3)).toMatchObject({ etag: 'e' });
  });

  it('to a deletion may be a 200', async () => {
    await hosts.answerWith({ status: 200 }).delete(objectKey('k'));
    await hosts.answerWith({ status: 204 }).delete(objectKey('k'));
  });

  it('to a PUT have an ETag and nothing else', async () => {
    const store = hosts.answerWith({ headers: { etag: '"e"' } });
    expect(await store.put(objectKey('k'), { data: Buffer.from('abc'), size: 3 }, noAttributes)).toMatchObject({
      etag: 'e',
    });
  });

  it('may have line ends and instructions before the document', () => {
    expect(rootElement('\n\n<?xml version="1.0"?>\n<?x y?> <A/>')).toBe('A');
    expect(rootElement('<A b="c">')).toBe('A');
    expect(rootElement('x<A>')).toBeUndefined();
    expect(rootElement('')).toBeUndefined();
  });

  it('may be errors', () => {
    const text = '<Error><Code>InternalError</Code></Error>';
    expect(formFault('CopyObject', { statusCode: 200, headers: {}, text })).toBeUndefined();
  });
});
