import { rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { hashOfLine } from '../../domain/grants/line-hash.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { stack } from '../support/shared-stack.ts';
import { accountsNamed, spawnLaurel, temporaryDirectory, until } from '../support/stack.ts';

type Answer = { readonly status: number; readonly body: any };

async function call(
  base: { readonly baseUrl: string; readonly adminKey: string },
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`${base.baseUrl}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-api-key': base.adminKey, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
const anAward = (awardId: string, username: string, points = 50) => ({
  awardId,
  username,
  points,
  reason: 'for helping',
});
const FIFTY = Array.from({ length: 50 });

describe('the ledger of a running stack', () => {
  beforeAll(() => accountsNamed(stack, 'busy'));
  const send = (path: string, body?: unknown) => call(stack, path, body);

  it('grants one of 50 identical awards at once; the others are replays', async () => {
    const answers = await Promise.all(FIFTY.map(() => send('/v1/awards', anAward('once', 'raced'))));

    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 200)).toHaveLength(49);
    const first = answers.find(({ status }) => status === 201)!.body;
    for (const { status, body } of answers) expect(body).toEqual(status === 201 ? first : { ...first, replayed: true });
    expect((await send('/v1/scores/raced/grants')).body.grants).toHaveLength(1);
  });

  it('grants 50 different awards of one user at once', async () => {
    // Too few points for a tier, whose badge would add a line.
    const answers = await Promise.all(
      FIFTY.map((_, n) => send('/v1/awards', anAward(`many-${n}`, 'busy', 1 + (n % 5)))),
    );

    expect(answers.map(({ status }) => status)).toEqual(FIFTY.map(() => 201));
    expect((await send('/v1/scores/busy/audit')).body).toMatchObject({
      grants: 50,
      sum: 150,
      balance: 150,
      ok: true,
    });
  });

  it('returns lines in pages, with a chain that anyone can recompute', async () => {
    const { body: newest } = await send('/v1/scores/busy/grants?limit=30');
    const { body: oldest } = await send(`/v1/scores/busy/grants?limit=30&cursor=${newest.next}`);
    const lines = [...newest.grants, ...oldest.grants];

    expect(lines.map(({ seq }) => seq)).toEqual(FIFTY.map((_, n) => 50 - n));
    expect(oldest).not.toHaveProperty('next');
    expect(newest.accountId).toBe('busy');
    for (const [index, line] of lines.entries()) {
      expect(line.hash).toBe(hashOfLine({ ...line, username: aUsername('busy') }, sha256));
      expect(line.previousHash).toBe(lines[index + 1]?.hash ?? null);
    }
  });

  it('counts awards, badges, feed posts and reversals in the score, and grants badges of tiers', async () => {
    await send('/v1/awards', anAward('big', 'scored', 5_000));
    await send('/v1/badges', { badgeId: 'helper', username: 'scored', points: 5 });
    const post = {
      event: 'feed_post_created',
      distinct_id: 'forum',
      properties: { post_id: 'p1', username: 'scored' },
    };
    expect((await send('/ingest', post)).status).toBe(202);
    const { status } = await send('/v1/grants/badge:helper:scored/reverse', { reason: 'a mistake' });
    expect(status).toBe(201);
    await until(async () => (await send('/v1/scores/scored')).body.balance?.grants === 6);

    const { body } = await send('/v1/scores/scored');
    expect(body).toMatchObject({
      canonicalScore: 5_100,
      activityScore: 0,
      tier: 'Sapling',
      tiersReached: [{ tier: 'Sprout' }, { tier: 'Sapling' }],
      scoreSources: {
        'award:big': { category: 'award', source: 'award', points: 5_000 },
        'award:badge:helper': { category: 'award', source: 'badge', points: 0 },
        'award:badge:tier-sprout': { category: 'award', source: 'badge', points: 0 },
        'award:badge:tier-sapling': { category: 'award', source: 'badge', points: 0 },
        'content:feed-post:p1': { category: 'content', source: 'feed', points: 100 },
      },
      balance: { totalScore: 5_100, categoryTotals: { award: 5_000, content: 100 } },
      older: { count: 0, points: 0 },
    });
    expect((await send('/v1/scores/scored/audit')).body).toMatchObject({ ok: true, problems: [] });
  });

  it.each([
    ['unchanged', 'award:once'],
    ['encoded', 'award%3Aonce'],
    ['with slashes', 'publish:@scope/tool@2026.08.21.1:raced'],
    ['with encoded slashes', 'publish%3A%40scope%2Ftool%402026.08.21.1%3Araced'],
  ])('reads ids in a path %s', async (_how, grantId) => {
    const { status, body } = await send(`/v1/grants/${grantId}/reverse`, { reason: 'a mistake' });
    expect([200, 201, 404]).toContain(status);
    expect(status === 404 ? body.code : 'found').toBe(grantId.startsWith('publish') ? 'unknown_grant' : 'found');
  });

  it('compares scores with the ledger, and finds them equal', async () => {
    const report = async () => {
      const path = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions['shadow-report']}/invocations`;
      return await (await fetch(path, { method: 'POST', body: '{}' })).json();
    };
    await until(async () => (await report()).sources.every(({ difference }: any) => difference === 0));

    const { ok, flagged, users, sources } = await report();
    expect([ok, flagged, users]).toEqual([true, [], 3]);
    expect(sources).toContainEqual(expect.objectContaining({ source: 'feed', contributions: 100, grants: 100 }));
  });

  it('answers 404 next to the route, and 405 to another method', async () => {
    expect((await send('/v1/grants/award:once', { reason: 'none' })).status).toBe(404);
    expect((await send('/v1/grants/award:once/reverse')).status).toBe(405);
  });
});

describe('a ledger whose stack is killed', () => {
  it('grants 50 identical awards once, even if the kill comes among them', async () => {
    const dataDirectory = temporaryDirectory();
    let laurel = spawnLaurel(dataDirectory, '--empty');
    try {
      const before = await laurel.ready();
      const answers: Answer[] = [];
      const award = async (base: { readonly baseUrl: string; readonly adminKey: string }) => {
        answers.push(await call(base, '/v1/awards', anAward('once', 'killed')));
      };
      const sent = FIFTY.map(() => award(before).catch(() => undefined)); // after the kill some have no answer
      await Promise.race(sent);
      await laurel.end('SIGKILL');
      await Promise.all(sent);
      const answeredBefore = answers.length;

      laurel = spawnLaurel(dataDirectory, '--empty');
      const after = await laurel.ready();
      await Promise.all(FIFTY.map(() => award(after)));

      expect(answers).toHaveLength(answeredBefore + 50);
      expect(answers.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(1);
      const bodies = answers.map(({ body: { replayed: _, ...body } }) => body);
      for (const body of bodies) expect(body).toEqual(bodies[0]);
      expect((await call(after, '/v1/scores/killed/audit')).body).toMatchObject({ grants: 1, sum: 50, ok: true });
    } finally {
      await laurel.end('SIGKILL');
      rmSync(dataDirectory, { recursive: true, force: true });
    }
  });
});
