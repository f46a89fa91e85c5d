import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { startEmulator, type Emulator } from '../../aws/index.ts';
import type { Statement } from '../../aws/iam/policy.ts';
import { openS3Server } from '../../s3/index.ts';
import { until } from '../../../test/support/until.ts';
import { roleResource, scratch, writeAssembly, type AssemblyParts } from './assembly.ts';

/** What the parts of a deployed stack may do: each in the role that the template gives it. */

const directory = scratch();
afterAll(directory.remove);

const account = { accountId: '000000000000', region: 'us-east-1' };
const credentials = { accessKeyId: 'admin', secretAccessKey: 'secret' };
const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const statement = (Action: string | string[], Resource: unknown = '*') => ({ Effect: 'Allow', Action, Resource });

let deployments = 0;

async function deploy(parts: AssemblyParts): Promise<Emulator> {
  const place = join(directory.path, String(deployments++));
  return startEmulator({
    port: 0,
    dataDirectory: join(place, 'data'),
    assemblyDirectory: writeAssembly(join(place, 'cdk.out'), parts),
    credentials,
    openS3: (surroundings) => openS3Server(surroundings),
    onError: () => undefined,
  });
}

/** Deploys, works and stops. */
async function during<Result>(parts: AssemblyParts, work: (aws: Emulator) => Promise<Result>): Promise<Result> {
  const aws = await deploy(parts);
  try {
    return await work(aws);
  } finally {
    await aws.stop(0);
  }
}

const answer = { code: 'export const handler = async () => "done";' };
const queue = { Type: 'AWS::SQS::Queue', Properties: {} };
const mapping = {
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: { EventSourceArn: arn('Jobs'), FunctionName: { Ref: 'Take' } },
};

describe('a function', () => {
  const identity = `const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken } = process.env;
    export const handler = async () => ({ accessKeyId, secretAccessKey, sessionToken });`;

  it('has keys of a session of its role', async () => {
    await during({ functions: { One: { code: identity }, Two: { code: identity } } }, async (aws) => {
      const arns = [];
      for (const name of ['Stack-One', 'Stack-Two']) {
        const result = await aws.invokeFunction(name, {});
        const keys = (result as { payload: typeof credentials & { sessionToken: string } }).payload;
        const sts = new STSClient({ endpoint: aws.endpoint, region: aws.region, credentials: keys });
        arns.push((await sts.send(new GetCallerIdentityCommand({}))).Arn);
        sts.destroy();
      }
      const role = 'arn:aws:sts::000000000000:assumed-role/Stack-AnyRole';
      expect(arns).toEqual([`${role}/Stack-One`, `${role}/Stack-Two`]);
    });
  });

  it('is not deployed with a role that Lambda may not assume', async () => {
    const role = roleResource();
    role.Properties.AssumeRolePolicyDocument.Statement.Principal.Service = ['states.amazonaws.com'];
    const parts = { functions: { One: answer }, resources: { AnyRole: role } };
    await expect(deploy(parts)).rejects.toThrow(/role\/Stack-AnyRole cannot be assumed by lambda\.amazonaws\.com/);
  });

  it('is not deployed with a policy that the emulator does not know', async () => {
    const role = { ...roleResource().Properties, ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] };
    const parts = { functions: { One: answer }, resources: { AnyRole: { ...roleResource(), Properties: role } } };
    await expect(deploy(parts)).rejects.toThrow(/does not know the policy .*AdministratorAccess/);
  });
});

describe('an event source mapping', () => {
  const consume = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
  const parts = (actions: string[]): AssemblyParts => ({
    functions: { Take: answer },
    resources: {
      Jobs: queue,
      Mapping: mapping,
      AnyRole: roleResource([statement(actions, arn('Jobs')) as Statement]),
    },
  });

  it('consumes in the role of its function', async () => {
    const permissions = await during(parts(consume), (aws) => Promise.resolve(aws.permissions()));
    const queueArn = `arn:aws:sqs:${account.region}:${account.accountId}:Stack-Jobs`;
    expect(permissions).toEqual(
      consume.map((action) => ({ holder: 'Stack-AnyRole', action, resource: queueArn, used: true })),
    );
  });

  it.each(consume)('is not deployed without %s', async (missing) => {
    const others = consume.filter((action) => action !== missing);
    await expect(deploy(parts(others))).rejects.toThrow(
      `does not have permissions to call ${missing.slice('sqs:'.length)} on SQS`,
    );
  });
});

describe('a schedule', () => {
  const rule = (target: object) => ({
    Type: 'AWS::Events::Rule',
    Properties: { ScheduleExpression: 'rate(1 hour)', Targets: [{ Id: 'a', Arn: arn('One'), ...target }] },
  });
  const permission = (source: unknown) => ({
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: arn('One'),
      Principal: 'events.amazonaws.com',
      SourceArn: source,
    },
  });

  it('starts a function whose policy admits the rule', async () => {
    const resources = { Rule: rule({}), Permission: permission(arn('Rule')) };
    await during({ functions: { One: answer }, resources }, (aws) => {
      const ofFunction = aws.permissions().filter(({ holder }) => holder.endsWith(':function:Stack-One'));
      expect(ofFunction).toMatchObject([{ action: 'lambda:InvokeFunction', used: true }]);
      return Promise.resolve();
    });
  });

  it('is not deployed if it may not start its target', async () => {
    const deployed = (resources: Record<string, unknown>) => deploy({ functions: { One: answer }, resources });
    await expect(deployed({ Rule: rule({}) })).rejects.toThrow(
      /Rule cannot start its target: User: events\.amazonaws\.com is not authorized to perform: lambda:InvokeFunction/,
    );
    const other = 'arn:aws:events:us-east-1:000000000000:rule/other';
    await expect(deployed({ Rule: rule({}), Permission: permission(other) })).rejects.toThrow(
      /no resource-based policy/,
    );
    const role = { RoleArn: arn('Narrow') };
    const narrow = roleResource([statement('lambda:InvokeFunction', 'arn:aws:lambda:*:*:function:other') as Statement]);
    await expect(deployed({ Rule: rule(role), Narrow: narrow })).rejects.toThrow(/no identity-based policy/);
  });
});

describe('a state machine', () => {
  const invoke = { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', OutputPath: '$.Payload', End: true };
  const map = (processor: object) => ({
    Type: 'Map',
    ItemsPath: '$',
    ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, ...processor },
    End: true,
  });
  const machine = (roleStatements: object[]): AssemblyParts => {
    const call = { ...invoke, Parameters: { FunctionName: 'ONE', 'Payload.$': '$' } };
    const definition = JSON.stringify({
      StartAt: 'All',
      States: { All: map({ StartAt: 'Do', States: { Do: call } }) },
    });
    const [before, after] = definition.split('ONE');
    return {
      functions: { One: answer },
      resources: {
        Narrow: roleResource(roleStatements as Statement[]),
        Machine: {
          Type: 'AWS::StepFunctions::StateMachine',
          Properties: {
            DefinitionString: { 'Fn::Join': ['', [before, arn('One'), after]] },
            RoleArn: arn('Narrow'),
          },
        },
      },
      outputs: { Machine: { Value: { Ref: 'Machine' } } },
    };
  };
  const machineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:Stack-Machine';
  const needs = [statement('lambda:InvokeFunction', arn('One')), statement('states:StartExecution', machineArn)];

  async function run(statements: object[]) {
    return during(machine(statements), async (aws) => {
      const states = new SFNClient({ endpoint: aws.endpoint, region: aws.region, credentials });
      const started = await states.send(new StartExecutionCommand({ stateMachineArn: machineArn, input: '[1]' }));
      const { executionArn } = started;
      const ended = await until(async () => {
        const found = await states.send(new DescribeExecutionCommand({ executionArn }));
        return found.status === 'RUNNING' ? undefined : found;
      });
      states.destroy();
      return ended;
    });
  }

  it('calls functions and starts children in its role', async () => {
    expect(await run(needs)).toMatchObject({ status: 'SUCCEEDED', output: '["done"]' });
  });

  it('may do neither without the permission', async () => {
    expect(await run(needs.slice(1))).toMatchObject({
      status: 'FAILED',
      cause: expect.stringMatching(
        /Lambda\.AWSLambdaException.*Stack-Machine is not authorized to perform: lambda:Invoke/s,
      ),
    });
    expect(await run(needs.slice(0, 1))).toMatchObject({
      status: 'FAILED',
      error: 'States.Permissions',
      cause: expect.stringContaining('not authorized to perform: states:StartExecution'),
    });
  });
});
