import type { AwsCall } from '../aws-client.ts';
import { AwsCallError } from '../aws-client.ts';
import type { QueueModel } from '../template/stack-model.ts';

/** Creates missing queues and sets the template's attributes on existing ones, as a deployment does. */
export async function ensureQueues(call: AwsCall, queues: readonly QueueModel[]): Promise<void> {
  const deadLettersFirst = queues.toSorted((a, b) => Number(isRedriven(a)) - Number(isRedriven(b)));
  for (const { name, url, attributes } of deadLettersFirst) {
    if (await exists(call, name)) {
      if (Object.keys(attributes).length === 0) continue;
      await call('AmazonSQS.SetQueueAttributes', { QueueUrl: url, Attributes: attributes });
    } else {
      await call('AmazonSQS.CreateQueue', { QueueName: name, Attributes: attributes });
    }
  }
}

const isRedriven = ({ attributes }: QueueModel) => attributes.RedrivePolicy !== undefined;

async function exists(call: AwsCall, QueueName: string): Promise<boolean> {
  try {
    await call('AmazonSQS.GetQueueUrl', { QueueName });
    return true;
  } catch (error) {
    const isMissing =
      error instanceof AwsCallError &&
      ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'].includes(error.name);
    if (isMissing) return false;
    throw error;
  }
}
