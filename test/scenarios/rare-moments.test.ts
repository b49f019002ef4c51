import {
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoBackfillRuns } from '../../functions/adapters/dynamodb/backfill/backfill-runs.ts';
import type { AwsCall } from '../../local/aws-client.ts';
import { aUsername } from '../builders/identity.ts';
import { invocationOf } from '../builders/telemetry.ts';
import { accountsNamed, operatorOn, startTestStack, until, type TestStack } from '../support/stack.ts';

/** Rare acts of a running stack, which use permissions that nothing else uses. The tests run in this order. */
let stack: TestStack;
let dynamodb: DynamoDBClient;
let sqs: AwsCall;
let ada: string;
let putOffs = 0;
let hoursPutOff: string[] = [];
beforeAll(async () => {
  stack = await startTestStack({
    observe({ caller, operation, body }) {
      if (caller === 'refresh-score' && operation.includes('SendMessage')) putOffs += 1;
      if (caller === 'roll-up-metrics' && operation.includes('SendMessage')) hoursPutOff.push(body);
    },
  });
  await accountsNamed(stack, 'ada', 'grace');
  ({ dynamodb, sqs } = operatorOn(stack));
  ada = await keyFor({ kind: 'personal', username: 'ada' });
});
afterAll(async () => {
  dynamodb.destroy();
  await stack.stop();
});

async function call(method: string, path: string, key: string | undefined, body?: object) {
  const response = await fetch(stack.baseUrl + path, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
const keyFor = async (request: object) => (await call('POST', '/v1/keys', stack.adminKey, request)).body.key;
async function invoke(role: string, event: object): Promise<any> {
  const url = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions[role]}/invocations`;
  return (await fetch(url, { method: 'POST', body: JSON.stringify(event) })).json();
}
const lastUseOf = async (id: string) =>
  (await call('GET', '/v1/keys?limit=1000', stack.adminKey)).body.keys.find((key: any) => key.id === id)?.lastUsedAt;
const pastIssue = {
  ...{ event: 'issue_created', distinct_id: 'server', timestamp: '2026-01-01T00:00:00Z' },
  properties: { issue_id: 'past', username: 'ada' },
};
const today = () => new Date().toISOString().slice(0, 10);
const use = (ids: readonly string[]) =>
  call('POST', '/ingest', ada, {
    events: ids.map((id) => ({
      event: 'cli_invocation',
      distinct_id: 'laptop',
      insert_id: id,
      timestamp: new Date().toISOString(),
      properties: invocationOf('model'),
    })),
  });

it('a large request of every kind is read and written together, and all of it counts', async () => {
  const service = await keyFor({ kind: 'service' });
  for (const version of ['2026.08.21.1', '2026.08.21.2']) {
    await call('POST', '/api/v1/extensions/confirm', ada, { name: 'together', version });
  }
  const of = (event: string, properties: object) => ({ event, distinct_id: 'server', properties });
  const events = [
    ...['1', '2'].map((n) => ({
      ...of('cli_invocation', {}),
      distinct_id: `d${n}`,
      timestamp: new Date().toISOString(),
    })),
    ...['1', '2'].map((n) =>
      of('award', { award_id: `together-${n}`, username: `together-${n}`, points: 7, reason: 'r' }),
    ),
    ...['1', '2'].map((n) => of('extension_pulled', { extension_name: 'together', version: `2026.08.21.${n}` })),
    ...['1', '2'].map((n) =>
      of('extension_published', { extension_name: 'together', version: `2026.08.21.${n}`, username: 'ada' }),
    ),
    ...Array.from({ length: 60 }, (_, n) => of('issue_created', { issue_id: `i${n}`, username: 'together-1' })),
  ];

  const { status, body } = await call('POST', '/ingest', service, { events });
  await stack.drain();

  expect([status, body.accepted]).toEqual([202, events.length]);
  const sources = async (username: string) =>
    (await call('GET', `/v1/scores/${username}`, undefined)).body.scoreSources;
  expect(await sources('together-1')).toMatchObject({
    'award:together-1': { points: 7 },
    'community:lab-issues': { points: 1_000 },
  });
  expect((await sources('ada'))['content:extension-pulls']).toMatchObject({ points: 10 });
});

describe('a key whose first use is', () => {
  it.each([
    ['the choice of who may see its user', 'personal', 'PUT', '/v1/users/ada/visibility', { leaderboards: 'shown' }],
    ['taking a device from its owner', 'admin', 'POST', '/v1/devices/laptop/unbind', undefined],
    ['giving a device to a new account', 'admin', 'POST', '/v1/devices/laptop/unbind', { to: 'heir' }],
    ['an import', 'admin', 'POST', '/v1/import', { events: [pastIssue] }],
    ['the link of a login', 'admin', 'PUT', '/v1/users/ada/logins/github', { id: 7, login: 'ada-l' }],
    ['a rename', 'admin', 'POST', '/v1/users/heir/rename', { to: 'heiress' }],
    ['an export', 'personal', 'GET', '/v1/users/ada/export', undefined],
  ])('%s has its use noted', async (_what, kind, method, path, body) => {
    await use(['first']);
    await stack.drain();
    const made = await call('POST', '/v1/keys', stack.adminKey, {
      kind,
      ...(kind === 'personal' ? { username: 'ada' } : {}),
    });
    expect(await lastUseOf(made.body.id)).toBeUndefined();

    expect((await call(method, path, made.body.key, body)).status).toBeLessThan(300);

    expect(await lastUseOf(made.body.id)).toEqual(expect.any(String));
  });
});

it('an import of several devices and pulls reads them together, and an export has them all', async () => {
  const at = '2026-01-05T10:00:00Z';
  const pull = (version: string) => ({
    ...{ event: 'extension_pulled', distinct_id: 'mirror', timestamp: at },
    properties: { extension_name: 'together', version },
  });
  const events = [
    // More hours of a device than an export reads at once.
    ...Array.from({ length: 102 }, (_, hour) => ({
      ...{ event: 'cli_invocation', distinct_id: hour === 0 ? 'm2' : 'm1', insert_id: `${hour}` },
      timestamp: new Date(Date.parse(at) + hour * 3_600_000).toISOString(),
      properties: { username: 'ada', ...invocationOf('model') },
    })),
    ...['2026.08.21.1', '2026.08.21.2'].map(pull),
  ];

  const { status, body } = await call('POST', '/v1/import', stack.adminKey, { events });
  const exported = await call('GET', '/v1/users/ada/export', ada);

  expect([status, body.accepted]).toEqual([202, events.length]);
  expect(exported.status).toBe(200);
  expect(JSON.stringify(exported.body.items)).toContain('m1');
});

describe('a refresh that finds another one of its user under way', () => {
  it('is put off, and done a few seconds later', async () => {
    const grace = await keyFor({ kind: 'personal', username: 'grace' });
    const turn = { pk: 'USER#grace', sk: 'REFRESH', by: 'another', until: Date.now() + 20_000 };
    await dynamodb.send(new PutItemCommand({ TableName: stack.tables.user_scores!, Item: marshall(turn) }));
    const event = {
      event: 'cli_invocation',
      distinct_id: 'tablet',
      insert_id: '1',
      timestamp: new Date().toISOString(),
    };
    await call('POST', '/ingest', grace, event);
    await until(() => putOffs > 0);
    expect((await call('GET', '/v1/scores/grace', undefined)).status).toBe(404);

    await dynamodb.send(
      new PutItemCommand({ TableName: stack.tables.user_scores!, Item: marshall({ ...turn, until: 0 }) }),
    );
    await until(async () => (await call('GET', '/v1/scores/grace', undefined)).status === 200);
  });
});

describe('who leaves a collective', () => {
  it('is no member any more, whether its members are set or named by a new key', async () => {
    const memberships = async (username: string) => {
      const key = await keyFor({ kind: 'personal', username });
      return (await call('GET', '/api/whoami', key)).body.organizations.map(({ slug }: any) => slug);
    };
    const set = (members: readonly string[]) => call('PUT', '/v1/collectives/guild', stack.adminKey, { members });
    expect((await set(['ada', 'bob', 'cy'])).status).toBe(200);

    await set(['ada', 'bob']);
    expect(await memberships('cy')).toEqual(['cy']);
    await keyFor({ kind: 'collective', slug: 'guild', members: ['ada'] });
    expect(await memberships('bob')).toEqual(['bob']);
  });
});

describe('a day whose facts a hand took out', () => {
  const version = { name: '@ada/net', version: `${today().replaceAll('-', '.')}.1` };
  const seriesOfToday = async () => {
    const range = `since=${Date.parse(today())}&to=${Date.parse(today()) + 86_400_000}`;
    const { status, body } = await call('GET', `/community-metrics/series?${range}`, undefined);
    expect(status).toBe(200);
    return body;
  };
  const rollUp = {
    'roll-up-metrics': () => invoke('roll-up-metrics', {}),
    backfill: () => invoke('backfill', { mode: 'metrics', from: today(), to: today() }),
  };

  it('is rolled up from what there is, and then from what is left, by a rollup and by a backfill alike', async () => {
    expect((await call('POST', '/api/v1/extensions/confirm', ada, version)).status).toBe(201);
    const service = await keyFor({ kind: 'service' });
    for (const [round, by] of [rollUp.backfill, rollUp['roll-up-metrics'], rollUp.backfill].entries()) {
      await use([`round-${round}-1`, `round-${round}-2`]);
      const properties = { extension_name: version.name, version: version.version, username: `puller-${round}` };
      await call('POST', '/ingest', service, { event: 'extension_pulled', distinct_id: 'cdn', properties });
      expect(await by()).toMatchObject({ status: 'done' });
      const full = await seriesOfToday();

      const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: stack.tables.telemetry! }));
      const chunks = Items.map((item) => unmarshall(item)).filter(({ sk }) => String(sk).startsWith('HOUR#'));
      expect(chunks.length).toBeGreaterThan(0);
      for (const { pk, sk } of chunks) {
        await dynamodb.send(new DeleteItemCommand({ TableName: stack.tables.telemetry!, Key: marshall({ pk, sk }) }));
      }
      expect(await by()).toMatchObject({ status: 'done' });

      expect(await seriesOfToday()).not.toEqual(full);
    }
    await stack.drain();
  });

  it('does not keep the shadow report from looking up what was published', async () => {
    await stack.drain();

    expect(await invoke('shadow-report', {})).toMatchObject({ users: expect.any(Number) });
  });
});

describe('a backfill that was left, its continuation lost', () => {
  it('is taken up by the next scheduled one, through its queue', async () => {
    const startedAt = new Date(Date.now() - 10 * 60_000).toISOString();
    const runId = `${startedAt.replaceAll(/[-:.]/gu, '')}-left`;
    const runs = dynamoBackfillRuns(dynamodb, stack.tables.backfill_runs!, {
      random: Math.random,
      sleep: async () => {},
      randomToken: () => 'left',
    });
    const order = { mode: 'all', usernames: [aUsername('ada')], dryRun: false } as const;
    await runs.start({ runId, order, startedAt, status: 'running' });

    await invoke('backfill', { mode: 'stale' });
    await stack.drain();

    expect(await invoke('backfill', { runId })).toMatchObject({ status: 'done', recomputed: 1 });
  });
});

describe('boards of more users than are read at any time', () => {
  it('are asked for again when they are due', async () => {
    await invoke('rank-leaderboards', {});
    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: stack.tables.leaderboards! }));
    const roots = Items.filter((item) => item.scores !== undefined && item.sk?.S === 'NEWEST');
    expect(roots).toHaveLength(4);
    for (const { pk, sk } of roots) {
      await dynamodb.send(
        new UpdateItemCommand({
          TableName: stack.tables.leaderboards!,
          Key: { pk: pk!, sk: sk! },
          UpdateExpression: 'SET scores = :many',
          ExpressionAttributeValues: { ':many': { N: '200000' } },
        }),
      );
    }
    const rankQueue = { QueueUrl: stack.queues.rank!, AttributeNames: ['ApproximateNumberOfMessagesDelayed'] };
    const delayed = async (): Promise<number> =>
      Number(
        ((await sqs('AmazonSQS.GetQueueAttributes', rankQueue)) as any).Attributes.ApproximateNumberOfMessagesDelayed,
      );
    const before = await delayed();

    const MessageBody = JSON.stringify({ changedBefore: new Date(Date.now() + 60_000).toISOString() });
    await sqs('AmazonSQS.SendMessage', { QueueUrl: stack.queues.rank!, MessageBody });
    await stack.drain();

    expect(await delayed()).toBe(before + 1);
  });
});

describe('an hour whose last fold took minutes', () => {
  it('is asked for again when it is due', async () => {
    const hour = '2026-01-09T10';
    const guard = { pk: 'DAY#2026-01-09', sk: 'ROLLUP', rev: 1, rolledUpAt: { 10: new Date().toISOString() } };
    const item = marshall({ ...guard, tookMs: { 10: 300_000 } });
    await dynamodb.send(new PutItemCommand({ TableName: stack.tables.metric_rollup_hour!, Item: item }));
    hoursPutOff = [];

    const MessageBody = JSON.stringify({ hour, changedBefore: new Date(Date.now() + 60_000).toISOString() });
    await sqs('AmazonSQS.SendMessage', { QueueUrl: stack.queues['roll-up']!, MessageBody });
    await stack.drain();

    expect(hoursPutOff).toEqual([expect.stringMatching(/"DelaySeconds":900/u)]);
  });
});

// The last one: nothing waits for the refresh that it makes fail.
it('a balance that cannot be read is in the shadow report under the name of its account', async () => {
  const unreadable = { pk: 'USER#acc_aaaaaaaaaaaaaaaa', sk: 'BALANCE', v: 1, totalScore: 'many' };
  await dynamodb.send(new PutItemCommand({ TableName: stack.tables.score_grants!, Item: marshall(unreadable) }));

  expect(await invoke('shadow-report', {})).toMatchObject({ unreadable: [expect.anything()] });
});
