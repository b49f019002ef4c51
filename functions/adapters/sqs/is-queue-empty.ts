import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;
const Counts = z.record(z.enum(COUNTS), z.string().check(z.regex(/^\d+$/)));

/** Whether a queue holds no message: none that waits, none that is being handled, none that is delayed. About right. */
export async function isQueueEmpty(client: SQSClient, queueUrl: string): Promise<boolean> {
  const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...COUNTS] });
  const { Attributes } = await client.send(command);
  return Object.values(Counts.parse(Attributes)).every((count) => Number(count) === 0);
}
