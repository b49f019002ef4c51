import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { auditOf } from '../../domain/grants/audit.ts';
import { linesUpTo } from '../../domain/grants/read-lines.ts';
import { AccountId } from '../../domain/identity/account.ts';
import { dynamoGrantLines } from '../../functions/adapters/dynamodb/grants/grant-lines.ts';
import { parseBucket, parseLeaf, parseRoot } from '../../functions/adapters/dynamodb/leaderboards/leaderboard.items.ts';
import { parseLeafItem } from '../../functions/adapters/dynamodb/metrics/rollup.items.ts';
import type { AwsCall } from '../../local/aws-client.ts';
import { sha256 } from '../builders/identity.ts';
import { invocationOf } from '../builders/telemetry.ts';
import { stack } from '../support/shared-stack.ts';
import { operatorOn, until } from '../support/stack.ts';

/** Somebody leaves: everything by their name is stored, then they are erased, then every item and message is read. */
const NAME = 'zenobia';
const SECRET = 'palmyra'; // in every text that is theirs
let dynamodb: DynamoDBClient;
let sqs: AwsCall;
beforeAll(() => {
  ({ dynamodb, sqs } = operatorOn(stack));
});
afterAll(() => dynamodb.destroy());

async function call(
  method: string,
  path: string,
  { key = stack.adminKey, body }: { key?: string; body?: object } = {},
) {
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const response = await fetch(stack.baseUrl + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  const answer = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : { text };
  return { ...answer, state: answer.status, status: response.status } as Record<string, any>;
}
const ok = async (method: string, path: string, body?: object, key?: string) => {
  const answer = await call(method, path, { ...(body && { body }), ...(key && { key }) });
  expect(answer.status, JSON.stringify([path, answer])).toBeLessThan(300);
  return answer;
};
const keyOf = async (username: string, more: object = {}): Promise<string> =>
  (await ok('POST', '/v1/keys', { kind: 'personal', username, label: `${SECRET} of ${NAME}`, ...more })).key;
async function invoke(role: string, event: object): Promise<unknown> {
  const url = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions[role]}/invocations`;
  return (await fetch(url, { method: 'POST', body: JSON.stringify(event) })).json();
}
const job = (message: object) =>
  invoke('erase-accounts', { Records: [{ messageId: 'm', body: JSON.stringify(message) }] });
const build = () => invoke('rank-leaderboards', { Records: [{ messageId: 'm', body: '{}' }] });
const use = (key: string, device: string, id: string) =>
  ok(
    'POST',
    '/ingest',
    {
      ...{ event: 'cli_invocation', distinct_id: device, insert_id: id },
      timestamp: new Date().toISOString(),
      properties: invocationOf('model'),
    },
    key,
  );

const extensions = () => call('GET', '/community-metrics/extensions');
/** The whole work of roll-ups, which stores the names of publishers. */
const rollUp = () => invoke('roll-up-metrics', {});

const NONE = new Uint8Array();
/** An item as text, with what is packed in it. */
function textOf(item: Record<string, any>): string {
  const plain = unmarshall(item);
  const bytes = Object.values(plain).map((each) =>
    each instanceof Uint8Array ? Buffer.from(each).toString('latin1') : '',
  );
  const packed = [
    plain.pk?.startsWith('BLOCK#') ? (plain.usernames ? parseLeaf(item) : parseBucket(item)) : NONE,
    /^(?:NEWEST|SNAPSHOT#)/u.test(plain.sk) ? [parseRoot(item).snapshot.leaves, parseRoot(item).snapshot.patch] : NONE,
    plain.sk.startsWith('LEAF#') ? [...parseLeafItem(item).names] : NONE,
  ];
  return JSON.stringify([plain, bytes, packed]);
}
async function everything(): Promise<string[]> {
  const texts: string[] = [];
  for (const [role, TableName] of Object.entries(stack.tables)) {
    for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName })) {
      texts.push(...Items.map((item) => `${role} ${textOf(item)}`));
    }
  }
  for (const [role, QueueUrl] of Object.entries(stack.queues)) {
    const asked = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0, WaitTimeSeconds: 0 };
    const { Messages = [] } = (await sqs('AmazonSQS.ReceiveMessage', asked)) as { Messages?: { Body: string }[] };
    texts.push(...Messages.map(({ Body }) => `${role} ${Body}`));
  }
  return texts;
}
const about = (texts: readonly string[], ...words: readonly string[]) =>
  texts.filter((text) => words.some((word) => text.toLowerCase().includes(word)));
const audits = async (account: string) => {
  const lines = dynamoGrantLines(dynamodb, stack.tables.score_grants!);
  const read = await linesUpTo({ lines, random: () => 0, sleep: async () => {} }, AccountId.parse(account));
  return auditOf(account, read, sha256);
};

it('an erased account is nowhere, and everything else is as it was', async () => {
  const old = await keyOf('old-zenobia');
  await ok('POST', '/v1/users/old-zenobia/rename', { to: NAME });
  const [key, other] = [
    await keyOf(NAME, { scopes: ['telemetry:write', 'extensions:push', 'profile:write'] }),
    await keyOf('odo', { label: 'x' }),
  ];
  const { accountId } = await ok('GET', '/api/whoami', undefined, key);
  const { accountId: odo } = await ok('GET', '/api/whoami', undefined, other);
  await ok('PUT', `/v1/users/${NAME}/logins/github`, { id: 7, login: `${NAME}-l` });
  await ok('PUT', `/v1/collectives/guild`, { members: [NAME, 'odo'] });
  const guild = (await ok('POST', '/v1/keys', { kind: 'collective', slug: 'guild', members: [NAME, 'odo'] })).key;
  await ok('POST', '/api/v1/extensions/confirm', { name: 'loom', version: '2026.08.21.1' }, key);
  await ok('POST', '/api/v1/extensions/confirm', { name: 'quilt', version: '2026.08.21.1' }, guild);
  for (const [awardId, username, grantedBy] of [
    ['a1', NAME, 'board'],
    ['a2', 'odo', NAME],
    ['a3', 'odo', 'board'],
  ]) {
    const reason = username === 'odo' ? 'Talk' : `${SECRET} talk`;
    await ok('POST', '/v1/awards', { awardId, username, points: 20, reason, grantedBy });
  }
  await use(key, 'desk', 'e1');
  await use(other, 'sofa', 'e2');
  await stack.drain();
  await build();
  await rollUp();
  await rollUp(); // names that are stored already
  const today = new Date().toISOString().slice(0, 10);
  expect(await invoke('backfill', { mode: 'metrics', from: today, to: today })).toMatchObject({ status: 'done' });
  expect(about(await everything(), 'leaf#').filter((text) => text.includes(NAME))).toHaveLength(3);
  expect((await extensions()).data.map((row: any) => row.publisher).sort()).toEqual(['guild', NAME]);
  await ok('PUT', `/v1/users/${NAME}/visibility`, { leaderboards: 'hidden' });
  await ok('PUT', `/v1/users/${NAME}/visibility`, { leaderboards: 'shown' });
  await stack.drain();
  const before = await call('GET', '/v1/leaderboards/alltime');
  expect(before.rows.map((row: any) => row.username).sort()).toEqual(['odo', NAME].sort());
  expect(about(await everything(), NAME, SECRET).length).toBeGreaterThan(5);
  const figures = await audits(accountId);

  expect(await call('DELETE', `/v1/users/${NAME}`, { key: other, body: { confirm: NAME } })).toMatchObject({
    status: 403,
  });
  expect(await call('DELETE', `/v1/users/${NAME}`, { key, body: { confirm: 'odo' } })).toMatchObject({
    ...{ status: 422, code: 'invalid_body', details: [{ field: 'confirm' }] },
  });
  expect(await call('DELETE', '/v1/users/nobody', { body: { confirm: 'nobody' } })).toMatchObject({ status: 404 });
  const erased = await call('DELETE', `/v1/users/${NAME}`, { key, body: { confirm: NAME } });
  expect(erased).toMatchObject({
    status: 202,
    accountId,
    state: 'erasing',
    note: expect.stringContaining('Extensions stay'),
  });

  for (const path of [
    'scores/NAME',
    'scores/NAME/history',
    'scores/NAME/grants',
    'scores/NAME/audit',
    'users/NAME/export',
    'stats?username=NAME',
    'leaderboards/alltime/users/NAME',
  ]) {
    for (const name of [NAME, 'old-zenobia']) {
      expect([path, await call('GET', `/v1/${path.replace('NAME', name)}`)]).toMatchObject([path, { status: 404 }]);
    }
  }
  expect(await call('GET', `/people/${NAME}`)).toMatchObject({ status: 404 });
  for (const image of [`/badges/${NAME}.svg`, `/cards/${NAME}.svg`]) {
    expect(await call('GET', image)).toMatchObject({ status: 200, text: expect.stringContaining('unknown') });
  }
  for (const gone of [key, old]) {
    expect(await call('GET', '/api/whoami', { key: gone })).toMatchObject({ status: 401, code: 'unknown_key' });
    expect(await call('POST', '/ingest', { key: gone, body: { event: 'x', distinct_id: 'desk' } })).toMatchObject({
      status: 401,
    });
  }
  expect((await call('GET', '/v1/users?prefix=zen')).users).toEqual([]);
  await until(async () => !(await extensions()).data.some((row: any) => row.publisher === NAME));
  expect((await extensions()).data.map((row: any) => row.publisher).sort()).toEqual(['erased', 'guild']);

  await stack.drain();
  await build();
  const left = await everything();
  expect(about(left, NAME, SECRET)).toEqual([]);
  expect(
    about(
      left.filter((text) => /^(?:leaderboards|user_scores|credentials)/u.test(text)),
      accountId,
    ),
  ).toMatchObject([expect.stringContaining('erasedAt')]);
  expect(await job({ account: accountId, place: { look: 2, step: '', after: '' } })).toEqual({ batchItemFailures: [] });
  await stack.drain();

  expect(await audits(accountId)).toEqual({ ...figures, ok: true });
  expect(await audits(odo)).toMatchObject({ ok: true });
  expect((await call('GET', '/v1/scores/odo/grants')).grants).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ grantId: 'award:a2', grantedBy: null, reason: 'Talk' }),
      expect.objectContaining({ grantId: 'award:a3', grantedBy: 'board' }),
    ]),
  );
  expect(await call('GET', '/v1/leaderboards/alltime')).toMatchObject({
    rows: [{ username: 'odo', rank: 1 }],
    total: 1,
  });
  // Functions remember names for 5 s.
  const past = async () => (await call('GET', `/v1/leaderboards/alltime?at=${before.asOf}`)).rows;
  await until(async () => (await past()).length === 1);
  expect(await past()).toEqual(before.rows.filter((row: any) => row.username === 'odo'));
  expect((await call('GET', '/api/v1/extensions/loom/latest')).latestVersionDetail.publisher).toBe('erased');
});
