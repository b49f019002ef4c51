import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { canonicalJson } from '../../domain/telemetry/canonical-json.ts';
import type { AwsCall } from '../../local/aws-client.ts';
import { parseJson } from '../../local/json.ts';
import type { ObservedCall } from '../../local/proxy/aws-proxy.ts';
import { invocationOf } from '../builders/telemetry.ts';
import { operatorOn, startTestStack, type TestStack } from '../support/stack.ts';

/** I5 on the running stack: every message that was ever queued is queued again, and no fact, grant or score changes. */
let stack: TestStack;
let dynamodb: DynamoDBClient;
let sqs: AwsCall;
const queued: { readonly queueUrl: string; readonly body: string }[] = [];

const SentBatch = z.object({ QueueUrl: z.string(), Entries: z.array(z.object({ MessageBody: z.string() })) });
const Sent = z.object({ QueueUrl: z.string(), MessageBody: z.string() });
function remember({ operation, body }: ObservedCall): void {
  const call = parseJson(body);
  if (operation === 'AmazonSQS.SendMessageBatch') {
    const { QueueUrl: queueUrl, Entries } = SentBatch.parse(call);
    queued.push(...Entries.map((entry) => ({ queueUrl, body: entry.MessageBody })));
  } else if (operation === 'AmazonSQS.SendMessage') {
    const { QueueUrl: queueUrl, MessageBody } = Sent.parse(call);
    queued.push({ queueUrl, body: MessageBody });
  }
}

beforeAll(async () => {
  // gathers batches as deployed: fewer messages to replay
  stack = await startTestStack({ adapt: (model) => model, observe: remember });
  ({ dynamodb, sqs } = operatorOn(stack));
});
afterAll(async () => {
  dynamodb.destroy();
  await stack.stop();
});

async function call(method: string, path: string, key: string, body: object = {}): Promise<any> {
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const response = await fetch(stack.baseUrl + path, { method, headers, body: JSON.stringify(body) });
  const answer = await response.json();
  expect({ path, answer, isDone: response.ok }).toMatchObject({ isDone: true });
  return answer;
}
const keyOf = async (key: object): Promise<string> => (await call('POST', '/v1/keys', stack.adminKey, key)).key;

const DAY_MS = 86_400_000;
const eventOf = (device: string, id: string, daysAgo = 0) => ({
  event: 'cli_invocation',
  distinct_id: device,
  insert_id: id,
  timestamp: new Date(Date.now() - daysAgo * DAY_MS).toISOString(),
  properties: invocationOf('model'),
});

/** A bit of everything: usage, reports, publishes, pulls, awards, reversals, unbinds, and a backfill. */
async function liveThroughIt(): Promise<void> {
  const [ada, bob] = [
    await keyOf({ kind: 'personal', username: 'ada' }),
    await keyOf({ kind: 'personal', username: 'bob' }),
  ];
  const server = await keyOf({ kind: 'service', label: 'server' });
  const acme = await keyOf({ kind: 'collective', slug: 'acme', members: ['ada', 'bob'] });
  const ingest = (key: string, ...events: object[]) => call('POST', '/ingest', key, { events });

  await ingest(ada, eventOf('laptop', 'one'), eventOf('laptop', 'two', 2), eventOf('desktop', 'two', 2));
  await ingest(bob, eventOf('laptop', 'three'), eventOf('lent', 'four', 30));
  await ingest(
    server,
    { event: 'issue_created', distinct_id: 'tracker', properties: { issue_id: 'LAB-1', username: 'ada' } },
    { event: 'daily_sign_in', distinct_id: 'web', properties: { username: 'bob' } },
    { event: 'feed_post_created', distinct_id: 'blog', properties: { post_id: 'p-1', username: 'ada' } },
  );
  await call('POST', '/v1/awards', server, { awardId: 'a-1', username: 'ada', points: 1_200, reason: 'a talk' });
  await call('POST', '/v1/awards', server, { awardId: 'a-2', username: 'bob', points: 50, reason: 'a mistake' });
  await call('POST', '/v1/grants/award:a-2/reverse', server, { reason: 'a mistake' });
  const version = { name: '@acme/net', version: '2026.08.21.1' };
  await call('POST', '/api/v1/extensions/confirm', acme, version);
  await call('POST', '/api/v1/extensions/confirm', acme, { ...version, version: '2026.08.21.2' });
  await call('POST', '/api/v1/extensions/%40acme%2Fnet@2026.08.21.2/yank', acme, { reason: 'broken' });
  await ingest(server, {
    event: 'extension_pulled',
    distinct_id: 'cdn',
    properties: { extension_name: version.name, version: version.version, username: 'eve' },
  });
  await stack.drain();
  await call('POST', '/v1/devices/lent/unbind', stack.adminKey);
  await sqs('AmazonSQS.SendMessage', { QueueUrl: stack.queues.backfill, MessageBody: '{"mode":"all"}' });
  await stack.drain();
}

const VOLATILE: ReadonlySet<string> = new Set(['rev', 'scoreRev', 'metricsRev', 'foldedAt', 'starts', 'refreshedAt']);

/** All stored facts, grants and scores, without the times and counts of saves. */
async function allThatCounts(): Promise<readonly string[]> {
  const items: string[] = [];
  for (const role of ['telemetry', 'registry', 'score_grants', 'user_scores']) {
    for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName: stack.tables[role] })) {
      for (const item of Items) {
        const stored = unmarshall(item);
        const isVolatile = (name: string) => role === 'user_scores' && VOLATILE.has(name);
        const lasting = Object.entries(stored).map(([name, value]) => [
          name,
          value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
        ]);
        items.push(`${role} ${canonicalJson(Object.fromEntries(lasting.filter(([name]) => !isVolatile(name))))}`);
      }
    }
  }
  return items.sort();
}

it('every message of a long history, delivered twice again, out of order and from the dead letters, changes nothing', async () => {
  await liveThroughIt();
  const before = await allThatCounts();
  const messages = queued.splice(0);
  // refreshes, and a backfill's own messages
  expect(new Set(messages.map(({ queueUrl }) => queueUrl)).size).toBeGreaterThan(1);

  for (const { queueUrl, body } of [...messages.toReversed(), ...messages]) {
    await sqs('AmazonSQS.SendMessage', { QueueUrl: queueUrl, MessageBody: body });
  }
  await stack.drain();
  expect(await allThatCounts()).toEqual(before);

  for (const { queueUrl, body } of messages) {
    await sqs('AmazonSQS.SendMessage', { QueueUrl: `${queueUrl}-dlq`, MessageBody: body });
  }
  for (const queueUrl of new Set(messages.map((message) => message.queueUrl))) {
    for (let isEmpty = false; !isEmpty;) {
      const received: any = await sqs('AmazonSQS.ReceiveMessage', {
        QueueUrl: `${queueUrl}-dlq`,
        MaxNumberOfMessages: 10,
      });
      isEmpty = (received.Messages ?? []).length === 0;
      for (const { Body, ReceiptHandle } of received.Messages ?? []) {
        await sqs('AmazonSQS.SendMessage', { QueueUrl: queueUrl, MessageBody: Body });
        await sqs('AmazonSQS.DeleteMessage', { QueueUrl: `${queueUrl}-dlq`, ReceiptHandle });
      }
    }
  }
  await stack.drain();
  expect(await allThatCounts()).toEqual(before);
});
