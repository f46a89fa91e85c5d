import * as v from 'valibot';

const attributeSchema = v.object({
  DataType: v.string(),
  StringValue: v.optional(v.string()),
  BinaryValue: v.optional(v.string()),
});
const messageSchema = v.object({
  MessageId: v.string(),
  ReceiptHandle: v.string(),
  Body: v.string(),
  MD5OfBody: v.string(),
  Attributes: v.optional(v.record(v.string(), v.string()), {}),
  MessageAttributes: v.optional(v.record(v.string(), attributeSchema), {}),
});

export type QueueMessage = v.InferOutput<typeof messageSchema>;

/** The messages in an answer of ReceiveMessage. */
export function receivedMessages(answer: object): QueueMessage[] {
  return v.parse(v.object({ Messages: v.optional(v.array(messageSchema), []) }), answer).Messages;
}

/** The event that Lambda passes to the function for a batch of messages. */
export function sqsEvent(messages: readonly QueueMessage[], queueArn: string): object {
  const awsRegion = queueArn.split(':')[3];
  return {
    Records: messages.map((message) => ({
      messageId: message.MessageId,
      receiptHandle: message.ReceiptHandle,
      body: message.Body,
      attributes: message.Attributes,
      messageAttributes: Object.fromEntries(
        Object.entries(message.MessageAttributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
          name,
          {
            dataType: DataType,
            stringListValues: [],
            binaryListValues: [],
            ...(StringValue !== undefined && { stringValue: StringValue }),
            ...(BinaryValue !== undefined && { binaryValue: BinaryValue }),
          },
        ]),
      ),
      md5OfBody: message.MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: queueArn,
      awsRegion,
    })),
  };
}

const failuresSchema = v.object({
  batchItemFailures: v.nullish(v.array(v.object({ itemIdentifier: v.pipe(v.string(), v.minLength(1)) }))),
});

/**
 * The messages of a batch that failed according to the function's answer, read as Lambda reads it. No answer: all
 * succeeded. A malformed answer, or one that names a message outside the batch: all failed.
 */
export function failedMessages(messages: readonly QueueMessage[], answer: unknown): QueueMessage[] {
  if (answer === null || answer === undefined || answer === '') return [];
  const parsed = v.safeParse(failuresSchema, answer);
  if (!parsed.success) return [...messages];
  const failed = new Set(parsed.output.batchItemFailures?.map((failure) => failure.itemIdentifier));
  const known = messages.filter((message) => failed.has(message.MessageId));
  return known.length === failed.size ? known : [...messages];
}
