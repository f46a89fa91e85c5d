import { covered, type Operation, type Personality } from '../../emulator/s3/index.ts';
import { checksumAlgorithms } from '../../shared/model/object.ts';
import { s3Features, type StoreFeatures } from '../../shared/ports/memory/features.ts';

/** What the suite expects of a store with this personality: read from it, so that the two cannot differ. */
export function featuresOf(personality: Personality): StoreFeatures {
  const { etags, listings, uploads, tags, objects, requests, answers } = personality;
  const ignores = (name: string, operation: Operation): boolean => covered(requests.ignoredHeaders, name, operation);
  const refuses = (name: string, operation: Operation): boolean => covered(requests.refusedHeaders, name, operation);
  const copies = (operation: 'CopyObject' | 'UploadPartCopy'): boolean => {
    const pin = 'x-amz-copy-source-if-match';
    const needed = operation === 'CopyObject' ? [pin, 'x-amz-tagging-directive'] : [pin];
    const isRefused = requests.lacks[operation] !== undefined || needed.some((name) => refuses(name, operation));
    return !isRefused && !ignores(pin, operation);
  };
  const checksum = 'x-amz-checksum-crc32';
  const { unnamedParts, numberGaps, fullObjectChecksums } = uploads;
  const refused = objects.refusedKeys.map(({ keys }) => `(?:${keys.source})`).join('|');
  return {
    ...s3Features,
    tags: refuses('x-amz-tagging', 'PutObject')
      ? 'refused'
      : ignores('x-amz-tagging', 'PutObject')
        ? 'ignored'
        : 'kept',
    tagReads: requests.lacks.GetObjectTagging?.status === 400 ? 'refused' : 'answered',
    tagsOfCopiesAndUploads: tags.ofCopiesAndUploads === 'kept',
    tagCounts: tags.count && requests.lacks.GetObjectTagging === undefined,
    copies: copies('CopyObject'),
    partCopies: copies('UploadPartCopy'),
    pinnedReads: !ignores('if-match', 'GetObject'),
    checksums: refuses(checksum, 'PutObject') ? 'refused' : ignores(checksum, 'PutObject') ? 'ignored' : 'checked',
    uploadChecksums: checksumAlgorithms.filter((algorithm) => fullObjectChecksums.includes(algorithm)),
    partNumbers: !covered(requests.ignoredParameters, 'partNumber', 'HeadObject'),
    completeEtag: uploads.completeEtag === 'always',
    partOrder: uploads.completeOrder === 'ascending',
    goneAtComplete: !answers.errors.some(
      ({ code, on }) => code === 'NoSuchUpload' && on?.includes('CompleteMultipartUpload'),
    ),
    partSubsets: unnamedParts === 'dropped' && numberGaps === 'allowed',
    unequalParts: uploads.equalParts === undefined,
    uploadListing:
      requests.lacks.ListMultipartUploads !== undefined
        ? 'none'
        : listings.uploadPrefix === 'of-keys'
          ? 'by-prefix'
          : 'by-key',
    md5Etags: etags.whole === 'md5',
    saysOpaque: etags.whole === 'md5',
    upperCaseEtags: etags.letters === 'upper',
    multipartMd5s: etags.parts === 'md5-of-md5s',
    conditionalWrites: (['PutObject', 'CompleteMultipartUpload', 'CopyObject', 'DeleteObject'] as const).every(
      (operation) => !ignores('if-match', operation),
    ),
    countedEtags: etags.parts !== 'own',
    listedEtags: listings.etags,
    order: listings.order,
    pageSize: listings.maxKeys,
    minPartBytes: uploads.minPartBytes,
    refusedKeys: refused === '' ? undefined : new RegExp(refused),
  };
}
