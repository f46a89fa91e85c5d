import { describe } from '@jest/globals';
import { describeFaults } from './deployed/faults.ts';
import { describeParameters } from './deployed/parameters.ts';
import { describePort } from './deployed/port.ts';
import { describeQueues } from './deployed/queues.ts';
import { describeStepFunctions } from './deployed/step-functions.ts';
import { deployed } from './fixture.ts';

/** The tests that need a deployment share one, because deploying takes longer than most of them. */

const fixture = deployed();

describe('the emulator', () => describePort(fixture));
describe('Parameter Store', () => describeParameters(fixture));
describe('SQS', () => describeQueues(fixture));
describe('Step Functions', () => describeStepFunctions(fixture));
describe('fault injection', () => describeFaults(fixture));
