import {
  type AttributeValue,
  type DynamoDBClient,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invocationOf } from '../builders/telemetry.ts';
import { operate } from '../support/operator.ts';
import { stack } from '../support/shared-stack.ts';
import { accountsNamed, operatorOn } from '../support/stack.ts';

/**
 * The consistency check on the running stack, with its own role, through the operator's command. There is no other
 * traffic, so a difference need not last.
 */
let dynamodb: DynamoDBClient;
const USERS = ['alder', 'birch', 'cedar'];

const call = async (method: string, path: string, key: string, body?: object) => {
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const response = await fetch(stack.baseUrl + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  expect(response.status).toBeLessThan(300);
  return await response.json();
};

beforeAll(async () => {
  stack.publish();
  await accountsNamed(stack, ...USERS);
  ({ dynamodb } = operatorOn(stack));
  for (const username of USERS) {
    const { key } = await call('POST', '/v1/keys', stack.adminKey, { kind: 'personal', username });
    const events = [0, 1, 34].map((daysAgo) => ({
      event: 'cli_invocation',
      distinct_id: `${username}-laptop`,
      insert_id: `event-${daysAgo}`,
      timestamp: new Date(Date.now() - daysAgo * 86_400_000).toISOString(),
      properties: invocationOf('model'),
    }));
    await call('POST', '/ingest', key, { events });
    await call('POST', '/api/v1/extensions/confirm', key, { name: `@${username}/net`, version: '2026.08.21.1' });
    const { key: service } = await call('POST', '/v1/keys', stack.adminKey, { kind: 'service', label: 'team' });
    await call('POST', '/v1/awards', service, { awardId: `talk-${username}`, username, points: 50, reason: 'Talk' });
  }
  await stack.drain();
});
afterAll(() => dynamodb.destroy());

async function invoke(event: object) {
  const url = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions['check-conservation']}/invocations`;
  return await (await fetch(url, { method: 'POST', body: JSON.stringify(event) })).json();
}
const laurel = (...args: readonly string[]) => operate(stack.dataDirectory, 'consistency', ...args);
const userKey = (username: string, sk: string): Record<string, AttributeValue> =>
  marshall({ pk: `USER#${username}`, sk });

/** Changes one item for the time of a check, and restores it. */
async function whileChanged(
  {
    table,
    key,
    change,
  }: { table: string; key: Record<string, AttributeValue>; change: Record<string, unknown> | null },
  check: () => Promise<void>,
) {
  const TableName = stack.tables[table]!;
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key: key, ConsistentRead: true }));
  if (change === null) await dynamodb.send(new DeleteItemCommand({ TableName, Key: key }));
  else await dynamodb.send(new PutItemCommand({ TableName, Item: { ...Item, ...marshall(change) } }));
  try {
    await check();
  } finally {
    await dynamodb.send(new PutItemCommand({ TableName, Item: Item! }));
    await stack.drain(); // a balance announces its change
  }
}

describe('the consistency check on the running stack', () => {
  it.each([[[]], [['--all']]])('finds no difference in an unchanged community: %j', async (args) => {
    const { code, said } = await laurel(...args);

    expect(said).toMatchObject({ checked: 3, different: 0, differences: [], unsettled: 0, complete: true, ok: true });
    expect(code).toBe(0);
  });

  it.each([
    ['a score', 'user_scores', 'SCORE', { canonicalScore: 7 }, 'canonicalScore'],
    ['a score that is gone', 'user_scores', 'SCORE', null, 'canonicalScore, of which nothing is stored'],
    ['metrics that are gone', 'user_scores', 'METRICS', null, 'events, of which nothing is folded'],
    ['metrics that cannot be read', 'user_scores', 'METRICS', { packed: new Uint8Array([1]) }, 'readable'],
    ['a balance', 'score_grants', 'BALANCE', { totalScore: 1_000 }, 'balance'],
  ])('finds %s, with the user and the figure', async (_what, table, sk, change, figure) => {
    await whileChanged({ table, key: userKey('birch', sk), change }, async () => {
      const report = await invoke({ standingSeconds: 0 });

      expect(report).toMatchObject({ checked: 3, different: 1, ok: false });
      expect(report.differences).toContainEqual(expect.objectContaining({ username: 'birch', what: figure }));
    });
    expect(await invoke({ usernames: ['birch'], standingSeconds: 0 })).toMatchObject({ checked: 1, ok: true });
  });

  it('finds METRICS with fewer events than were accepted', async () => {
    const early = await dynamodb.send(
      new GetItemCommand({
        TableName: stack.tables.user_scores!,
        Key: userKey('cedar', 'METRICS'),
        ConsistentRead: true,
      }),
    );
    const { key } = await call('POST', '/v1/keys', stack.adminKey, { kind: 'personal', username: 'cedar' });
    const event = {
      event: 'cli_invocation',
      distinct_id: 'cedar-laptop',
      insert_id: 'late',
      timestamp: new Date().toISOString(),
      properties: invocationOf('model'),
    };
    await call('POST', '/ingest', key, event);
    await stack.drain();
    const change = { packed: early.Item!.packed!.B };
    await whileChanged({ table: 'user_scores', key: userKey('cedar', 'METRICS'), change }, async () => {
      const { different, differences } = await invoke({ standingSeconds: 0 });

      expect(different).toBe(1);
      expect(differences[0]).toEqual({ username: 'cedar', what: 'events', expected: 4, found: 3 });
    });
  });

  it("is satisfied after the runbook's repair", async () => {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: stack.tables.user_scores!,
        Key: userKey('alder', 'SCORE'),
        UpdateExpression: 'SET canonicalScore = :wrong',
        ExpressionAttributeValues: marshall({ ':wrong': 7 }),
      }),
    );
    expect((await laurel('--standing', '0')).code).toBe(3);
    expect(await operate(stack.dataDirectory, 'backfill', '--usernames', 'alder')).toMatchObject({ code: 0 });
    await stack.drain();

    expect((await laurel('--standing', '0')).code).toBe(0);
  });

  it('forgets a user who differed when a run finds the user right, and no other', async () => {
    const notes = { TableName: stack.tables.backfill_runs!, Key: marshall({ pk: 'CHECK', sk: 'DIFFERENT' }) };
    const usernames = new Set(['alder', 'cedar']);
    await dynamodb.send(new PutItemCommand({ ...notes, Item: { ...notes.Key, ...marshall({ usernames }) } }));

    expect((await laurel('--usernames', 'alder,birch')).said).toMatchObject({ ok: true, remembered: 1 });
    expect((await laurel()).said).toMatchObject({ ok: true, remembered: 0 });
  });

  it('invoked with {} it takes the default sample, and a meaningless event is refused by name', async () => {
    expect(await invoke({})).toMatchObject({ sample: 'hour', checked: 3, ok: true });
    expect(await invoke({ sample: 'some' })).toMatchObject({
      errorType: 'InvalidEvent',
      errorMessage: expect.stringMatching(/^sample: /u),
    });
    expect(await laurel('--all', '--usernames', 'ada')).toMatchObject({ code: 2 });
  });
});
