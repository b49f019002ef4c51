import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AwsCall } from '../../local/aws-client.ts';
import { invocationOf } from '../builders/telemetry.ts';
import { accountsNamed, promptly, operatorOn, startTestStack, type TestStack, until } from '../support/stack.ts';

/** The whole running stack as an operator and a community see it. */
let stack: TestStack;
let dynamodb: DynamoDBClient;
let sqs: AwsCall;
beforeAll(async () => {
  stack = await startTestStack({
    adapt: (model) => ({
      ...promptly(model),
      queues: model.queues.map((queue) =>
        queue.role === 'score-refresh'
          ? { ...queue, attributes: { ...queue.attributes, VisibilityTimeout: '1' } } // five receives in five seconds
          : queue,
      ),
    }),
  });
  ({ dynamodb, sqs } = operatorOn(stack));
});
afterAll(async () => {
  dynamodb.destroy();
  await stack.stop();
});

const json = { 'content-type': 'application/json' };
async function call(method: string, path: string, { key, body }: { key?: string; body?: object } = {}) {
  const headers = { ...json, ...(key === undefined ? {} : { 'x-api-key': key }) };
  const response = await fetch(stack.baseUrl + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}
async function keyOf(username: string): Promise<string> {
  await accountsNamed(stack, username);
  const body = { kind: 'personal', username };
  return (await call('POST', '/v1/keys', { key: stack.adminKey, body })).body.key;
}
async function send(
  device: string,
  ids: readonly string[],
  { key, daysAgo = 0 }: { key?: string; daysAgo?: number } = {},
) {
  const timestamp = new Date(Date.now() - daysAgo * 86_400_000).toISOString();
  const events = ids.map((id) => ({
    event: 'cli_invocation',
    distinct_id: device,
    insert_id: id,
    timestamp,
    properties: invocationOf('model'),
  }));
  const { status } = await call('POST', '/ingest', { ...(key === undefined ? {} : { key }), body: { events } });
  expect(status).toBe(202);
}
const eventsOf = async (username: string) => (await call('GET', `/v1/stats?username=${username}`)).body.totalEvents;
const scoreOf = async (username: string) => (await call('GET', `/v1/scores/${username}`)).body.canonicalScore;
async function backfill(event: object) {
  const url = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions.backfill}/invocations`;
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
  return { failure: response.headers.get('x-amz-function-error'), answer: await response.json() };
}
const scores = () => stack.tables.user_scores!;
const keyFor = (username: string, sk: string) => marshall({ pk: `USER#${username}`, sk });

describe('the sibling gap', () => {
  it('an anonymous event on a bound device refreshes its owner', async () => {
    const key = await keyOf('gap-owner');
    await send('gap-device', ['one'], { key });
    await stack.drain();
    const before = await scoreOf('gap-owner');

    await send('gap-device', ['two', 'three']);
    await stack.drain();

    expect(await eventsOf('gap-owner')).toBe(3);
    expect(await scoreOf('gap-owner')).toBeGreaterThan(before);
  });

  it('binding refreshes the new owner with the history before it', async () => {
    await send('history-device', ['early', 'earlier'], { daysAgo: 20 });
    await send('history-device', ['yesterday'], { daysAgo: 1 });
    await stack.drain();
    expect((await call('GET', '/v1/scores/history-owner')).status).toBe(404);

    await send('history-device', ['signed-in'], { key: await keyOf('history-owner') });
    await stack.drain();

    expect(await eventsOf('history-owner')).toBe(4);
    const { body } = await call('GET', '/v1/stats?username=history-owner');
    expect(body.activeDates).toHaveLength(3);
    expect(body).toMatchObject({ precision: 'hour', lastEventAt: expect.stringMatching(/T\d\d:00:00\.000Z$/u) });
    expect(Date.now() - Date.parse(body.lastEventAt)).toBeLessThan(2 * 3_600_000);
  });
});

describe('an inactive user whose stored score is behind the corrected projection', () => {
  it('is right after the backfill, without an event', async () => {
    await send('dormant-device', ['one', 'two', 'three'], { key: await keyOf('dormant'), daysAgo: 20 });
    await stack.drain();
    const right = await scoreOf('dormant');
    const command = new UpdateItemCommand({
      TableName: scores(),
      Key: keyFor('dormant', 'SCORE'),
      UpdateExpression: 'SET canonicalScore = :low, activityScore = :low',
      ExpressionAttributeValues: marshall({ ':low': 7 }),
    });
    await dynamodb.send(command);
    await stack.drain();
    expect(await scoreOf('dormant')).toBe(7); // nothing announces a projection

    const { answer } = await backfill({ mode: 'all' });
    await stack.drain();

    expect(answer).toMatchObject({ status: 'done', failed: 0 });
    expect(answer.enqueued).toBe(answer.recomputed);
    expect(await scoreOf('dormant')).toBe(right);
    expect(await eventsOf('dormant')).toBe(3);
  });

  it('does not change in a dry run, and a meaningless event is refused by name', async () => {
    expect((await backfill({ dryRun: true })).answer).toMatchObject({ status: 'done', enqueued: 0 });
    expect(await backfill({ mode: 'some' })).toMatchObject({
      failure: 'Unhandled',
      answer: { errorType: 'InvalidEvent', errorMessage: expect.stringMatching(/^mode: /u) },
    });
    expect(await backfill({ runId: 'none' })).toMatchObject({ answer: { errorType: 'UnknownRun' } });
  });
});

describe('the backfill queue', () => {
  it('accepts what a schedule sends, once under one id, and fails an invalid event', async () => {
    const QueueUrl = stack.queues.backfill!;
    const sent: any = await sqs('AmazonSQS.SendMessage', { QueueUrl, MessageBody: '{"mode":"stale"}' });
    await stack.drain();

    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: stack.tables.backfill_runs! }));
    // The stack's own schedule may have sent another one meanwhile.
    const stale = Items.map((item) => unmarshall(item)).filter(
      ({ pk, sk }) => pk === 'RUNS' && sk.endsWith(sent.MessageId),
    );
    expect(stale).toEqual([expect.objectContaining({ mode: 'stale', status: 'done', expiresAt: expect.any(Number) })]);
  });
});

describe('a poison message among valid ones', () => {
  it('does not block them, waits in the dead-letter queue after five receives, and is done after the repair', async () => {
    const users = ['poison-a', 'poison-b', 'poison-c'];
    for (const username of users) await send(`${username}-device`, ['one'], { key: await keyOf(username) });
    await stack.drain();
    const { Item } = await dynamodb.send(
      new GetItemCommand({ TableName: scores(), Key: keyFor('poison-b', 'METRICS'), ConsistentRead: true }),
    );
    const broken = { ...Item, packed: { B: new Uint8Array([1]) } };
    await dynamodb.send(new PutItemCommand({ TableName: scores(), Item: broken }));

    for (const username of users) await send(`${username}-device`, ['two']);
    const dlq = stack.queues['score-refresh-dlq']!;
    const received: any[] = [];
    const redrive = (MessageBody: string) =>
      sqs('AmazonSQS.SendMessage', { QueueUrl: stack.queues['score-refresh'], MessageBody });
    await until(async () => {
      const answer: any = await sqs('AmazonSQS.ReceiveMessage', {
        QueueUrl: dlq,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['All'],
      });
      // A message becomes visible again after a second here, so a slow machine makes dead letters of others: those go back.
      for (const message of answer.Messages ?? []) {
        if (JSON.parse(message.Body).username === 'poison-b') received.push(message);
        else await redrive(message.Body);
      }
      return received.length > 0 && (await eventsOf('poison-a')) === 2 && (await eventsOf('poison-c')) === 2;
    });

    expect(Number(received[0].Attributes.ApproximateReceiveCount)).toBeGreaterThan(5); // five there, and ours
    await dynamodb.send(new PutItemCommand({ TableName: scores(), Item: Item! }));
    for (const { Body } of received) await redrive(Body);
    await until(async () => (await eventsOf('poison-b')) === 2);
  });
});

describe('unbinding', () => {
  it('after a bind leaves an unknown account unknown again, and a known one as it was', async () => {
    await send('lent-device', ['one', 'two'], { daysAgo: 3 });
    const known = await keyOf('lent-known');
    await send('own-device', ['mine'], { key: known });
    await stack.drain();
    const [stats, score] = [
      (await call('GET', '/v1/stats?username=lent-known')).body,
      (await call('GET', '/v1/scores/lent-known')).body,
    ];

    // A bind without an event, as somebody makes it in the console.
    const bind = async (username: string) => {
      await accountsNamed(stack, username);
      const owner = { ':owner': username };
      await dynamodb.send(
        new UpdateItemCommand({
          TableName: stack.tables.telemetry!,
          Key: marshall({ pk: 'DEVICE#lent-device', sk: 'DEVICE' }),
          UpdateExpression: 'SET #owner = :owner',
          ExpressionAttributeNames: { '#owner': 'owner' },
          ExpressionAttributeValues: marshall(owner),
        }),
      );
      const link = { pk: `USER#${username}`, sk: 'DEVICE#lent-device', owned: true };
      await dynamodb.send(new PutItemCommand({ TableName: stack.tables.telemetry!, Item: marshall(link) }));
      await stack.drain();
    };
    const unbind = async () => {
      expect((await call('POST', '/v1/devices/lent-device/unbind', { key: stack.adminKey })).status).toBe(200);
      await stack.drain();
    };

    await bind('lent-known');
    expect(await eventsOf('lent-known')).toBe(3);
    await unbind();
    expect((await call('GET', '/v1/stats?username=lent-known')).body).toEqual({
      ...stats,
      foldedAt: expect.any(String),
    });
    expect((await call('GET', '/v1/scores/lent-known')).body).toEqual({ ...score, refreshedAt: expect.any(String) });

    await bind('lent-unknown');
    expect(await eventsOf('lent-unknown')).toBe(2);
    await unbind();
    for (const path of [
      '/v1/stats?username=lent-unknown',
      '/v1/scores/lent-unknown',
      '/v1/scores/lent-unknown/history',
    ]) {
      expect(await call('GET', path)).toMatchObject({ status: 404, body: { code: 'unknown_username' } });
    }
  });
});
