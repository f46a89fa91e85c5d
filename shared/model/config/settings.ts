import * as v from 'valibot';
import { certificatesSchema } from './certificates.ts';
import { concurrencySchema, shortage } from './concurrency.ts';

/** Settings of the whole stack: `stack` in the configuration file, beside `tasks`. */

/** Days for which CloudWatch can keep logs: it accepts no other values (PutRetentionPolicy). */
export const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const identifier = (prefix: string) =>
  v.pipe(
    v.string(),
    v.regex(
      new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`),
      `expected an ID such as ${prefix}-0a1b2c3d4e5f60718 (8 or 17 hexadecimal digits)`,
    ),
  );

const workerSchema = v.pipe(
  v.strictObject({
    vpcId: v.exactOptional(
      v.pipe(
        identifier('vpc'),
        v.description(
          'an existing VPC for the workers, together with `subnetIds` and `availabilityZones`; ' +
            'without it the stack creates one',
        ),
      ),
    ),
    subnetIds: v.exactOptional(
      v.pipe(
        v.array(identifier('subnet')),
        v.minLength(1, 'at least one subnet is needed'),
        v.description('subnets of `vpcId` that reach the buckets (through endpoints, a NAT or the internet)'),
      ),
    ),
    availabilityZones: v.exactOptional(
      v.pipe(
        v.array(v.pipe(v.string(), v.regex(/^[a-z0-9-]+-[0-9][a-z]$/, 'expected a zone such as us-east-1a'))),
        v.minLength(1, 'at least one availability zone is needed'),
        v.description('the availability zone of each of `subnetIds`, in the same order'),
      ),
    ),
    instanceTypes: v.exactOptional(
      v.pipe(
        v.array(
          v.pipe(v.string(), v.regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'expected an instance type such as c7gn.large')),
        ),
        v.minLength(1, 'at least one instance type is needed'),
        v.description(
          'instance types the workers may have, all with Graviton processors; the stack chooses the default',
        ),
      ),
    ),
    maxInstances: v.optional(
      v.pipe(
        v.number(),
        v.safeInteger(),
        v.minValue(1),
        v.maxValue(1000),
        v.description('the largest number of concurrent workers'),
      ),
      4,
    ),
    proxy: v.exactOptional(
      v.pipe(
        v.string(),
        v.regex(
          /^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$/,
          'expected http://HOST:PORT, without user and password, which the user data of instances would show',
        ),
        v.description('the proxy through which workers reach AWS and the stores: `http://proxy.example.com:3128`'),
      ),
    ),
    noProxy: v.exactOptional(
      v.pipe(
        v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9.*:/[\]_-]{1,255}$/, 'expected a host, .domain or network'))),
        v.description('hosts, domains and networks that workers reach directly: `[".amazonaws.com", "10.0.0.0/8"]`'),
      ),
    ),
    certificateAuthority: v.exactOptional(
      certificatesSchema(
        'certificates, as PEM text, of authorities that workers trust beside the public ones, such as that of a ' +
          'proxy that looks into TLS',
      ),
    ),
    spot: v.optional(v.pipe(v.boolean(), v.description('use spot instances')), true),
    objectsAtOnce: v.exactOptional(
      v.pipe(
        v.number(),
        v.safeInteger(),
        v.minValue(1),
        v.maxValue(1000),
        v.description('objects that one worker process copies at once; the default depends on its memory'),
      ),
    ),
  }),
  v.check(
    ({ vpcId, subnetIds, availabilityZones }) =>
      (vpcId === undefined) === (subnetIds === undefined) &&
      (vpcId === undefined) === (availabilityZones === undefined),
    'expected vpcId, subnetIds and availabilityZones together, or none of them',
  ),
  v.check(
    ({ subnetIds, availabilityZones }) =>
      subnetIds === undefined || availabilityZones === undefined || subnetIds.length === availabilityZones.length,
    'expected as many availabilityZones as subnetIds',
  ),
  v.check(
    ({ proxy, noProxy }) => proxy !== undefined || noProxy === undefined,
    'expected noProxy beside a proxy, or neither',
  ),
);

/** What takes jobs from the queue. */
export const workerModes = ['lambda', 'ec2', 'both'] as const;
export type WorkerMode = (typeof workerModes)[number];

const stackSettingsFields = v.strictObject({
  workerMode: v.optional(
    v.pipe(v.picklist(workerModes), v.description('what takes jobs from the queue: functions, EC2 workers, or both')),
    'lambda',
  ),
  alarmEmail: v.exactOptional(
    v.pipe(
      v.string(),
      v.email('expected an e-mail address'),
      v.maxLength(320),
      v.description('the address that receives alarms; AWS asks it to confirm'),
    ),
  ),
  noticeEmail: v.exactOptional(
    v.pipe(
      v.string(),
      v.email('expected an e-mail address'),
      v.maxLength(320),
      v.description('the address that receives a notice when nothing is left to do; without it, no notice is sent'),
    ),
  ),
  tags: v.exactOptional(
    v.pipe(
      v.record(
        v.pipe(
          v.string(),
          v.regex(/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u, 'expected a tag key of 1 to 128 characters'),
        ),
        v.pipe(
          v.string(),
          v.regex(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u, 'expected a tag value of up to 256 characters'),
        ),
      ),
      v.description('tags of all resources that may have some in every partition: `{"team": "media"}`'),
    ),
  ),
  logRetentionDays: v.optional(
    v.pipe(
      v.picklist(retentionDays),
      v.description('days for which logs are kept; one of the values that CloudWatch accepts'),
    ),
    30,
  ),
  giveUpAfterHours: v.optional(
    v.pipe(
      v.number(),
      v.minValue(0.01),
      v.maxValue(336),
      v.description('hours for which jobs are tried again while a store, a service or a credential fails, 0.01 to 336'),
    ),
    24,
  ),
  copyConcurrency: v.optional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(2),
      v.maxValue(1000),
      v.description('concurrent copy-objects calls, 2 to 1,000, which jobs and events share'),
    ),
    100,
  ),
  concurrency: v.optional(
    v.pipe(concurrencySchema, v.description('the budget of concurrent Lambda calls: `calls`, `finders`, `reserved`')),
    {},
  ),
  worker: v.optional(workerSchema, {}),
});

export const stackSettingsSchema = v.pipe(
  stackSettingsFields,
  v.forward(
    v.partialCheck(
      [['workerMode'], ['copyConcurrency'], ['concurrency']],
      (settings) => shortage(settings) === undefined,
      ({ input }) => shortage(input) ?? '',
    ),
    ['concurrency', 'calls'],
  ),
);

export type StackSettings = v.InferOutput<typeof stackSettingsSchema>;
export type WorkerSettings = StackSettings['worker'];

/** The settings of a stack whose configuration has none. */
export const defaultStackSettings: StackSettings = v.parse(stackSettingsSchema, {});
