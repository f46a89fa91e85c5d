import config from './jest.config.mjs';

/** `npm run test:s3`: the contract suite and the pipeline against the real S3 server at S3_ENDPOINT. */

if (!process.env.S3_ENDPOINT)
  throw new Error('S3_ENDPOINT is not set. Expected: the URL of an S3 server, with AWS_* keys');

export default {
  ...config,
  testMatch: ['<rootDir>/test/contract/object-store.test.ts', '<rootDir>/test/real-store/*.ts'],
};
