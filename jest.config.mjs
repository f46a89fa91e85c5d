/** Tests are native ES modules; @swc/jest only strips the types. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/emulator/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }] },
  modulePathIgnorePatterns: ['<rootDir>/(dist|cdk.out|.types|.s3-ferry)/'],
  globalSetup: '<rootDir>/test/support/run-directory.mjs',
  globalTeardown: '<rootDir>/test/support/remove-run-directory.mjs',
  // More than the two processors of the smallest machine: many tests wait, for processes and for queues.
  maxWorkers: 3,
  // A test file leaves some 30 MB behind in its process, and each full collection of a heap costs what is in it.
  workerIdleMemoryLimit: '200MB',
  testTimeout: 120_000,
};
