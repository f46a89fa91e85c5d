import { Readable } from 'node:stream';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { scanListing, type ScannedListing } from '../../../../shared/aws/http/answer-listing.ts';

const head =
  '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">';
const end = '</ListBucketResult>';

/** What S3's API reference shows for ListObjectsV2, with all elements that an object can have. */
const example = `${head}
  <IsTruncated>true</IsTruncated>
  <Contents>
    <ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>
    <ChecksumType>FULL_OBJECT</ChecksumType>
    <ETag>&quot;70ee1738b6b21e2c8a43f3a5ab0eee71&quot;</ETag>
    <Key>a%26b/%C3%BC+1</Key>
    <LastModified>2026-11-25T08:30:01.250Z</LastModified>
    <Owner><DisplayName>string</DisplayName><ID>string</ID></Owner>
    <RestoreStatus>
      <IsRestoreInProgress>false</IsRestoreInProgress>
      <RestoreExpiryDate>2026-12-25T00:00:00.000Z</RestoreExpiryDate>
    </RestoreStatus>
    <Size>434234</Size>
    <StorageClass>GLACIER</StorageClass>
  </Contents>
  <Contents><Key>plain ü &amp; &lt;b&gt;</Key><Size>0</Size><ETag>"d41d8cd98f00b204e9800998ecf8427e-7"</ETag></Contents>
  <Name>bucket</Name><Prefix/><Delimiter></Delimiter><MaxKeys>1000</MaxKeys>
  <CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>
  <EncodingType>url</EncodingType>
  <KeyCount>2</KeyCount>
  <NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
${end}`;

function scanned(document: string): ScannedListing | undefined {
  return scanListing(Buffer.from(document));
}

/** The same listing as the SDK's own parser reads it; undefined if it refuses the document. */
async function parsed(document: string): Promise<ScannedListing | undefined> {
  const client = new S3Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    requestHandler: {
      handle: () => {
        const response = { statusCode: 200, headers: {}, body: Readable.from([Buffer.from(document)]) };
        return Promise.resolve({ response: response as never });
      },
    },
  });
  try {
    const answer = await client.send(new ListObjectsV2Command({ Bucket: 'b' }));
    return {
      objects: (answer.Contents ?? []).map((object) => ({
        key: object.Key,
        etag: object.ETag,
        size: object.Size,
        modified: object.LastModified?.getTime(),
        storageClass: object.StorageClass,
        restore: object.RestoreStatus && {
          inProgress: object.RestoreStatus.IsRestoreInProgress === true,
          hasExpiry: object.RestoreStatus.RestoreExpiryDate !== undefined,
        },
      })),
      encoding: answer.EncodingType,
      truncated: answer.IsTruncated,
      token: answer.NextContinuationToken,
      nextMarker: undefined,
      keyCount: answer.KeyCount,
    };
  } catch {
    return undefined;
  }
}

/** Without the spaces between elements. The SDK's parser takes those without a line end for text. */
function withoutLayout(document: string): string {
  return document.replace(
    /(<\/\w+>|\/>|<(?:Contents|Owner|RestoreStatus|CommonPrefixes|ListBucketResult[^>]*)>)\s+/g,
    '$1',
  );
}

describe('the reader of listings', () => {
  it("reads S3's documented example", () => {
    expect(scanned(example)).toEqual({
      objects: [
        {
          key: 'a%26b/%C3%BC+1',
          etag: '"70ee1738b6b21e2c8a43f3a5ab0eee71"',
          size: 434234,
          modified: Date.UTC(2026, 10, 25, 8, 30, 1, 250),
          storageClass: 'GLACIER',
          restore: { inProgress: false, hasExpiry: true },
        },
        {
          key: 'plain ü & <b>',
          etag: '"d41d8cd98f00b204e9800998ecf8427e-7"',
          size: 0,
          modified: undefined,
          storageClass: undefined,
          restore: undefined,
        },
      ],
      encoding: 'url',
      truncated: true,
      token: '1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=',
      nextMarker: undefined,
      keyCount: 2,
    });
  });

  it('reads an empty bucket', () => {
    expect(scanned(`${head}<IsTruncated>false</IsTruncated>${end}`)?.objects).toEqual([]);
    expect(scanned('<ListBucketResult/>')?.objects).toEqual([]);
  });

  it("agrees with the SDK's parser about the example", async () => {
    expect(scanned(example)).toEqual(await parsed(example));
  });

  const object = (more: string): string => `${head}<Contents><Key>k</Key>${more}</Contents>${end}`;
  const others: readonly (readonly [string, string])[] = [
    ['no document', ''],
    ['no XML', 'hello'],
    ['another root element', '<ListPartsResult></ListPartsResult>'],
    ['a root element in a namespace of its own', '<s3:ListBucketResult></s3:ListBucketResult>'],
    ['text after the end', `${head}${end}x`],
    ['two root elements', `<ListBucketResult/><ListBucketResult/>`],
    ['no end', `${head}<Contents>`],
    ['a cut end tag', `${head}</ListBucketResul`],
    ['a comment', `${head}<!-- c -->${end}`],
    ['a comment inside a key', `${head}<Contents><Key>a<!-- c -->b</Key></Contents>${end}`],
    ['CDATA', `${head}<Contents><Key><![CDATA[k]]></Key></Contents>${end}`],
    ['a DOCTYPE', `<!DOCTYPE x>${head}${end}`],
    ['a processing instruction', `${head}<?x y?>${end}`],
    ['text between elements', `${head}x<IsTruncated>true</IsTruncated>${end}`],
    ['an element in a key', `${head}<Contents><Key>a<b>c</b></Key></Contents>${end}`],
    ['a character reference by number', `${head}<Contents><Key>&#x41;</Key></Contents>${end}`],
    ['a reference that XML does not name', `${head}<Contents><Key>&nbsp;</Key></Contents>${end}`],
    ['a bare ampersand', `${head}<Contents><Key>a & b</Key></Contents>${end}`],
    ['a line end in a key', `${head}<Contents><Key>a\r\nb</Key></Contents>${end}`],
    ['a key twice', `${head}<Contents><Key>a</Key><Key>b</Key></Contents>${end}`],
    ['two tokens', `${head}<NextContinuationToken>a</NextContinuationToken>`.repeat(2) + end],
    ['a size that is none', object('<Size>1e3</Size>')],
    ['a negative size', object('<Size>-1</Size>')],
    ['a size that no number holds', object('<Size>9999999999999999</Size>')],
    ['a size with a zero in front', object('<Size>01</Size>')],
    ['no size in its element', object('<Size></Size>')],
    ['an empty element for a size', object('<Size/>')],
    ['a date of another form', object('<LastModified>Wed, 25 Nov 2026 08:30:00 GMT</LastModified>')],
    ['a day that is none', object('<LastModified>2026-02-30T08:30:00.000Z</LastModified>')],
    ['an hour that is none', object('<LastModified>2026-02-20T24:30:00.000Z</LastModified>')],
    ['a date before 1970', object('<LastModified>1960-02-20T20:30:00.000Z</LastModified>')],
    ['a flag that is none', `${head}<IsTruncated>yes</IsTruncated>${end}`],
    ['an attribute with a reference', `<ListBucketResult a="&lt;">${end}`],
    ['an attribute without quotes', `<ListBucketResult a=b>${end}`],
    ['elements that cross', `${head}<a><b></a></b>${end}`],
    ['deep nesting', `${head}${'<a>'.repeat(50)}${'</a>'.repeat(50)}${end}`],
    ['more objects than any page', `${head}${'<Contents/>'.repeat(10_001)}${end}`],
  ];

  it.each(others)('says nothing about a document with %s', (_what, document) => {
    expect(scanned(document)).toBeUndefined();
  });

  it("never reads another listing than the SDK's parser", async () => {
    const text = fc.oneof(
      ...['k', ' ', '&amp;', '&quot;', '&#65;', '&nbsp;', 'ü', '\u{1f600}', '%20', '+', '0', '12', '-', 'true'].map(
        (part) => fc.constant(part),
      ),
      ...['"', '<b/>', '\n', '\t', '&', '>', '\u0000', '2026-11-25T08:30:00.000Z', '2026-02-29T00:00:00Z'].map((part) =>
        fc.constant(part),
      ),
    );
    const names = [
      'Key',
      'ETag',
      'Size',
      'LastModified',
      'StorageClass',
      'RestoreStatus',
      'Owner',
      'IsRestoreInProgress',
    ];
    const leaf = fc
      .tuple(fc.constantFrom(...names, 'RestoreExpiryDate', 'IsTruncated', 'KeyCount', 'EncodingType'), fc.array(text))
      .map(([name, texts]) => (texts.length === 0 ? `<${name}/>` : `<${name}>${texts.join('')}</${name}>`));
    const nested = fc
      .tuple(fc.constantFrom('Contents', 'Owner', 'RestoreStatus'), fc.array(leaf, { maxLength: 6 }))
      .map(([name, leaves]) => `<${name}>${leaves.join('')}</${name}>`);
    const document = fc.array(fc.oneof(nested, nested, leaf), { maxLength: 6 }).map((all) => head + all.join('') + end);
    let read = 0;
    await fc.assert(
      fc.asyncProperty(document, async (xml) => {
        const found = scanned(xml);
        if (!found) return;
        read++;
        expect(found).toEqual(await parsed(xml));
      }),
      { numRuns: 3000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it('reads an example that was changed anywhere as the SDK does, or not at all', async () => {
    const place = fc.nat({ max: example.length - 1 });
    const change = fc.constantFrom('', '<', '>', '&', '/', '"', ' ', 'x', '\n', '</Contents>', '<Contents>');
    await fc.assert(
      fc.asyncProperty(place, fc.nat({ max: 12 }), change, async (at, cut, put) => {
        const xml = example.slice(0, at) + put + example.slice(at + cut);
        const found = scanned(xml);
        if (found) expect(found).toEqual(await parsed(withoutLayout(xml)));
      }),
      { numRuns: 2000 },
    );
  });
});
