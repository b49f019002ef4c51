import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { emptyBalance } from '../../domain/grants/balance.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { aFeedPost, aLedger } from '../builders/grants.ts';
import { anHttpRequest, type RequestDraft } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let award: (event: unknown) => Promise<Answer>;
let ingest: (event: unknown) => Promise<Answer>;
let service: { readonly id: string; readonly key: string };
let unlabelled: { readonly id: string; readonly key: string };
let personal: string;
const NOON = Date.parse('2026-08-21T12:00:00.000Z');

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler: award } = await import('../../functions/record-award/handler.ts'));
  ({ handler: ingest } = await import('../../functions/ingest-telemetry/handler.ts'));
  service = await world.aKey({ kind: 'service', label: 'the forum' });
  unlabelled = await world.aKey({ kind: 'service' });
  personal = (await world.aKey({ kind: 'personal', username: aUsername('ada') })).key;
});
afterAll(async () => {
  vi.useRealTimers();
  await world.stop();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
});

async function call(path: string, body: unknown, draft: RequestDraft = {}) {
  const handler = path === '/ingest' ? ingest : award;
  const answer = await handler(anHttpRequest({ key: service.key, ...draft, path, body }));
  return { status: answer.statusCode, body: answer.body === '' ? undefined : JSON.parse(answer.body) };
}
const stored = () => world.itemsOf(world.tables.score_grants);
const lineOf = async (grantId: string) => (await stored()).find(({ pk }) => pk === `GRANT#${grantId}`);
const balanceOf = async (username: string) => (await stored()).find(({ pk }) => pk === `USER#${username}`);

let names = 0;
/** A new user and award, so that tests share nothing. */
const anAward = (change: object = {}) => {
  names += 1;
  return { awardId: `award-${names}`, username: `user-${names}`, points: 50, reason: 'for helping', ...change };
};
const aBadge = (change: object = {}) => {
  names += 1;
  return { badgeId: `badge-${names}`, username: `user-${names}`, points: 0, ...change };
};

describe('POST /v1/awards', () => {
  it('grants once; a repeat gets the same answer, as a replay', async () => {
    const request = anAward();
    const answer = {
      grantId: `award:${request.awardId}`,
      seq: 1,
      balance: 50,
      grantedAt: '2026-08-21T12:00:00.000Z',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/u),
      previousHash: null,
    };

    const first = await call('/v1/awards', request);
    expect(first).toEqual({ status: 201, body: answer });
    expect(first.body.hash).toBe(Buffer.from((await lineOf(answer.grantId))!.hash).toString('hex'));
    vi.setSystemTime(NOON + 1_000);
    expect(await call('/v1/awards', request)).toEqual({ status: 200, body: { ...first.body, replayed: true } });
    expect(await balanceOf(request.username)).toMatchObject({ seq: 1, totalScore: 50 });
  });

  it.each([
    ['points', { points: 51 }],
    ['user', { username: 'somebody-else' }],
  ])('answers 409 if the award was granted with another %s, and keeps the first one', async (_what, change) => {
    const request = anAward();
    await call('/v1/awards', request);
    const before = await stored();

    const { status, body } = await call('/v1/awards', { ...request, ...change });
    expect([status, body.code]).toEqual([409, 'award_conflict']);
    expect(await stored()).toEqual(before);
  });

  it("accepts the user's name in any case", async () => {
    const request = anAward();
    await call('/v1/awards', { ...request, username: request.username.toUpperCase() });

    expect((await call('/v1/awards', request)).status).toBe(200);
  });

  it("names who granted: from the request, otherwise the key's label, otherwise its id", async () => {
    const [named, labelled, other] = [anAward({ grantedBy: 'bea' }), anAward(), anAward()];
    await call('/v1/awards', named);
    await call('/v1/awards', labelled);
    await call('/v1/awards', other, { key: unlabelled.key });

    const lines = await Promise.all([named, labelled, other].map(({ awardId }) => lineOf(`award:${awardId}`)));
    expect(lines.map((line) => line?.grantedBy)).toEqual(['bea', 'the forum', unlabelled.id]);
  });

  it.each([
    ['the least points', { points: 1 }],
    ['the most points', { points: 100_000 }],
    ['a reason of 300 bytes', { reason: 'é'.repeat(150) }],
    ['an id with every allowed character', { awardId: `Az9._:-${'x'.repeat(121)}` }],
  ])('takes %s', async (_what, change) => {
    expect((await call('/v1/awards', anAward(change))).status).toBe(201);
  });
});

describe('a refused award, badge or reversal stores nothing', () => {
  it.each<[string, string, object, string]>([
    ['no points', '/v1/awards', anAward({ points: undefined }), 'points'],
    ['0 points', '/v1/awards', anAward({ points: 0 }), 'points'],
    ['negative points', '/v1/awards', anAward({ points: -5 }), 'points'],
    ['fractional points', '/v1/awards', anAward({ points: 1.5 }), 'points'],
    ['100,001 points', '/v1/awards', anAward({ points: 100_001 }), 'points'],
    ['points as text', '/v1/awards', anAward({ points: '50' }), 'points'],
    ['no reason', '/v1/awards', anAward({ reason: undefined }), 'reason'],
    ['an empty reason', '/v1/awards', anAward({ reason: '' }), 'reason'],
    ['a reason of 301 bytes', '/v1/awards', anAward({ reason: 'x'.repeat(301) }), 'reason'],
    ['a reason of 151 letters and 302 bytes', '/v1/awards', anAward({ reason: 'é'.repeat(151) }), 'reason'],
    ['a reason with half a character', '/v1/awards', anAward({ reason: 'half \ud83d' }), 'reason'],
    ['no awardId', '/v1/awards', anAward({ awardId: undefined }), 'awardId'],
    ['an awardId with spaces', '/v1/awards', anAward({ awardId: 'a b' }), 'awardId'],
    ['an awardId of 129 characters', '/v1/awards', anAward({ awardId: 'a'.repeat(129) }), 'awardId'],
    ['an awardId that is a badge', '/v1/awards', anAward({ awardId: 'badge:b1' }), 'awardId'],
    ['no username', '/v1/awards', anAward({ username: undefined }), 'username'],
    ['a username with slashes', '/v1/awards', anAward({ username: '../etc' }), 'username'],
    ['__proto__ as username', '/v1/awards', anAward({ username: '__proto__' }), 'username'],
    ['an empty grantedBy', '/v1/awards', anAward({ grantedBy: '' }), 'grantedBy'],
    ['a grantedBy of 101 bytes', '/v1/awards', anAward({ grantedBy: 'x'.repeat(101) }), 'grantedBy'],
    ['a badgeId of a tier', '/v1/badges', aBadge({ badgeId: 'tier-sprout' }), 'badgeId'],
    ['a badge with negative points', '/v1/badges', aBadge({ points: -1 }), 'points'],
    ['a badge with 100,001 points', '/v1/badges', aBadge({ points: 100_001 }), 'points'],
    ['a badge with a reason of 301 bytes', '/v1/badges', aBadge({ reason: 'x'.repeat(301) }), 'reason'],
    ['a reversal without a reason', '/v1/grants/award:a1/reverse', {}, 'reason'],
    ['a reversal of an unknown grant', '/v1/grants/reverse', { reason: 'a mistake' }, 'grantId'],
    ['a reversal with a reason of 301 bytes', '/v1/grants/award:a1/reverse', { reason: 'x'.repeat(301) }, 'reason'],
  ])('%s: 422', async (_what, path, request, field) => {
    const before = await stored();
    const { status, body } = await call(path, request);

    expect([status, body.code]).toEqual([422, 'invalid_body']);
    expect(body.details.map((detail: { field: string }) => detail.field)).toContain(field);
    expect(await stored()).toEqual(before);
  });

  it.each([['/v1/awards'], ['/v1/badges'], ['/v1/grants/award:a1/reverse']])(
    'a personal key: 403, %s',
    async (path) => {
      const before = await stored();
      const { status, body } = await call(path, { ...anAward(), ...aBadge() }, { key: personal });

      expect([status, body.code, body.error]).toEqual([403, 'missing_scope', expect.stringContaining('awards:grant')]);
      expect(await stored()).toEqual(before);
    },
  );

  it('no key and an unknown one: 401', async () => {
    for (const key of [undefined, 'lrl_unknown']) {
      expect((await call('/v1/awards', anAward(), { key })).status).toBe(401);
    }
  });
});

describe('POST /v1/badges', () => {
  it('gives a badge without points, once for each user', async () => {
    const badge = aBadge();
    const other = { ...badge, username: 'another-holder' };

    expect((await call('/v1/badges', badge)).body).toMatchObject({
      grantId: `badge:${badge.badgeId}:${badge.username}`,
      balance: 0,
    });
    expect((await call('/v1/badges', other)).status).toBe(201);
    expect((await call('/v1/badges', badge)).status).toBe(200);
    expect((await call('/v1/badges', { ...badge, points: 5 })).body.code).toBe('badge_conflict');
  });
});

describe.each([
  [
    '/v1/grants/{grantId}/reverse',
    (grantId: string) => call(`/v1/grants/${encodeURIComponent(grantId)}/reverse`, { reason: 'a mistake' }),
  ],
  ['/v1/grants/reverse', (grantId: string) => call('/v1/grants/reverse', { grantId, reason: 'a mistake' })],
])('POST %s', (_path, reverse) => {
  it('takes the points back with a new line, once', async () => {
    const request = anAward();
    await call('/v1/awards', request);
    const first = await reverse(`award:${request.awardId}`);

    const { hash: previousHash } = (await call('/v1/awards', request)).body;
    expect(first).toMatchObject({
      status: 201,
      body: { grantId: `reversal:award:${request.awardId}`, seq: 2, balance: 0, previousHash },
    });
    vi.setSystemTime(NOON + 5_000);
    expect(await reverse(`award:${request.awardId}`)).toEqual({ status: 200, body: { ...first.body, replayed: true } });
    expect(await lineOf(`reversal:award:${request.awardId}`)).toMatchObject({ amount: -50, reason: 'a mistake' });
  });

  it('does not grant a reversed award again', async () => {
    const request = anAward();
    await call('/v1/awards', request);
    await reverse(`award:${request.awardId}`);

    expect(await call('/v1/awards', request)).toMatchObject({ status: 200, body: { balance: 50, replayed: true } });
    expect(await balanceOf(request.username)).toMatchObject({ totalScore: 0, seq: 2 });
  });

  it('does not reverse a reversal', async () => {
    const request = anAward();
    await call('/v1/awards', request);
    await reverse(`award:${request.awardId}`);

    const { status, body } = await reverse(`reversal:award:${request.awardId}`);
    expect([status, body.code]).toEqual([409, 'not_reversible']);
  });

  it.each([['award:unknown'], ['nothing'], ['a/b/c'], ['award:__proto__'], ['award:' + 'x'.repeat(3_000)]])(
    'does not know the grant %s: 404',
    async (grantId) => {
      const { status, body } = await reverse(grantId);
      expect([status, body.code]).toEqual([404, 'unknown_grant']);
    },
  );
});

it('does not know a grant whose id is half of a surrogate pair: 404', async () => {
  const { status, body } = await call('/v1/grants/reverse', { grantId: '\ud800', reason: 'a mistake' });
  expect([status, body.code]).toEqual([404, 'unknown_grant']);
});

describe('the id of a grant in a path', () => {
  const reverse = (grantId: string) => call(`/v1/grants/${grantId}/reverse`, { reason: 'a mistake' });

  it('reaches no other grant than the one that is meant: what a path cannot carry goes in a body', async () => {
    for (const id of ['a/b', 'a//b']) {
      const post = {
        event: 'feed_post_created',
        distinct_id: 'server',
        properties: { post_id: id, username: 'poster' },
      };
      expect((await call('/ingest', post)).body).toMatchObject({ accepted: 1 });
    }
    const ids = (await stored()).map(({ pk }) => pk.replace(/^GRANT#/u, '')).filter((id) => /a\/{1,2}b$/u.test(id));
    expect(ids).toHaveLength(2);

    for (const grantId of ids) {
      for (const inPath of [grantId, encodeURIComponent(grantId)]) {
        const { status, body } = await reverse(inPath);
        expect({ status, body }).toMatchObject({ status: 404, body: { code: 'unknown_grant' } });
      }
    }
    for (const grantId of ids) {
      const { status, body } = await call('/v1/grants/reverse', { grantId, reason: 'a mistake' });
      expect({ status, body }).toMatchObject({ status: 201, body: { grantId: `reversal:${grantId}` } });
    }
  });

  it('of a publish may contain slashes, encoded or not', async () => {
    const { lines, balance } = aLedger({
      ...aFeedPost('p1', aUsername('slash')),
      grantId: 'publish:@scope/tool@2026.08.21.1:slash',
      key: 'content:extension-publishes',
    });
    const ledger = dynamoGrantLedger(world.client, world.tables.score_grants);
    const append = { username: aUsername('slash'), before: emptyBalance, lines, after: balance, writeId: 'seed' };
    expect(await ledger.append(append)).toBe('appended');

    expect((await reverse('publish:@scope/tool@2026.08.21.1:slash')).status).toBe(201);
    expect((await reverse('publish%3A%40scope%2Ftool%402026.08.21.1%3Aslash')).status).toBe(200);
    expect((await reverse('publish:%40scope%2ftool@2026.08.21.1:slash')).status).toBe(200);
  });
});

describe('trusted events', () => {
  const send = (events: object[], draft = {}) => call('/ingest', { events }, draft);
  const trusted = (event: string, properties: object, change: object = {}) => {
    names += 1;
    return { event, distinct_id: 'server', insert_id: `event-${names}`, properties, ...change };
  };
  const anAwardEvent = (change: object = {}, rest: object = {}) => {
    const { awardId: award_id, username, points, reason } = anAward();
    return trusted('award', { award_id, username, points, reason, ...change }, rest);
  };
  const idOf = ({ properties }: { readonly properties: any }) => `award:${properties.award_id}`;

  it('grant as the route does: a grant of one is a repeat for the other', async () => {
    const request = anAward();
    const { awardId: award_id, ...rest } = request;
    await call('/v1/awards', request);

    expect((await send([trusted('award', { award_id, ...rest })])).body).toMatchObject({ duplicates: 1, rejected: 0 });
  });

  it('grant an award once if it comes again two days later with another insert_id', async () => {
    const event = anAwardEvent({}, { timestamp: '2026-08-21T11:00:00.000Z' });
    expect((await send([event])).body).toMatchObject({ accepted: 1 });

    vi.setSystemTime(NOON + 2 * 86_400_000);
    const later = { ...event, insert_id: 'another-transport', timestamp: '2026-08-23T11:00:00.000Z' };
    expect(await send([later])).toMatchObject({ status: 202, body: { duplicates: 1, accepted: 0 } });
    const lines = (await stored()).filter(({ key }) => key === idOf(event));
    expect(lines).toHaveLength(1);
    expect(lines[0]!.grantedAt).toBe('2026-08-21T11:00:00.000Z');
  });

  it('are granted at their own time, otherwise at their receipt', async () => {
    const [timed, timeless] = [anAwardEvent({}, { timestamp: '2026-08-20T10:00:00+02:00' }), anAwardEvent()];
    await send([timed, timeless]);

    expect((await lineOf(idOf(timed)))?.grantedAt).toBe('2026-08-20T08:00:00.000Z');
    expect((await lineOf(idOf(timeless)))?.grantedAt).toBe('2026-08-21T12:00:00.000Z');
  });

  it('grant all lines of one user in a request, in order', async () => {
    const username = 'prolific';
    const events = [
      ...Array.from({ length: 120 }, (_, n) => trusted('feed_post_created', { post_id: `many-${n}`, username })),
      trusted('badge_granted', { badge_id: 'writer', username, points: 7 }),
    ];
    expect((await send(events)).body).toMatchObject({ accepted: 121 });

    expect(await balanceOf(username)).toMatchObject({ seq: 121, totalScore: 12_007, contributions: 121 });
    expect(await lineOf('feed-post:many-119')).toMatchObject({ seq: 120, grantedBy: 'the forum' });
  });

  it('report a conflict only for that event, also within one request and across users', async () => {
    const first = anAwardEvent();
    const { properties } = first as { properties: object };
    const other = trusted('award', { ...properties, username: 'conflicting' });
    const again = trusted('award', { ...properties });
    const post = trusted('feed_post_created', { post_id: 'once', username: 'poster' });
    const stolen = trusted('feed_post_created', { post_id: 'once', username: 'thief' });
    const { status, body } = await send([first, other, again, post, stolen]);

    expect(status).toBe(202);
    expect(body.results.map(({ status, code }: any) => [status, code])).toEqual([
      ['accepted', undefined],
      ['rejected', 'award_conflict'],
      ['duplicate', undefined],
      ['accepted', undefined],
      ['rejected', 'feed_post_conflict'],
    ]);
    expect(await balanceOf('conflicting')).toBeUndefined();
    expect((await send([other])).status).toBe(400);
  });

  it.each<[string, string, object]>([
    ['0 points', 'award', { points: 0 }],
    ['negative points', 'award', { points: -1 }],
    ['fractional points', 'award', { points: 0.5 }],
    ['100,001 points', 'award', { points: 100_001 }],
    ['no reason', 'award', { reason: undefined }],
    ['a reason of 301 bytes', 'award', { reason: 'x'.repeat(301) }],
    ['the id of a badge', 'award', { award_id: 'badge:b1' }],
    ['no username', 'award', { username: undefined }],
    ['a badge of a tier', 'badge_granted', { badge_id: 'tier-tree' }],
    ['a post without an id', 'feed_post_created', { post_id: undefined }],
    ['a post with a space', 'feed_post_created', { post_id: 'a b' }],
  ])('with %s are rejected, and nothing is stored', async (_what, event, change) => {
    const all = { award_id: 'x1', badge_id: 'x1', post_id: 'x1', username: 'nobody', points: 5, reason: 'none' };
    const before = await stored();
    const { status, body } = await send([trusted(event, { ...all, ...change })]);

    expect([status, body.results[0].code]).toEqual([400, 'invalid_event']);
    expect(await stored()).toEqual(before);
  });

  it('need the trusted scope', async () => {
    const { status, body } = await send([anAwardEvent()], { key: personal });
    expect([status, body.results[0].code]).toEqual([400, 'missing_scope']);
  });
});
