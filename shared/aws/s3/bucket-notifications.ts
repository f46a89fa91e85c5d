import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  type GetBucketNotificationConfigurationCommandOutput,
  type NotificationConfiguration,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { NotificationProperties } from '../../model/messages/custom-resource.ts';
import { Fault, isFault } from '../../model/faults.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import { faultOf } from '../faults.ts';
import { mergeNotifications, ownNotifications, overlapping, sameNotifications } from './notification-configuration.ts';

/** Times that the configuration is merged anew because somebody else changed it at the same moment. */
const maxRounds = 5;
/** Milliseconds before each look at what was written: S3 shows a bucket's configuration to readers after a while. */
const looks = [0, 500, 1_000, 2_000, 4_000, 8_000, 15_000];

type Bucket = Pick<NotificationProperties, 'BucketName' | 'ExpectedBucketOwner'>;

/**
 * A bucket's notification configuration, which is one document without a condition on its version: it is read, only
 * entries whose IDs begin with our prefix are replaced, and what was written is read back. All others stay as they are.
 */
export class BucketNotifications {
  readonly #client: S3Client;
  readonly #clock: Clock;

  constructor(client: S3Client, clock: Clock = systemClock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * Makes the bucket tell what `properties` say, and nothing else under `idPrefix`.
   * @throws Fault `InvalidTask` where entries of others overlap, naming them; `BucketNotFound`, `AccessDenied`
   */
  async set(idPrefix: string, properties: NotificationProperties): Promise<void> {
    const own = ownNotifications(idPrefix, properties);
    await this.#converge(properties, idPrefix, own, false);
  }

  /** Removes what is under `idPrefix`; a bucket that is gone has nothing. */
  async remove(idPrefix: string, bucket: Bucket): Promise<void> {
    try {
      // The queues of other entries may be gone by now, which is no reason to keep ours.
      await this.#converge(bucket, idPrefix, [], true);
    } catch (error) {
      if (!isFault(error, 'BucketNotFound')) throw error;
    }
  }

  async #converge(
    bucket: Bucket,
    idPrefix: string,
    own: ReturnType<typeof ownNotifications>,
    skipValidation: boolean,
  ): Promise<void> {
    for (let round = 1; round <= maxRounds; round++) {
      const present = await this.#read(bucket);
      const wanted = mergeNotifications(present, idPrefix, own);
      if (sameNotifications(present, wanted)) return;
      await this.#write(bucket, wanted, skipValidation).catch((error: unknown) => {
        throw explained(error, bucket.BucketName, overlapping(present, idPrefix, own));
      });
      if (await this.#arrived(bucket, present, wanted)) return;
    }
    const what = `bucket "${bucket.BucketName}"`;
    throw new Fault('Unavailable', `${what}: somebody else changes its notifications all the time; try again later`);
  }

  /** Is what was written there? False where it is something third: another one wrote in between. */
  async #arrived(
    bucket: Bucket,
    before: NotificationConfiguration,
    wanted: NotificationConfiguration,
  ): Promise<boolean> {
    for (const delay of looks) {
      if (delay > 0) await this.#clock.sleep(delay);
      const seen = await this.#read(bucket);
      if (sameNotifications(seen, wanted)) return true;
      if (!sameNotifications(seen, before)) return false;
    }
    throw new Fault(
      'Unavailable',
      `bucket "${bucket.BucketName}": the notifications that were written do not show; expected them within 30 s`,
    );
  }

  async #read(bucket: Bucket): Promise<NotificationConfiguration> {
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

/** S3 says that something overlaps, but not what. */
function explained(error: unknown, bucket: string, others: readonly string[]): unknown {
  if (!isFault(error, 'NotSupported') || others.length === 0) return error;
  return new Fault(
    'InvalidTask',
    `bucket "${bucket}" already has notifications that overlap with those of the tasks, and S3 allows one receiver an ` +
      `event: ${others.join('; ')}. Expected: remove or narrow them, choose other prefixes, or set the tasks' events ` +
      `to "none" and give them a schedule (${error.message})`,
    { cause: error },
  );
}
