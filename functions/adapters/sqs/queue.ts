import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Random, Sleep } from '../../../domain/shared/environment.ts';
import { settleAll } from '../../../domain/shared/settle-all.ts';

/** SQS takes ten messages in one request. */
const BATCH_SIZE = 10;
const MAX_TRIES = 5;
const BATCHES_AT_A_TIME = 4;

/**
 * Sends messages, ten a request. With a delay they arrive only after it. A `Failed` entry of an answer is a failure: it
 * is sent again with jitter, and throws in the end. Messages that went through by then may be sent again later. That is
 * harmless, because a message only asks for a recomputation.
 */
export function sqsSender(
  client: SQSClient,
  queueUrl: string,
  deps: { readonly random: Random; readonly sleep: Sleep },
  { delaySeconds = 0 }: { readonly delaySeconds?: number } = {},
): (messages: readonly object[]) => Promise<void> {
  async function sendBatch(batch: readonly object[]): Promise<void> {
    let entries = batch.map((message, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify(message),
      ...(delaySeconds === 0 ? {} : { DelaySeconds: delaySeconds }),
    }));
    for (let attempt = 1; ; attempt += 1) {
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
      const failed = new Set(Failed.map(({ Id }) => Id));
      if (failed.size === 0) return;
      if (attempt === MAX_TRIES) {
        throw new Error(`${failed.size} messages could not be queued: ${Failed[0]?.Code ?? 'no code'}`);
      }
      entries = entries.filter(({ Id }) => failed.has(Id));
      await deps.sleep(deps.random() * 50 * 2 ** attempt);
    }
  }

  return async (messages) => {
    const batches = Array.from({ length: Math.ceil(messages.length / BATCH_SIZE) }, (_, batch) =>
      messages.slice(batch * BATCH_SIZE, (batch + 1) * BATCH_SIZE),
    );
    await settleAll(batches, BATCHES_AT_A_TIME, sendBatch);
  };
}
