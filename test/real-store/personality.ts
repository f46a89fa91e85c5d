import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { personalities, type PersonalityName } from '../../emulator/s3/index.ts';
import type { SideKeys } from '../../shared/aws/credentials/key-source.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../support/local-s3.ts';
import { sendSigned } from '../support/signed-request.ts';
import { probesOf } from './probes/probes.ts';
import { shown, type Shown } from './probes/shown.ts';

/**
 * Does the personality behave as the real server? Both get the same requests, and the answers are compared: status, code,
 * names of headers, the form of the ETag, and what a client reads in documents. S3_PERSONALITY names the store behind
 * S3_ENDPOINT, by default Ceph.
 */

const { S3_ENDPOINT: endpoint = '', S3_PERSONALITY = 'ceph' } = process.env;
const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
const realKeys = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
const bucket = `s3-ferry-probes-${Date.now().toString(36)}`;
let local: LocalS3;

beforeAll(async () => {
  local = await startLocalS3({ personality: personalities[S3_PERSONALITY as PersonalityName] });
});
afterAll(() => local.close());

async function answersOf(store: string, keys: SideKeys): Promise<Map<string, Shown>> {
  const state = new Map<string, string>();
  const answers = new Map<string, Shown>();
  await sendSigned(store, keys, { method: 'PUT', path: `/${bucket}` });
  for (const { title, request, keep } of probesOf(bucket)) {
    const answer = await sendSigned(store, keys, request(state));
    if (keep) state.set(...keep(answer));
    answers.set(title, shown(answer));
  }
  return answers;
}

describe(`the personality ${S3_PERSONALITY}`, () => {
  it(`answers as the real server at ${endpoint}`, async () => {
    const real = await answersOf(endpoint, realKeys);
    const emulated = await answersOf(local.endpoint, localKeys);
    expect(Object.fromEntries(emulated)).toEqual(Object.fromEntries(real));
  });
});
