/**
 * The tasks of somebody who changes a community: each is a change of one file in a temporary folder, without TypeScript, and
 * `npm start -- --watch --community DIR` runs it. A new version in force reaches everybody by itself; a deployment does the same
 * (test/local/deployment.test.ts).
 */
import { readFileSync, rmSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Json } from '../builders/community.ts';
import { temporaryDirectory } from '../support/stack.ts';
import { aCommunityFolder, aStackOf, type Stack } from './a-stack-of.ts';

const data = temporaryDirectory();
const community = aCommunityFolder();
let stack: Stack;
beforeAll(async () => {
  stack = await aStackOf(community.directory, data, '--watch');
});
afterAll(async () => {
  await stack.stop();
  for (const directory of [data, dirname(community.directory)]) rmSync(directory, { recursive: true, force: true });
});

const ROOT = join(import.meta.dirname, '..', '..');
const laurel = async (...args: readonly string[]): Promise<Json> => {
  const env = { ...process.env, LAUREL_COMMUNITY: community.directory };
  const asked = [...args, '--local', data, '--json'];
  const run = promisify(execFile)(join(ROOT, 'bin', 'laurel'), asked, { cwd: ROOT, env });
  const ended = run.then(({ stdout }) => ({ stdout, code: 0 }));
  const { stdout, code } = await ended.catch((error: unknown) => error as { stdout: string; code: number });
  return { ...JSON.parse(stdout), code };
};

const timestamp = new Date().toISOString();
const report = (event: string, properties: object) => ({ event, distinct_id: 'forge', timestamp, properties });
const answers = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => report('answer_accepted', { username: 'ada', answer_id: `a${from + n}` }));

const versions = {
  kind: ({ events }: Json) =>
    events.push({
      ...{ event: 'answer_accepted', id: 'answer_id', points: 20, cap: 800, capPer: 'month', key: 'community:answers' },
      ...{ category: 'community', source: 'answers', label: 'Answers accepted', open: true },
    }),
  tier: ({ tiers }: Json) => tiers.splice(1, 0, { name: 'Bud', from: 500 }),
  group: ({ activity }: Json) => activity.groups.push({ name: 'review', commands: ['review'], points: 40, cap: 400 }),
  points: ({ events }: Json) => (events[0].points = 90),
};

it('a scored kind, a tier between two others, a board, a command group and new points are one file each', async () => {
  const { ingest, until, get, call, invoke } = stack;
  const issues = Array.from({ length: 12 }, (_, n) =>
    report('issue_created', { username: 'ada', issue_id: `acme/tool#${n}` }),
  );
  const command = report('cli_invocation', { username: 'ada', invocation: { command: 'review' } });
  expect(await ingest([...issues, command])).toMatchObject({ accepted: 13 });
  // Nobody names the kind yet: it is counted, and the answer tells that nothing is given for it.
  expect((await ingest(answers(0, 1))).results[0]).toMatchObject({ status: 'accepted', unscored: true });
  await call('POST', '/v1/awards', { awardId: 'talk', username: 'ada', points: 500, reason: 'a talk' });
  const before = 12 * 50 + 500 + 1;
  await until('/v1/scores/ada', ({ canonicalScore }) => canonicalScore === before);
  expect(await get('/v1/scores/ada')).toMatchObject({ tiersReached: [{ tier: 'Sprout' }], rulesVersion: '1' });
  expect(await get('/v1/stats?username=ada')).toMatchObject({ awardPoints: 500 });
  await invoke('rank-leaderboards');

  // A new version is one new file: here with all four changes of the rules.
  community.copy('rules/1.json', 'rules/2.json');
  community.edit('rules/2.json', (rules) => {
    rules.version = '2';
    for (const change of Object.values(versions)) change(rules);
  });
  const page = join(data, 'trial.html');
  const limits = ['--html', page, '--fail-on', 'tier-losses,gains>0'];
  const trial = await laurel('rules', 'try', join(community.directory, 'rules/2.json'), ...limits);
  const after = 12 * 90 - 80 + 500 + 90 + 0; // issues are capped at 1 000; the group gives 40, and 50 for its diversity
  expect(trial.largestGains).toMatchObject([{ username: 'ada', from: before, to: after }]);
  expect(trial).toMatchObject({ code: 3, broken: ['gains: 1, at most 0 wanted'], tierLosses: 0, gain: 1 });
  expect(readFileSync(page, 'utf8')).toContain(`<td>ada</td><td>${before}</td><td>${after}</td>`);
  expect((await get('/v1/scores/ada')).canonicalScore).toBe(before); // nothing was written

  // A board is one line each, and the version in force another.
  community.edit('community.json', (settings) => {
    settings.rules = '2';
    settings.boards.push({ name: 'month', title: 'This month', window: 'month' });
    settings.boards.push({ name: 'helpers', title: 'Helpers', window: { days: 30 }, sources: ['issues', 'answers'] });
  });
  // The new version refreshes everybody by itself.
  await until('/v1/scores/ada', ({ canonicalScore, rulesVersion }) => canonicalScore === after && rulesVersion === '2');
  expect((await get('/v1/scores/ada')).tiersReached.map(({ tier }: Json) => tier)).toEqual(['Bud', 'Sprout']);
  expect((await ingest(answers(0, 3))).results[0]).toEqual({
    index: 0,
    insert_id: expect.anything(),
    status: 'accepted',
  });
  // It is open: a person's own tool may send it.
  const { key } = await call('POST', '/v1/keys', { kind: 'personal', username: 'ada' });
  const own = { ...report('answer_accepted', { answer_id: 'a3', username: 'mallory' }), distinct_id: 'laptop' };
  expect(await ingest([own], key)).toMatchObject({ accepted: 1 });
  expect((await ingest([{ ...own, distinct_id: 'nobody' }], '')).results[0]).toMatchObject({ code: 'missing_scope' });
  await until('/v1/scores/ada', ({ canonicalScore }) => canonicalScore === after + 4 * 20);
  await invoke('rank-leaderboards');
  expect((await get('/v1/leaderboards/month')).rows).toMatchObject([{ username: 'ada', points: after + 80 }]);
  expect((await get('/v1/leaderboards/helpers')).rows).toMatchObject([{ username: 'ada', points: 1_000 + 80 }]);
  expect(await get('/v1/leaderboards/helpers/users/ada')).toMatchObject({ rank: 1, points: 1_080, total: 1 });
  expect(await laurel('status')).toMatchObject({ staleUsers: 0, rulesVersions: { 2: 1 } });

  // Going back is the same act: what the rules no longer name is kept, and gives nothing.
  community.edit('community.json', (settings) => (settings.rules = '1'));
  await until(
    '/v1/scores/ada',
    ({ canonicalScore, rulesVersion }) => canonicalScore === before && rulesVersion === '1',
  );
  expect((await get('/v1/stats?username=ada')).eventCounts).toMatchObject({ answer_accepted: 1 + 4 });
  expect((await ingest(answers(4, 1))).results[0]).toMatchObject({ status: 'accepted', unscored: true });
  await until('/v1/stats?username=ada', ({ eventCounts }) => eventCounts.answer_accepted === 6);
  const rules = await get('/v1/rules');
  expect([rules.inForce, rules.versions.map(({ version }: Json) => version)]).toEqual(['1', ['1', '2']]);
  for (const { since } of rules.versions) expect(since).toMatch(/^\d{4}-\d\d-\d\dT/);
});
