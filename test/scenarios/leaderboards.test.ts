import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invocationOf } from '../builders/telemetry.ts';
import { startTestStack, type TestStack, until } from '../support/stack.ts';

/** The boards on the running stack, from an event to a rank. The tests run in order. */
let stack: TestStack;
const rankMessages: string[] = [];
const keys = new Map<string, string>();

beforeAll(async () => {
  stack = await startTestStack({
    observe: ({ operation, body }) => {
      if (operation === 'AmazonSQS.SendMessageBatch' && body.includes('-rank"')) rankMessages.push(body);
    },
  });
  for (const username of ['ada', 'bob', 'cyd']) {
    keys.set(username, (await call('POST', '/v1/keys', stack.adminKey, { kind: 'personal', username })).body.key);
  }
});
afterAll(() => stack.stop());

async function call(method: string, path: string, key?: string, body?: object) {
  const response = await fetch(stack.baseUrl + path, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
const get = (path: string) => call('GET', path);

async function rank(): Promise<any> {
  const url = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions['rank-leaderboards']}/invocations`;
  return (await fetch(url, { method: 'POST', body: '{}' })).json();
}

async function use(username: string, times: number): Promise<void> {
  const events = Array.from({ length: times }, (_, index) => ({
    event: 'cli_invocation',
    distinct_id: `${username}-laptop`,
    insert_id: `${username}-${index}`,
    timestamp: new Date().toISOString(),
    properties: invocationOf('model'),
  }));
  expect((await call('POST', '/ingest', keys.get(username), { events })).status).toBe(202);
  await stack.drain();
}

const usernamesOn = async (board: string): Promise<string[]> =>
  (await get(`/v1/leaderboards/${board}`)).body.rows.map(({ username }: any) => username);

describe('the boards', () => {
  it('are empty before the first build, and list nobody', async () => {
    expect(await get('/v1/leaderboards/alltime')).toEqual({
      status: 200,
      body: { board: 'alltime', asOf: null, rows: [], total: 0 },
    });
    expect(await get('/v1/leaderboards/alltime/users/ada')).toMatchObject({
      status: 404,
      body: { code: 'unknown_username' },
    });
  });

  it('are requested by a changed score, with a delay of a minute', async () => {
    await use('ada', 3);
    await until(() => rankMessages.length > 0);

    expect(rankMessages[0]).toContain('"DelaySeconds":60');
    expect(rankMessages[0]).toContain('changedBefore');
  });

  it('agree with the scores once they are built', async () => {
    await use('bob', 5);
    await use('cyd', 3);
    const built = await rank();
    expect(built).toMatchObject({ status: 'done' });
    expect(built.boards.map(({ board }: any) => board)).toEqual(['alltime', 'today', 'week', 'season']);

    for (const board of ['alltime', 'today', 'week', 'season']) {
      const { body } = await get(`/v1/leaderboards/${board}`);
      expect(body).toMatchObject({ board, total: 3 });
      // ada and cyd have the same score; hers is older.
      expect(body.rows.map(({ rank, username }: any) => [rank, username])).toEqual([
        [1, 'bob'],
        [2, 'ada'],
        [3, 'cyd'],
      ]);
      for (const { rank, username, points } of body.rows) {
        const score = (await get(`/v1/scores/${username}`)).body;
        expect(score).toMatchObject({ canonicalScore: points });
        if (board === 'alltime') expect(score).toMatchObject({ rank, asOf: body.asOf });
      }
    }
    expect((await get('/v1/leaderboards/week/users/ada')).body).toMatchObject({
      rank: 2,
      total: 3,
      above: [{ rank: 1, username: 'bob' }],
      below: [{ rank: 3, username: 'cyd' }],
    });
  });

  it('page within one snapshot, whatever is built meanwhile', async () => {
    const first = (await get('/v1/leaderboards/alltime?limit=1')).body;
    await use('cyd', 9);
    await rank();
    const second = (await get(`/v1/leaderboards/alltime?limit=2&cursor=${first.next}`)).body;

    expect(second.asOf).toBe(first.asOf);
    expect([...first.rows, ...second.rows].map(({ username }) => username)).toEqual(['bob', 'ada', 'cyd']);
    expect(second).not.toHaveProperty('next');
    expect(await usernamesOn('alltime')).toEqual(['cyd', 'bob', 'ada']);
    expect((await get(`/v1/leaderboards/alltime?at=${first.asOf}`)).body.asOf).toBe(first.asOf);
  });

  it.each([
    ['/v1/leaderboards/fame', 404, 'unknown_board'],
    ['/v1/leaderboards/fame/users/ada', 404, 'unknown_board'],
    ['/v1/leaderboards/week/users/nobody', 404, 'unknown_username'],
    ['/v1/leaderboards/week/users/%20', 404, 'unknown_username'],
    ['/v1/leaderboards/week?limit=0', 400, 'invalid_query'],
    ['/v1/leaderboards/week?limit=1001', 400, 'invalid_query'],
    ['/v1/leaderboards/week?cursor=abc', 400, 'invalid_query'],
    ['/v1/leaderboards/week?at=yesterday', 400, 'invalid_query'],
    ['/v1/leaderboards/week?at=2999-01-01T00:00:00Z', 400, 'invalid_query'],
    ['/v1/leaderboards/week?at=2020-01-01T00:00:00Z', 400, 'invalid_query'],
    ['/v1/leaderboards/week/users/ada?at=2999-01-01T00:00:00Z', 400, 'invalid_query'],
  ])('refuse %s', async (path, status, code) => {
    expect(await get(path)).toMatchObject({ status, body: { code } });
  });

  it("refuse another board's cursor", async () => {
    const { next } = (await get('/v1/leaderboards/alltime?limit=1')).body;

    expect(await get(`/v1/leaderboards/week?cursor=${next}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_query', details: [{ field: 'cursor' }] },
    });
  });

  it('leave out an account that chose to be hidden, and keep its score, until it chooses to be shown', async () => {
    const path = '/v1/users/ada/visibility';
    const hide = { leaderboards: 'hidden' };
    expect(await call('PUT', path, keys.get('bob'), hide)).toMatchObject({
      status: 403,
      body: { code: 'missing_scope' },
    });
    expect(await call('PUT', path, undefined, hide)).toMatchObject({ status: 401 });
    expect(await call('PUT', path, keys.get('ada'), { leaderboards: 'maybe' })).toMatchObject({
      status: 422,
      body: { code: 'invalid_body', details: [{ field: 'leaderboards' }] },
    });
    expect(await call('PUT', '/v1/users/nobody/visibility', stack.adminKey, hide)).toMatchObject({
      status: 404,
      body: { code: 'unknown_username' },
    });
    const score = (await get('/v1/scores/ada')).body;

    expect(await call('PUT', path, keys.get('ada'), hide)).toEqual({ status: 200, body: { username: 'ada', ...hide } });
    await until(async () => !(await usernamesOn('alltime')).includes('ada')); // before the next build
    expect(await get('/v1/leaderboards/alltime/users/ada')).toMatchObject({
      status: 404,
      body: { code: 'not_listed' },
    });
    expect((await get('/v1/scores/ada')).body).toMatchObject({ rank: null, asOf: null });
    await stack.drain();
    await rank();
    expect(await usernamesOn('alltime')).toEqual(['cyd', 'bob']);
    expect(await get('/v1/leaderboards/season/users/ada')).toMatchObject({ status: 404, body: { code: 'not_listed' } });
    expect((await get('/v1/scores/ada')).body).toMatchObject({
      canonicalScore: score.canonicalScore,
      rank: null,
      asOf: null,
    });

    await use('ada', 1); // a refresh keeps the choice
    await rank();
    expect(await usernamesOn('today')).toEqual(['cyd', 'bob']);

    expect(await call('PUT', path, stack.adminKey, { leaderboards: 'shown' })).toMatchObject({ status: 200 });
    await stack.drain();
    await rank();
    expect(await usernamesOn('today')).toEqual(['cyd', 'bob', 'ada']);
  });

  it('show present names beside stored ones, on a past board, too: renamed, merged, erased and hidden accounts', async () => {
    const { key: service } = (await call('POST', '/v1/keys', stack.adminKey, { kind: 'service' })).body;
    const members = Array.from({ length: 20 }, (_, n) => `member-${String(n).padStart(2, '0')}`);
    const events = members.map((username, n) => ({
      ...{ event: 'award', distinct_id: 'server' },
      properties: { award_id: `award-${n}`, username, points: 1_000 - n, reason: 'helped' },
    }));
    expect((await call('POST', '/ingest', service, { events })).body).toMatchObject({ accepted: 20 });
    await stack.drain();
    await rank();
    const { asOf } = (await get('/v1/leaderboards/alltime')).body;

    const admin = (method: string, path: string, body: object) => call(method, path, stack.adminKey, body);
    await admin('POST', '/v1/users/member-00/rename', { to: 'renamed' });
    await admin('POST', '/v1/users/member-01/merge', { into: 'member-02' });
    await admin('DELETE', '/v1/users/member-03', { confirm: 'member-03' });
    const past = async () => (await get(`/v1/leaderboards/alltime?at=${asOf}&limit=1000`)).body.rows;
    const namesAt = async () => (await past()).map(({ username }: any) => username);
    const expected = ['renamed', 'member-02', 'member-02', ...members.slice(4), 'cyd', 'bob', 'ada'];
    await until(async () => (await namesAt()).join() === expected.join()); // changes are remembered for 5 s
    expect(await namesAt()).toEqual(expected);

    const choose = (leaderboards: string) => admin('PUT', '/v1/users/member-05/visibility', { leaderboards });
    for (const [choice, isShown] of [
      ['hidden', false],
      ['shown', true],
      ['hidden', false],
    ] as const) {
      await choose(choice);
      await until(async () => (await namesAt()).includes('member-05') === isShown); // at once, in both directions
    }
    await stack.drain();
    await rank();
    expect((await past()).map(({ rank: place, username }: any) => `${place} ${username}`).slice(3, 5)).toEqual([
      '5 member-04',
      '7 member-06',
    ]);
    const present = ['member-02', 'renamed', ...members.slice(4).filter((name) => name !== 'member-05')];
    expect((await usernamesOn('alltime')).slice(0, present.length)).toEqual(present);
  });
});
