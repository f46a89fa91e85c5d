import { localNames } from '../../local/run/settings.ts';
import { MiB } from '../../shared/model/limits.ts';

/** The one task of the soak. */
export const soakTask = {
  name: localNames.task,
  source: { bucket: localNames.sourceBucket },
  destination: {
    bucket: localNames.destinationBucket,
    credentials: { ssmParameter: localNames.credentialsParameter },
  },
  events: 'create-delete',
  deletes: true,
  largeObjectThreshold: 6 * MiB,
  partSize: 5 * MiB,
};
