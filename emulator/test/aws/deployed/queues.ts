import { GetBucketNotificationConfigurationCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../../../test/support/until.ts';
import { faults, type Fixture } from '../fixture.ts';

export function describeQueues(fixture: Fixture): void {
  describe('SQS', () => {
    it('answers with URLs that lead back to the gateway', async () => {
      const sqs = fixture.client(SQSClient);
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'mine' }));
      expect(QueueUrl).toBe(`${fixture.aws.endpoint}/000000000000/mine`);
      expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'mine' }))).QueueUrl).toBe(QueueUrl);
      expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls).toContain(QueueUrl);
      await sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: 'http://sqs.us-east-1.localhost:1/000000000000/kept' }),
      );
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
      expect(Messages?.[0]?.Body).toBe('http://sqs.us-east-1.localhost:1/000000000000/kept');
    });

    it('loses no message when a receiver disconnects', async () => {
      const sqs = fixture.client(SQSClient);
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'left' }));
      let polled = false;
      faults.hook = ({ operation, input }) => {
        polled ||= operation === 'ReceiveMessage' && input['QueueUrl'] === QueueUrl;
        return undefined;
      };
      const gone = new AbortController();
      const poll = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, VisibilityTimeout: 3600 }), {
        abortSignal: gone.signal,
      });
      await until(() => polled);
      faults.hook = () => undefined;
      gone.abort();
      await expect(poll).rejects.toThrow();
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'for the next' }));
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
      expect(Messages?.[0]?.Body).toBe('for the next');
    });
  });

  describe('an event source mapping', () => {
    it('brings messages and S3 events to the function, and failed messages to the dead-letter queue', async () => {
      const sqs = fixture.client(SQSClient);
      const s3 = fixture.client(S3Client);
      const QueueUrl = fixture.aws.outputs['Jobs'];
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'fail this' }));
      await s3.send(new PutObjectCommand({ Bucket: 'source', Key: 'an object', Body: 'x' }));
      const dead = await until(async () => {
        const answer = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl: fixture.aws.outputs['Dead'], WaitTimeSeconds: 1 }),
        );
        return answer.Messages?.[0]?.Body;
      });
      expect(dead).toBe('fail this');
      const event = await until(async () => {
        const { payload } = (await fixture.aws.invokeFunction('Stack-Take', {})) as unknown as { payload: string[] };
        expect(payload.filter((body) => body === 'fail this')).toHaveLength(2);
        return payload.find((body) => body.includes('ObjectCreated'));
      });
      expect(JSON.parse(event)).toMatchObject({ Records: [{ s3: { object: { key: 'an+object' } } }] });
    });

    it('receives the events that the notification configuration of the bucket names', async () => {
      const { QueueConfigurations } = await fixture
        .client(S3Client)
        .send(new GetBucketNotificationConfigurationCommand({ Bucket: 'source' }));
      expect(QueueConfigurations).toMatchObject([
        { QueueArn: 'arn:aws:sqs:us-east-1:000000000000:Stack-Jobs', Events: ['s3:ObjectCreated:*'] },
      ]);
    });
  });
}
