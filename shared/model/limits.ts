/**
 * Numbers that S3 and the other services set, and the defaults chosen from them. A name ends in its unit
 * (`...Bytes`, `...Seconds`, `...Millis`, `...Days`); without one it counts things.
 */

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const TiB = 1024 * GiB;

/** S3: the most parts an upload may have. */
export const maxParts = 10_000;
/** S3: the smallest part that is not the last. */
export const minPartBytes = 5 * MiB;
/** S3: the largest part, and the largest body of PutObject and CopyObject. */
export const maxPartBytes = 5 * GiB;
/** S3: the largest object, 10,000 parts of 5 GiB (48.8 TiB). */
export const maxObjectBytes = maxParts * maxPartBytes;
/** S3: the longest key, in UTF-8. */
export const maxKeyBytes = 1024;
/** The longest ETag that is accepted: S3's have 38 characters, those of other stores a few more. */
export const maxEtagLength = 256;
/** The longest upload ID that is accepted, for states and the ledger keep it: S3's have 128 characters. */
export const maxUploadIdLength = 1024;
/**
 * The most consecutive pages of uploads or parts that may be empty while the store says that more follow. Listings of
 * objects have no such limit: S3 may return empty pages for as long as keys were deleted in a row, and the finder stops
 * there when its time runs short.
 */
export const maxEmptyPages = 1000;

/** Entries that S3 lists per page, of objects, parts and uploads alike. Some stores list fewer unless asked. */
export const listedPageKeys = 1000;

/** Larger objects take the state machine: about what one Lambda call moves in a minute across borders. */
export const defaultLargeObjectBytes = 256 * MiB;
/** Part size if the source has no layout of its own. */
export const defaultPartBytes = 16 * MiB;
/** Bodies up to this size are buffered, so that the SDK can send them again; larger ones stream. */
export const maxBufferedBodyBytes = 64 * MiB;

/**
 * What S3 copies inside itself in one request, as far as it is used: the largest object, and the usual part. S3 allows
 * 5 GiB of either. How fast it copies is not documented. A Lambda call and the HTTP handler give a copy ten minutes, in
 * which 1 GiB needs 1.8 MB/s, and a part has a minute when a call's time runs short, in which 256 MiB need 4.5 MB/s.
 * Larger ones would save next to nothing: a terabyte in parts of 256 MiB is 4,096 requests ($0.02).
 */
export const maxCopiedObjectBytes = GiB;
export const copiedPartBytes = 256 * MiB;
/** Bytes of one upload-parts call that copies inside S3: no byte passes through it, so it can take more. */
export const copyBatchBytes = 4 * GiB;

/** Bytes of one upload-parts call: about 7 s of work at 600 Mbit/s, small enough that a lost call costs little. */
export const uploadBatchBytes = 512 * MiB;
/** Step Functions: at most 256 KiB of payload; 1,000 batches of compact ranges stay well below it. */
export const maxUploadBatches = 1000;
/**
 * Batches of a round for each call that it may have at once. The next round may have more or fewer, for other uploads
 * have ended or begun: of 512 MiB they take some three minutes together. Stragglers cost a thirtieth of it.
 */
export const wavesPerRound = 16;
/** Concurrent upload-parts calls for one object. */
export const defaultUploadConcurrency = 40;

/**
 * Consecutive checks without a new part before an upload is given up: about five minutes. A round in which nothing but
 * the surroundings failed does not count.
 */
export const maxIdleRounds = 8;
/**
 * Checks of one upload altogether: 48.8 TiB at one 15-minute call per batch needs fewer than 100. Each takes up to 11
 * events of the 25,000 that an execution may have (AWS Step Functions Developer Guide: Quotas), with its map or wait.
 */
export const maxUploadRounds = 1300;
/** Days of one upload altogether: 48.8 TiB over a line of 100 Mbit/s take 50. */
export const maxUploadDays = 60;
/** Times a copy restarts because its source changed while it was being read; then the job returns to the queue. */
export const maxRestarts = 4;
/**
 * Times an execution reopens an upload that another consumer ended. Each such consumer has finished the same object, so
 * their number is the real bound; sixteen at once were never seen.
 */
export const maxEndedUploads = 16;

/** SQS: messages in one SendMessageBatch. */
export const queueBatchSize = 10;
/** SQS: deliveries of a message before it goes to the dead-letter queue. */
export const maxReceives = 5;

/** How long runs do not try an object again that failed for good, unless it changes: a person has to do something. */
export const failureBelievedMillis = 7 * 24 * 3600 * 1000;
/** Keys that failed, which a call of the finder keeps in memory: 10 MB at most. Others are tried again by each run. */
export const maxKnownFailures = 10_000;

/** Days without progress before an upload is aborted. */
export const sweptAfterDays = 7;

/**
 * How long a finder's "missing at the destination" is trusted where a write cannot name what it replaces. If it were
 * trusted longer, a second run that finds the same object before its first copy is done would copy it twice. Runs are
 * further apart than this, or the queue is longer than this, and then the hint has expired when the job's turn comes.
 */
export const missingTrustedMillis = 5 * 60_000;
/**
 * The largest object for which it is trusted. A message that is delivered twice is then copied twice. Asking the
 * destination costs a fiftieth of copying 1 MiB between two regions ($0.0000004 against $0.00002), and less time.
 */
export const missingTrustedMaxBytes = MiB;

/** Prefixes in a prefix list: a run lists each at least once on both sides, some 50 ms per listing. */
export const maxListedPrefixes = 10_000;
/** Size of a prefix list: all of it is held in memory. */
export const maxPrefixListBytes = MiB;

/** Validity of a web identity token, which is exchanged immediately. The role's policy allows no longer one. */
export const identityTokenSeconds = 300;
