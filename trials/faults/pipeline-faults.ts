import type { ServiceFault, ServiceRequest } from '../../emulator/aws/index.ts';
import type { PipelineRoute } from '../support/pipeline.ts';
import type { Random } from '../../test/support/random.ts';

/** A fault of requests to the services besides S3. */
export interface PipelineFault {
  readonly name: string;
  /** what takes the jobs while it happens */
  readonly consumer: 'lambda' | 'ec2';
  readonly meant: (request: ServiceRequest) => boolean;
  readonly fault: (random: Random) => ServiceFault;
  /** the routes whose objects cause such requests; default: all of the consumer */
  readonly routes?: readonly PipelineRoute[];
  /** share of the requests that fail; by default that of the whole trial */
  readonly rate?: number;
  /** what such requests require: jobs that fail once, or two runs of a task at the same time */
  readonly needs?: 'failing jobs' | 'two runs';
}

/**
 * A lost answer to Receive is a delivery of up to ten messages, and five deliveries bury a message, as they should: at a
 * quarter of the answers, that would happen to one of 36 objects every thirtieth time.
 */
const rareReceives = 0.1;

type Requests = Pick<ServiceRequest, 'service'> & Partial<Pick<ServiceRequest, 'by'>>;

const of =
  ({ service, by }: Requests, ...operations: string[]): PipelineFault['meant'] =>
  (request) =>
    request.service === service &&
    operations.includes(request.operation) &&
    (by === undefined || request.by === by) &&
    // The test itself starts the runs.
    (service !== 'states' || String(request.input['stateMachineArn']).includes('Upload'));

const queue = { service: 'sqs', by: 'client' } as const;
const sends = of(queue, 'SendMessageBatch', 'SendMessage');
const receives = of(queue, 'ReceiveMessage');
const deletes = of(queue, 'DeleteMessageBatch');
const hides = of(queue, 'ChangeMessageVisibility');
const table = of({ service: 'dynamodb' }, 'GetItem', 'PutItem', 'UpdateItem');
const writes = of({ service: 'dynamodb' }, 'PutItem', 'UpdateItem');
const starts = of({ service: 'states' }, 'StartExecution');
const reads = of({ service: 'ssm' }, 'GetParameter', 'GetParametersByPath');
const invocations: PipelineFault['meant'] = ({ service, resource }) =>
  service === 'lambda' && resource !== 'bucket-notifications';

const status =
  (code: string, http = 400) =>
  (): ServiceFault => ({ kind: 'status', status: http, code });
const reset = (): ServiceFault => ({ kind: 'reset' });
const lost = (): ServiceFault => ({ kind: 'lose-answer' });
const refused = (random: Random): ServiceFault => {
  const from = random.below(3);
  return { kind: 'fail-entries', fails: (index) => index % 3 === from || index === 0, code: 'InternalError' };
};
const ended =
  (error: 'Sandbox.Timedout' | 'Runtime.ExitError') =>
  (random: Random): ServiceFault => ({
    kind: 'end',
    when: new Promise((resolve) => setTimeout(resolve, 20 + random.below(500))),
    error,
  });

type More = Pick<PipelineFault, 'routes' | 'needs' | 'rate'>;
type Make = (name: string, meant: PipelineFault['meant'], fault: PipelineFault['fault'], more?: More) => PipelineFault;
const byLambda: Make = (name, meant, fault, more) => ({ name, consumer: 'lambda', meant, fault, ...more });
const byWorker: Make = (name, meant, fault, more) => ({ name, consumer: 'ec2', meant, fault, ...more });
const execution: More = { routes: ['execution'] };

/**
 * Every fault that the emulated services can inject. A process caches parameters for a minute, so the faults of SSM
 * come first.
 */
export const pipelineFaults: readonly PipelineFault[] = [
  byLambda('SSM: throttled', reads, status('ThrottlingException')),
  byWorker('SSM: 500', reads, status('InternalServerError', 500)),
  byLambda('SQS: 503 on Send', sends, status('ServiceUnavailable', 503)),
  byLambda('SQS: reset on Send', sends, reset),
  byLambda('SQS: lost answer to Send', sends, lost),
  byLambda('SQS: entries in Failed', of(queue, 'SendMessageBatch'), refused),
  byLambda('SQS: messages twice', sends, (random) => ({ kind: 'deliver', delays: () => [0, random.below(2)] })),
  byLambda('SQS: messages late, in another order', sends, (random) => ({
    kind: 'deliver',
    delays: () => [random.below(3)],
  })),
  byLambda(
    'S3 events twice, late, in another order',
    of({ service: 'sqs', by: 'endpoint' }, 'SendMessage'),
    (random) => ({
      kind: 'deliver',
      delays: () => (random.chance(0.5) ? [random.below(3)] : [random.below(3), random.below(3)]),
    }),
    { routes: ['events'] },
  ),
  byLambda('SQS: 503 on ChangeVisibility', hides, status('ServiceUnavailable', 503), { needs: 'failing jobs' }),
  byLambda('SQS: lost answer to ChangeVisibility', hides, lost, { needs: 'failing jobs' }),
  byWorker('SQS: 503 on Receive', receives, status('ServiceUnavailable', 503)),
  byWorker('SQS: reset on Receive', receives, reset),
  byWorker('SQS: lost answer to Receive', receives, lost, { rate: rareReceives }),
  byWorker('SQS: 503 on Delete', deletes, status('ServiceUnavailable', 503)),
  byWorker('SQS: lost answer to Delete', deletes, lost),
  byWorker('SQS: entries in Failed of Delete', deletes, refused),
  byLambda('DynamoDB: throughput exceeded', table, status('ProvisionedThroughputExceededException')),
  byLambda('DynamoDB: throttled', table, status('ThrottlingException')),
  byLambda('DynamoDB: 500', table, status('InternalServerError', 500)),
  byLambda('DynamoDB: reset', table, reset),
  byLambda('DynamoDB: lost answer to a write', writes, lost),
  byLambda('StartExecution: throttled', starts, status('ThrottlingException'), execution),
  byLambda('StartExecution: lost answer', starts, lost, execution),
  byLambda('StartExecution: name taken by another run', starts, () => ({ kind: 'delay', milliseconds: 50 }), {
    ...execution,
    needs: 'two runs',
  }),
  byLambda('Lambda: too many requests', invocations, status('Lambda.TooManyRequestsException', 429)),
  byLambda('Lambda: timeout in mid-work', invocations, ended('Sandbox.Timedout')),
  byLambda('Lambda: process ended in mid-work', invocations, ended('Runtime.ExitError')),
  byLambda('Lambda: lost answer', invocations, lost),
];
