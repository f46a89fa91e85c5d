import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  type GetBucketNotificationConfigurationCommandOutput,
  type NotificationConfiguration,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { NotificationHolder, NotificationProperties } from '../../model/messages/custom-resource.ts';
import { Fault, isFault } from '../../model/faults.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import { faultOf } from '../faults.ts';
import {
  heldBy,
  holdersOf,
  mergeNotifications,
  overlapping,
  ownNotifications,
  sameNotifications,
  withoutTaken,
} from './notification-configuration.ts';

/** Times that the configuration is merged again because another writer changed it meanwhile. */
const maxRounds = 5;
/** The wait before each read of what was written: S3 shows a new configuration to readers after a while. */
const readDelaysMillis = [0, 500, 1_000, 2_000, 4_000, 8_000, 15_000];
/**
 * The waits after each refusal, a minute in all. The role's policy for a new bucket is attached just before, and IAM
 * shows it to S3 after a while (IAM User Guide: Changes that I make are not always immediately visible).
 */
const refusedDelaysMillis = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

type Bucket = Pick<NotificationProperties, 'BucketName' | 'ExpectedBucketOwner'>;
/** Our entries, by what the bucket has now. */
type Own = (present: NotificationConfiguration) => ReturnType<typeof ownNotifications>;

/** What a bucket's configuration is to become. */
interface Change {
  readonly own: Own;
  /** the receivers of other entries may be gone */
  readonly skipValidation?: boolean;
  /** turns EventBridge on; otherwise it stays as it is */
  readonly toEventBridge?: boolean;
}

/**
 * A bucket's notification configuration. It is one document, and S3 has no conditional write for it. So it is read,
 * only the entries whose IDs begin with our prefix are replaced, and the result is read back. All other entries stay.
 */
export class BucketNotifications {
  readonly #client: S3Client;
  readonly #clock: Clock;

  constructor(client: S3Client, clock: Clock = systemClock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * Makes the bucket send the notifications of `properties`, and no others under `idPrefix`.
   * @param holder the kind of resource that asks for it
   * @returns descriptions of events that were left out because others receive them, and that runs make up for
   * @throws Fault `InvalidTask` if entries of others overlap, naming them; `BucketNotFound`, `AccessDenied`
   */
  async set(
    idPrefix: string,
    properties: NotificationProperties,
    holder: NotificationHolder,
  ): Promise<readonly string[]> {
    const own: Own = (present) =>
      ownNotifications(idPrefix, properties, new Set([...holdersOf(present, idPrefix), holder]));
    return this.#unlessRefused(() => this.#converge(properties, idPrefix, { own }));
  }

  /**
   * Removes the entries under `idPrefix`, unless another kind of resource than `holder` wants them too. Does nothing if
   * the bucket does not exist.
   */
  async remove(idPrefix: string, bucket: Bucket, holder: NotificationHolder): Promise<void> {
    const own: Own = (present) =>
      heldBy(present, idPrefix, new Set([...holdersOf(present, idPrefix)].filter((one) => one !== holder)));
    try {
      // The queues of other entries may no longer exist, which must not prevent the removal of ours.
      await this.#unlessRefused(() => this.#converge(bucket, idPrefix, { own, skipValidation: true }));
    } catch (error) {
      if (!isFault(error, 'BucketNotFound')) throw error;
    }
  }

  /**
   * Makes the bucket report its events to EventBridge in its own region, and removes the entries under `idPrefix`: they
   * were for a queue, which can only be in that region. EventBridge stays on: rules of others may need it.
   * @throws Fault `BucketNotFound`, `AccessDenied`
   */
  async report(idPrefix: string, bucket: Bucket): Promise<void> {
    await this.#unlessRefused(() => this.#converge(bucket, idPrefix, { own: () => [], toEventBridge: true }));
  }

  /** The whole document. @throws Fault `BucketNotFound`, `AccessDenied` */
  async read(bucket: Bucket): Promise<NotificationConfiguration> {
    const operation = `GetBucketNotificationConfiguration of bucket "${bucket.BucketName}"`;
    const answer = await this.#client
      .send(new GetBucketNotificationConfigurationCommand(inputOf(bucket)))
      .catch((error: unknown) => {
        throw faultOf(error, operation);
      });
    const configuration: Partial<GetBucketNotificationConfigurationCommandOutput> = { ...answer };
    delete configuration.$metadata;
    return configuration;
  }

  async #unlessRefused<Result>(attempt: () => Promise<Result>): Promise<Result> {
    for (const delay of refusedDelaysMillis) {
      try {
        return await attempt();
      } catch (error) {
        if (!isFault(error, 'AccessDenied')) throw error;
        await this.#clock.sleep(delay);
      }
    }
    return attempt();
  }

  async #converge(
    bucket: Bucket,
    idPrefix: string,
    { own, skipValidation = false, toEventBridge = false }: Change,
  ): Promise<readonly string[]> {
    for (let round = 1; round <= maxRounds; round++) {
      const present = await this.read(bucket);
      const { entries, leftOut } = withoutTaken(present, idPrefix, own(present));
      const merged = mergeNotifications(present, idPrefix, entries);
      const wanted = toEventBridge ? { ...merged, EventBridgeConfiguration: {} } : merged;
      if (sameNotifications(present, wanted)) return leftOut;
      await this.#write(bucket, wanted, skipValidation).catch((error: unknown) => {
        throw explained(error, bucket.BucketName, overlapping(present, idPrefix, entries));
      });
      if (await this.#arrived(bucket, present, wanted)) return leftOut;
    }
    const what = `bucket "${bucket.BucketName}"`;
    throw new Fault('Unavailable', `${what}: another writer keeps changing its notifications; try again later`);
  }

  /** Waits until the new configuration is visible. @returns false if another writer replaced it */
  async #arrived(
    bucket: Bucket,
    before: NotificationConfiguration,
    wanted: NotificationConfiguration,
  ): Promise<boolean> {
    for (const delay of readDelaysMillis) {
      if (delay > 0) await this.#clock.sleep(delay);
      const seen = await this.read(bucket);
      if (sameNotifications(seen, wanted)) return true;
      if (!sameNotifications(seen, before)) return false;
    }
    throw new Fault(
      'Unavailable',
      `bucket "${bucket.BucketName}": the notifications that were written are not visible; expected them within 30 s`,
    );
  }

  async #write(bucket: Bucket, configuration: NotificationConfiguration, skipValidation: boolean): Promise<void> {
    const command = new PutBucketNotificationConfigurationCommand({
      ...inputOf(bucket),
      NotificationConfiguration: configuration,
      ...(skipValidation && { SkipDestinationValidation: true }),
    });
    await this.#client.send(command).catch((error: unknown) => {
      throw faultOf(error, `PutBucketNotificationConfiguration of bucket "${bucket.BucketName}"`);
    });
  }
}

function inputOf({ BucketName, ExpectedBucketOwner }: Bucket): { Bucket: string; ExpectedBucketOwner?: string } {
  return { Bucket: BucketName, ...(ExpectedBucketOwner !== undefined && { ExpectedBucketOwner }) };
}

/** S3 reports that something overlaps, but not what. */
function explained(error: unknown, bucket: string, others: readonly string[]): unknown {
  if (!isFault(error, 'NotSupported', 'Refused') || others.length === 0) return error;
  return new Fault(
    'InvalidTask',
    `bucket "${bucket}" already has notifications that overlap with those of the tasks, and S3 allows ` +
      `one receiver per event: ${others.join('; ')}. Expected: remove or narrow them, ` +
      `choose other prefixes, or set the tasks' events to "none" and give them a schedule (${error.message})`,
    { cause: error },
  );
}
