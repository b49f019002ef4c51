import * as z from 'zod';
import type { AwsCall } from '../aws-client.ts';
import type { Health } from '../health.ts';
import type { FunctionPool } from '../lambda/function-pool.ts';
import type { QueueMappingModel } from '../template/stack-model.ts';
import { type EventSource, pause } from './event-source.ts';
import { failedItems } from './item-failures.ts';

const LONG_POLL_SECONDS = 20;
const MAX_RECEIVED = 10; // the maximum of SQS
const AFTER_ERROR_MS = 1_000;

const Received = z.object({
  Messages: z
    .array(
      z.object({
        MessageId: z.string(),
        ReceiptHandle: z.string(),
        Body: z.string(),
        MD5OfBody: z.string(),
        Attributes: z.record(z.string(), z.string()).default({}),
        MessageAttributes: z
          .record(z.string(), z.object({ DataType: z.string(), StringValue: z.string().optional() }))
          .default({}),
      }),
    )
    .default([]),
});
type Message = z.infer<typeof Received>['Messages'][number];

/** How often a message is received before it moves to the dead-letter queue. */
const RedrivePolicy = z.object({ maxReceiveCount: z.number().default(Infinity) });
const idsOf = (messages: readonly Message[]) => messages.map(({ MessageId }) => MessageId);

const Deleted = z.object({ Failed: z.array(z.unknown()).default([]) });

/**
 * Feeds a function from a queue. It gathers a batch until the batch is full or its window is over, deletes the messages
 * that succeeded, and leaves the others to the visibility timeout. It receives only while another batch may start,
 * because a message that waits here uses up its visibility timeout.
 */
export function startQueueSource(options: {
  readonly mapping: QueueMappingModel;
  readonly pool: FunctionPool;
  /** Calls with the function's role, as Lambda's pollers do. */
  readonly call: AwsCall;
  readonly region: string;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
  readonly health: Health;
}): EventSource {
  const { mapping, pool, call, clock } = options;
  const QueueUrl = mapping.queue.url;
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  const running = new Set<Promise<void>>();
  const { maxReceiveCount: mostReceives } = RedrivePolicy.parse(
    JSON.parse(mapping.queue.attributes.RedrivePolicy ?? '{}'),
  );
  let isGathering = false;
  let flushes = 0;

  const receive = async (limit: number, waitSeconds: number, signal?: AbortSignal): Promise<readonly Message[]> => {
    const answer = await call(
      'AmazonSQS.ReceiveMessage',
      {
        QueueUrl,
        MaxNumberOfMessages: Math.min(MAX_RECEIVED, limit),
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      },
      signal,
    );
    return Received.parse(answer).Messages;
  };

  const gather = async (): Promise<readonly Message[]> => {
    const batch = [...(await receive(mapping.batchSize, LONG_POLL_SECONDS, stopping.signal))];
    isGathering = batch.length > 0;
    const until = clock() + mapping.windowMs;
    const flushesBefore = flushes;
    while (batch.length > 0 && batch.length < mapping.batchSize && !isStopping()) {
      const leftMs = until - clock();
      if (leftMs <= 0) break;
      const more = await receive(mapping.batchSize - batch.length, 0); // a long poll would outlast the window
      batch.push(...more);
      if (more.length > 0) continue;
      if (flushes !== flushesBefore) break; // what has come is enough: nobody waits for more
      await pause(Math.min(leftMs, 100), stopping.signal);
    }
    return batch;
  };

  const handle = async (messages: readonly Message[]): Promise<void> => {
    const result = await pool.invoke(JSON.stringify({ Records: messages.map((message) => toRecord(message)) }));
    const failed = failedItems(result, idsOf(messages), mapping.reportsItemFailures);
    const done = messages.filter(({ MessageId }) => !failed.has(MessageId));
    if (!isStopping()) {
      const isLast = ({ Attributes }: Message) => Number(Attributes.ApproximateReceiveCount) >= mostReceives;
      const undone = messages.filter(({ MessageId }) => failed.has(MessageId));
      options.health.note(pool.model.role, `messages of ${mapping.queue.role}`, {
        failed: idsOf(undone.filter((message) => !isLast(message))),
        done: idsOf(done),
        givenUp: idsOf(undone.filter(isLast)),
      });
    }
    for (let start = 0; start < done.length; start += MAX_RECEIVED) {
      const chunk = done.slice(start, start + MAX_RECEIVED);
      const Entries = chunk.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      const answer = Deleted.parse(await call('AmazonSQS.DeleteMessageBatch', { QueueUrl, Entries }));
      if (answer.Failed.length > 0) options.report(new Error(`${answer.Failed.length} messages were not deleted`));
    }
  };

  const toRecord = (message: Message) => ({
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes,
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes).map(([name, { DataType, StringValue }]) => [
        name,
        { dataType: DataType, stringValue: StringValue, stringListValues: [], binaryListValues: [] },
      ]),
    ),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: mapping.sourceArn,
    awsRegion: options.region,
  });

  const poll = async (): Promise<void> => {
    while (!isStopping()) {
      try {
        if (running.size >= mapping.maxConcurrency) await Promise.race(running);
        const batch = await gather();
        if (batch.length > 0) {
          const run: Promise<void> = handle(batch)
            .catch(options.report)
            .finally(() => running.delete(run));
          running.add(run);
        }
      } catch (error) {
        if (isStopping()) break;
        options.report(error);
        await pause(AFTER_ERROR_MS, stopping.signal);
      } finally {
        isGathering = false;
      }
    }
    await Promise.all(running);
  };
  const polling = poll();

  return {
    name: `${mapping.queue.role} → ${pool.model.role}`,
    isIdle: () => !isGathering && running.size === 0,
    flush: () => {
      flushes += 1;
    },
    async stop() {
      stopping.abort();
      await polling;
    },
  };
}
