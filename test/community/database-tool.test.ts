import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/stack.ts';
import { aMergedPullRequest, aUser, signatureOf } from '../builders/hooks.ts';
import { operate } from '../support/operator.ts';
import { aStackOf, type Stack } from './a-stack-of.ts';

/** `examples/database-tool`, from its first event to its boards, as `npm start -- --community` runs it. */
const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'database-tool');

const data = temporaryDirectory();
let stack: Stack;
beforeAll(async () => {
  stack = await aStackOf(EXAMPLE, data);
});
afterAll(async () => {
  await stack.stop();
  rmSync(data, { recursive: true, force: true });
});

const timestamp = new Date().toISOString();
const report = (event: string, properties: object) => ({ event, distinct_id: 'forge', timestamp, properties });
const merged = (username: string, count: number) =>
  Array.from({ length: count }, (_, n) =>
    report('pull_request_merged', { username, pull_request: `acme/tool#${n + 1}` }),
  );

it('scores its own events, has its own tiers, versions and boards, and tells its rules', async () => {
  const { key } = await stack.call('POST', '/v1/keys', { kind: 'personal', username: 'ada' });
  const own = (event: string, properties: object = {}, id = event) => ({
    event,
    distinct_id: 'laptop',
    insert_id: id,
    timestamp,
    properties,
  });
  expect(
    await stack.ingest(
      [
        own('query_run', {}, 'q1'),
        own('query_run', {}, 'q2'),
        own('migration_applied', { outcome: 'applied' }, 'm1'),
        own('migration_applied', { outcome: 'failed' }, 'm2'),
      ],
      key,
    ),
  ).toMatchObject({ status: 202, accepted: 4 });
  const reported = await stack.ingest([
    ...merged('ada', 45),
    ...merged('build-bot', 2),
    report('review_given', { username: 'ada', review: 'r1' }),
    report('answer_accepted', { username: 'bob', answer_id: 'a~1' }),
    report('anwser_accepted', { username: 'bob', answer_id: 'a~2' }),
  ]);
  expect(reported).toMatchObject({ status: 202, accepted: 50 });
  expect(reported.results.filter(({ unscored }: { unscored?: true }) => unscored)).toEqual([
    { index: 49, insert_id: expect.anything(), status: 'accepted', unscored: true },
  ]);
  expect(await stack.ingest(merged('ada', 1))).toMatchObject({ accepted: 0, duplicates: 1 });

  // 2 queries and one migration: (2 + 10 + 2 groups of 25) × 1.01 × (1 + 0.25 / 28).
  const activity = Math.floor((62 * 10_100 * 10_089) / 100_000_000);
  const ada = await stack.until('/v1/scores/ada', (score) => score.canonicalScore === 800 + 5 + activity);
  expect(ada).toMatchObject({
    tier: 'Silver',
    tiersReached: [{ tier: 'Silver' }],
    nextTier: { name: 'Gold' },
    scoreSources: { 'community:pull-requests': { points: 800 }, 'community:reviews': { points: 5 } },
  });
  const { contributions } = await stack.get('/v1/scores/ada/explain');
  expect(contributions.find((each: { key: string }) => each.key === 'community:pull-requests').steps).toEqual([
    { label: 'points of earlier months', arithmetic: '0', value: 0 },
    { label: 'points of this month', arithmetic: 'min(800, 20 × 45)', value: 800, cappedAt: 800 },
    { label: 'points', arithmetic: '0 + 800', value: 800 },
  ]);
  expect(await stack.get('/v1/stats?username=ada')).toMatchObject({
    eventCounts: { migration_applied: 2, pull_request_merged: 45, query_run: 2, review_given: 1 },
    commandCounts: { migration: 2, query: 2 },
    awardPoints: 0,
  });
  await stack.until('/v1/scores/bob', (score) => score.canonicalScore === 10);
  await stack.until('/v1/scores/build-bot', (score) => score.canonicalScore === 40);

  const publish = (version: string) =>
    stack.call('POST', '/api/v1/extensions/confirm', { name: 'indexer', version }, key);
  expect(await publish('1.9.0')).toMatchObject({ status: 201 });
  expect(await publish('1.10.0')).toMatchObject({ status: 201 });
  expect(await publish('2026.11.03.1')).toMatchObject({ status: 422, code: 'invalid_version' });
  expect(await stack.get('/api/v1/extensions/indexer/latest')).toMatchObject({ latestVersion: '1.10.0' });

  await stack.until('/v1/scores/ada', (score) => score.tier === 'Gold');
  await stack.invoke('rank-leaderboards');
  for (const board of ['alltime', 'month']) {
    const { rows } = await stack.get(`/v1/leaderboards/${board}`);
    expect(rows.map(({ username }: { username: string }) => username)).toEqual(['ada', 'bob']); // the bot is not ranked
  }
  expect(await stack.get('/v1/leaderboards/season')).toMatchObject({ status: 404, code: 'unknown_board' });

  const { said } = await operate(data, 'sources', 'create', 'github', 'acme');
  const pullRequest = JSON.stringify(aMergedPullRequest(45, aUser('Ada', 9)));
  const deliver = async () => {
    const headers = { 'x-github-event': 'pull_request', 'x-hub-signature-256': signatureOf(said.secret, pullRequest) };
    const answer = await fetch(`${stack.local.baseUrl}${said.path}`, { method: 'POST', headers, body: pullRequest });
    return answer.json();
  };
  expect(await deliver()).toEqual({ accepted: 1, duplicates: 0, ignored: 0 }); // of gh-ada: nobody has linked the login
  await stack.until('/v1/scores/gh-ada', (score) => score.canonicalScore === 20);
  const login = await stack.call('PUT', '/v1/users/ada/logins/github', { id: 9, login: 'Ada' });
  expect(login).toMatchObject({ status: 200, username: 'ada' });
  expect(await deliver()).toEqual({ accepted: 0, duplicates: 1, ignored: 0 }); // ada's server had reported it
  await stack.until('/v1/scores/gh-ada', (score) => score.username === 'ada'); // the link has merged it

  // The login moves to somebody else, and what it did goes with it.
  const headers = { 'x-api-key': stack.local.adminKey };
  const unlinked = await fetch(`${stack.local.baseUrl}/v1/users/ada/logins/github`, { method: 'DELETE', headers });
  expect(unlinked.status).toBe(204);
  await stack.until('/v1/scores/gh-ada', (score) => score.username === 'gh-ada');
  expect(await stack.call('PUT', '/v1/users/bob/logins/github', { id: 9, login: 'Ada' })).toMatchObject({
    status: 200,
  });
  await stack.until('/v1/scores/gh-ada', (score) => score.username === 'bob');

  const { inForce, versions } = await stack.get('/v1/rules');
  expect([inForce, versions.length]).toEqual(['1', 1]);
  expect(versions[0]).toMatchObject({
    version: '1',
    since: expect.stringMatching(/^\d{4}-/),
    rules: { tiers: [{ name: 'Bronze', from: 0 }, { name: 'Silver' }, { name: 'Gold' }] },
  });
});
