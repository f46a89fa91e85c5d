import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  type ExecutionListItem,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../../../test/support/until.ts';
import { type Fixture } from '../fixture.ts';

export function describeStepFunctions(fixture: Fixture): void {
  describe('Step Functions', () => {
    const machine = (): { stateMachineArn: string } => ({ stateMachineArn: fixture.aws.outputs['Machine']! });

    async function ended(sfn: SFNClient, executionArn: string | undefined) {
      return until(async () => {
        const described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
        return described.status === 'RUNNING' ? undefined : described;
      });
    }

    it('lists and describes state machines', async () => {
      const sfn = fixture.client(SFNClient);
      const { stateMachines } = await sfn.send(new ListStateMachinesCommand({}));
      expect(stateMachines).toMatchObject([{ name: 'Stack-Machine', ...machine() }]);
      const described = await sfn.send(new DescribeStateMachineCommand(machine()));
      expect(JSON.parse(described.definition!)).toMatchObject({ StartAt: 'Wait' });
      expect(described.roleArn).toBe('arn:aws:iam::000000000000:role/Stack-AnyRole');
    });

    it('runs an execution and records its history', async () => {
      const sfn = fixture.client(SFNClient);
      const { executionArn, startDate } = await sfn.send(
        new StartExecutionCommand({ ...machine(), name: 'first', input: '{"wait":0,"n":21}' }),
      );
      expect(executionArn).toBe('arn:aws:states:us-east-1:000000000000:execution:Stack-Machine:first');
      const described = await ended(sfn, executionArn);
      expect(described).toMatchObject({
        status: 'SUCCEEDED',
        output: '42',
        input: '{"wait":0,"n":21}',
        name: 'first',
        ...machine(),
      });
      expect(described.startDate).toEqual(startDate);
      const { events } = await sfn.send(new GetExecutionHistoryCommand({ executionArn }));
      expect(events!.map(({ type }) => type)).toEqual([
        'ExecutionStarted',
        'WaitStateEntered',
        'WaitStateExited',
        'TaskStateEntered',
        'TaskStateExited',
        'ExecutionSucceeded',
      ]);
    });

    it('reports the error of the function for a failed execution', async () => {
      const sfn = fixture.client(SFNClient);
      const { executionArn } = await sfn.send(
        new StartExecutionCommand({ ...machine(), input: '{"wait":0,"bad":true}' }),
      );
      expect(await ended(sfn, executionArn)).toMatchObject({
        status: 'FAILED',
        error: 'InvalidInput',
        cause: expect.stringContaining('"errorMessage":"no"'),
      });
    });

    it('starts an execution idempotently while it runs, and refuses its name afterwards', async () => {
      const sfn = fixture.client(SFNClient);
      const start = (input: string) => sfn.send(new StartExecutionCommand({ ...machine(), name: 'same', input }));
      const first = await start('{"wait":60}');
      expect(await start('{"wait":60}')).toMatchObject({
        executionArn: first.executionArn,
        startDate: first.startDate,
      });
      await expect(start('{"wait":61}')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
      await sfn.send(
        new StopExecutionCommand({ executionArn: first.executionArn, error: 'Stopped', cause: 'by the test' }),
      );
      expect(await ended(sfn, first.executionArn)).toMatchObject({
        status: 'ABORTED',
        error: 'Stopped',
        cause: 'by the test',
      });
      await expect(start('{"wait":60}')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
    });

    it.each([
      ['InvalidName', { name: 'a b' }],
      ['InvalidName', { name: 'x'.repeat(81) }],
      ['InvalidExecutionInput', { input: '{' }],
      ['InvalidExecutionInput', { input: `"${'x'.repeat(262_144)}"` }],
      ['InvalidArn', { stateMachineArn: 'machine' }],
      ['StateMachineDoesNotExist', { stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:unknown' }],
    ])('answers StartExecution with %s', async (name, change) => {
      await expect(
        fixture.client(SFNClient).send(new StartExecutionCommand({ ...machine(), ...change })),
      ).rejects.toMatchObject({
        name,
      });
    });

    it('answers ExecutionDoesNotExist for an unknown execution', async () => {
      const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:Stack-Machine:unknown';
      await expect(
        fixture.client(SFNClient).send(new DescribeExecutionCommand({ executionArn })),
      ).rejects.toMatchObject({
        name: 'ExecutionDoesNotExist',
      });
    });

    it('lists executions by status, newest first, in pages', async () => {
      const sfn = fixture.client(SFNClient);
      const arns: string[] = [];
      for (let n = 0; n < 5; n++) {
        const { executionArn } = await sfn.send(
          new StartExecutionCommand({ ...machine(), name: `page-${n}`, input: '{"wait":60}' }),
        );
        arns.unshift(executionArn!);
      }
      const listed: ExecutionListItem[] = [];
      let nextToken: string | undefined;
      do {
        const page = await sfn.send(
          new ListExecutionsCommand({ ...machine(), statusFilter: 'RUNNING', maxResults: 2, nextToken }),
        );
        expect(page.executions!.length).toBeLessThanOrEqual(2);
        listed.push(...page.executions!);
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      expect(listed.map(({ executionArn }) => executionArn)).toEqual(arns);
      await Promise.all(arns.map((executionArn) => sfn.send(new StopExecutionCommand({ executionArn }))));
      expect((await sfn.send(new ListExecutionsCommand({ ...machine(), statusFilter: 'RUNNING' }))).executions).toEqual(
        [],
      );
    });
  });
}
