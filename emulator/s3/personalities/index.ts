import { aliyunOss } from './aliyun-oss.ts';
import { aws } from './aws.ts';
import { ceph } from './ceph.ts';
import type { Personality } from './personality.ts';

/** All personalities, by name. */
export const personalities = {
  aws,
  'aliyun-oss': aliyunOss,
  ceph,
} as const satisfies Readonly<Record<string, Personality>>;

export type PersonalityName = keyof typeof personalities;
