import { aliyunOss } from './aliyun-oss.ts';
import { aws } from './aws.ts';
import { ceph } from './ceph.ts';
import { gcs } from './gcs.ts';
import { hostile } from './hostile.ts';
import { minio } from './minio.ts';
import type { Personality } from './personality.ts';
import { qiniu } from './qiniu.ts';
import { r2 } from './r2.ts';
import { tencentCos } from './tencent-cos.ts';
import { wasabi } from './wasabi.ts';

/** All personalities, by name. */
export const personalities = {
  aws,
  'aliyun-oss': aliyunOss,
  'tencent-cos': tencentCos,
  qiniu,
  minio,
  ceph,
  wasabi,
  gcs,
  r2,
  hostile,
} as const satisfies Readonly<Record<string, Personality>>;

export type PersonalityName = keyof typeof personalities;
