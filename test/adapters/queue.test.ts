import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sqsSender } from '../../functions/adapters/sqs/queue.ts';
import { startQueueEngine, type QueueEngine } from '../../local/engines/queue-engine.ts';
import { ODD_TEXTS } from './odd-texts.ts';

const region = 'us-east-1';

describe('the sender to a queue', () => {
  let engine: QueueEngine;
  let client: SQSClient;
  let queueUrl: string;
  let queues = 0;
  let pauses: number[];
  const sender = (url = queueUrl) =>
    sqsSender(client, url, { random: () => 0.5, sleep: async (ms) => void pauses.push(ms) });
  beforeAll(async () => {
    engine = await startQueueEngine({ region });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    client = new SQSClient({ endpoint: engine.endpoint, region, credentials });
  });
  beforeEach(async () => {
    pauses = [];
    const created = await client.send(new CreateQueueCommand({ QueueName: `queue-${(queues += 1)}` }));
    queueUrl = created.QueueUrl!;
  });
  afterAll(async () => {
    client.destroy();
    await engine.stop();
  });

  const waiting = async () => {
    const AttributeNames = ['ApproximateNumberOfMessages' as const];
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames }));
    return Number(Attributes!.ApproximateNumberOfMessages);
  };
  /** All waiting messages. A queue returns them in no particular order. */
  const received = async () => {
    const bodies: string[] = [];
    for (let left = await waiting(); left > 0; left = await waiting()) {
      const receive = new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 600,
      });
      bodies.push(...((await client.send(receive)).Messages ?? []).map(({ Body }) => Body!));
    }
    return bodies.map((body): unknown => JSON.parse(body));
  };
  const byNumber = (messages: readonly unknown[]) => (messages as { n: number }[]).toSorted((a, b) => a.n - b.n);

  it.each([0, 1, 10, 11, 25])('sends each of %d messages once', async (count) => {
    const messages = Array.from({ length: count }, (_, n) => ({ n }));

    await sender()(messages);

    expect(byNumber(await received())).toEqual(messages);
    expect(pauses).toEqual([]);
  });

  it('sends texts unchanged', async () => {
    // fauxqs refuses characters above U+FFFF; SQS accepts them
    const texts = ODD_TEXTS.filter((text) => !text.includes('🦊'));
    const messages = [...texts, '<&>"\'', '\t\r\n', '\u0000'].map((text, n) => ({ n, text }));

    await sender()(messages);

    expect(byNumber(await received())).toEqual(messages);
  });

  it('sends equal messages as often as they are given', async () => {
    await sender()([{ n: 1 }, { n: 1 }]);

    expect(await received()).toEqual([{ n: 1 }, { n: 1 }]);
  });

  it('throws if the queue does not exist', async () => {
    await expect(sender(`${queueUrl}-none`)([{ n: 1 }])).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  });

  it('throws if a request is refused, after those that were sent at the same time', async () => {
    const messages = Array.from({ length: 30 }, (_, n) => ({ n, text: n === 15 ? 'x'.repeat(1_100_000) : '' }));

    await expect(sender()(messages)).rejects.toThrow();

    expect(byNumber(await received())).toEqual([...messages.slice(0, 10), ...messages.slice(20)]);
  });
});
