/** Numbers that S3 and the other services set, and the defaults chosen from them. Sizes in bytes, times in seconds. */

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const TiB = 1024 * GiB;

/** S3: the most parts an upload may have. */
export const maxParts = 10_000;
/** S3: the smallest part that is not the last. */
export const minPartSize = 5 * MiB;
/** S3: the largest part, and the largest body of PutObject and CopyObject. */
export const maxPartSize = 5 * GiB;
/** S3: the largest object, 10,000 parts of 5 GiB (48.8 TiB). */
export const maxObjectSize = maxParts * maxPartSize;
/** S3: the longest key, in UTF-8 bytes. */
export const maxKeyBytes = 1024;
/** The longest ETag that is taken for one: S3's have 38 characters, those of other stores some more. */
export const maxEtag = 256;
/** The longest upload ID that is taken for one: S3's have 128 characters. It is kept in states and in the ledger. */
export const maxUploadId = 1024;
/**
 * Pages of a listing in a row that may be empty while the store says that there is more: S3 answers such ones where
 * thousands were deleted in a row; not a million of them.
 */
export const maxEmptyPages = 1000;

/** Objects over this size take the state machine: about what one Lambda call moves in a minute across borders. */
export const defaultLargeObjectThreshold = 256 * MiB;
/** Part size where the source has no layout of its own. */
export const defaultPartSize = 16 * MiB;
/** Bodies up to this size are buffered, so that the SDK can send them again; larger ones stream. */
export const maxBufferedBody = 64 * MiB;

/** What one upload-parts call is given: at 600 Mbit/s about 7 s of work, small enough that a lost call costs little. */
export const uploadBatchBytes = 512 * MiB;
/** Step Functions: at most 256 KiB of payload; 1,000 batches of compact ranges stay well below it. */
export const maxUploadBatches = 1000;
/** upload-parts calls at once for one object. */
export const defaultUploadConcurrency = 40;

/** Rounds (map, check, wait) without a single new part before an upload is given up: about ten minutes. */
export const maxIdleRounds = 8;
/** Rounds altogether: 48.8 TiB at one 15-minute call a batch needs fewer than 100. */
export const maxRounds = 200;
/** How often one object is started anew because its source changed under the copy, before the job is put back. */
export const maxRestarts = 4;
/**
 * How often an execution opens another upload because somebody else ended the one it had. Each time another consumer of
 * the same object has come to its end, so their number is the bound in truth; sixteen at once were never seen.
 */
export const maxEndedUploads = 16;

/** SQS: messages in one SendMessageBatch. */
export const queueBatchSize = 10;
/** SQS: how often a message is delivered before it goes to the dead-letter queue. */
export const maxReceives = 5;

/** An upload that nobody went on with for so many days is aborted: as long as an execution of the UPLOAD machine lives. */
export const sweptAfterDays = 7;

/**
 * How long a finder's word that the destination has no such object is trusted, in milliseconds. A second run that finds
 * the same object before its first copy is done is what makes a copy be paid twice; runs are further apart than this,
 * or the queue is longer, and then the job is older when its turn comes.
 */
export const missingTrustedFor = 5 * 60_000;
/**
 * And up to which size, in bytes. A message that is delivered twice is copied twice where the word is trusted; a look at
 * the destination costs a fiftieth of what 1 MiB does between two regions ($0.0000004 against $0.00002), and less time.
 */
export const missingTrustedUpTo = MiB;

/** Prefixes that a prefix list may have: a run lists each at least once on both sides, some 50 ms a listing. */
export const maxListedPrefixes = 10_000;
/** Bytes of a prefix list: it is held in memory, whole. */
export const maxPrefixListBytes = MiB;

/** Segments a run is cut into at most; each is listed by one find-objects call after another. */
export const maxSegments = 64;
/** ListObjectsV2 calls that plan-sync spends on finding segment boundaries. */
export const maxSegmentProbes = 256;

/** Seconds for which the token of a web identity is valid, which is exchanged at once. The policy allows no longer. */
export const identityTokenSeconds = 300;
