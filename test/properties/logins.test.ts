/**
 * A login may be linked at any moment: before, between or after what is reported of it. In the end, everything counts for
 * the account, each thing once. The test was seen to fail without each of these guards:
 * - a link merges the account of the login, also if nothing was reported of it yet;
 * - a thing that an account of the same person has already is a repeat;
 * - a refolded history reads the facts and lines of merged accounts.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { SourceName } from '../../domain/hooks/hook-source.ts';
import type { AccountId } from '../../domain/identity/account.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { PLACES, type Place } from '../../domain/identity/logins.port.ts';
import { moveTotals } from '../../domain/grants/move-totals.ts';
import { linesUpTo } from '../../domain/grants/read-lines.ts';
import { refoldHistory } from '../../domain/scoring/refold-history.ts';
import { refreshScore, type RefreshDeps } from '../../domain/scoring/refresh-score.ts';
import { statsView } from '../../domain/scoring/views.ts';
import { dynamoAppendBoth } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoHookSources } from '../../functions/adapters/dynamodb/hooks/hook-sources.ts';
import { dynamoScoreStore } from '../../functions/adapters/dynamodb/scoring/score-store.ts';
import { aUser, signatureOf } from '../builders/hooks.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { accountHandlers, startFunctionEngine, type Answer } from '../functions/function-under-test.ts';
import { PATIENCE, runs } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

type Handler = (event: unknown) => Promise<Answer>;
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handlers: Record<'hooks' | 'links' | 'imports' | 'ingest', Handler>;
let keys: Record<'admin' | 'server', string>;
let deps: RefreshDeps;
let names: AccountNames;

const NOON = Date.parse('2026-08-21T12:00:00.000Z');
const AT = '2026-08-20T12:00:00.000Z';
const SECRET = 'it-is-a-secret-of-hooks';

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
  world = await startFunctionEngine({ hasAccounts: true });
  handlers = {
    hooks: (await import('../../functions/take-hooks/handler.ts')).handler,
    links: (await import('../../functions/link-logins/handler.ts')).handler,
    imports: (await import('../../functions/import-history/handler.ts')).handler,
    ingest: (await accountHandlers()).ingest,
  };
  keys = { admin: (await world.aKey({ kind: 'admin' })).key, server: (await world.aKey({ kind: 'service' })).key };
  const sources = dynamoHookSources(world.client, world.tables.hook_sources);
  for (const place of PLACES) await sources.create({ place, name: SourceName.parse('acme') }, SECRET, AT);
  const { refreshDeps, grantDeps } = await import('../../bench/wiring.ts'); // its logger reads the environment
  const { dynamoAccountNames } = await import('../../functions/adapters/dynamodb/identity/accounts.ts');
  const chance = { random: () => 0.5, sleep: async () => {}, randomToken: () => `${Math.random()}`.slice(2) };
  names = dynamoAccountNames(world.client, world.tables.accounts, { ...chance, clock: () => Date.now() });
  const tables = (role: string) => (world.tables as Record<string, string>)[role]!;
  const surroundings = { client: world.client, tables, clock: () => Date.now() };
  const appendBoth = dynamoAppendBoth(world.client, { grants: tables('score_grants'), scores: tables('user_scores') });
  const moveDeps = { ...grantDeps(surroundings), appendBoth, sleep: async () => {} };
  deps = { ...refreshDeps(surroundings), moveTotals: (account, merge) => moveTotals(moveDeps, account, merge) };
});
afterAll(async () => {
  vi.useRealTimers();
  await world.stop();
});

async function call(handler: Handler, method: string, path: string, body: unknown, headers: object = {}) {
  const named = headers as Record<string, string>;
  const { statusCode, body: text } = await handler(anHttpRequest({ method, path, body, headers: named }));
  expect([200, 202, 204, 400]).toContain(statusCode); // 400: every event of an import was refused
  return text === '' ? {} : JSON.parse(text);
}
const asAdmin = () => ({ 'x-api-key': keys.admin });
const HEADERS = {
  github: ['x-github-event', 'x-hub-signature-256'],
  discourse: ['x-discourse-event', 'x-discourse-event-signature'],
} as const satisfies Record<Place, readonly [string, string]>;
function deliver(place: Place, event: string, hook: object) {
  const body = JSON.stringify(hook);
  const [named, signature] = HEADERS[place];
  return call(handlers.hooks, 'POST', `/hooks/${place}/acme`, body, {
    ...{ [named]: event, [signature]: signatureOf(SECRET, body) },
  });
}

let count = 0;
/** Somebody with a login in each place, and the ways by which each of their things is reported. */
function aPerson() {
  count += 1;
  const [username, login, repo, id] = [`p${count}x`, `L${count}x`, `acme/r${count}x`, count * 10];
  const own = { github: `gh-${login.toLowerCase()}`, discourse: `dc-${login.toLowerCase()}` };
  const repository = { id, full_name: repo };
  const github = aUser(login, id);
  const thing = (place: Place, event: string, properties: object, hook: () => Promise<unknown>) => {
    const told = (by: string) => ({
      ...{ event, distinct_id: 's', timestamp: AT },
      properties: { ...properties, username: by },
    });
    const imported = (by: string) => () => call(handlers.imports, 'POST', '/v1/import', told(by), asAdmin());
    const reported = () => call(handlers.ingest, 'POST', '/ingest', told(own[place]), { 'x-api-key': keys.server });
    return [hook, imported(own[place]), imported(username), reported] as const;
  };
  const issue = (number: number) =>
    thing('github', 'issue_created', { issue_id: `${repo}#${number}` }, () =>
      deliver('github', 'issues', { action: 'opened', repository, issue: { number, user: github, created_at: AT } }),
    );
  const release = { id: 5, tag_name: 'v1', author: github, published_at: AT };
  const post = { id, user_id: id, username: login, created_at: AT, post_type: 1 };
  const things = [
    issue(1),
    issue(2),
    thing('github', 'feed_post_created', { post_id: `${repo}@v1` }, () =>
      deliver('github', 'release', { action: 'published', repository, release }),
    ),
    thing('discourse', 'feed_post_created', { post_id: String(id) }, () =>
      deliver('discourse', 'post_created', { post }),
    ),
    thing('discourse', 'daily_sign_in', {}, async () => {
      const now = Date.now();
      vi.setSystemTime(Date.parse(AT)); // a sign-in is of the date of its receipt
      const answer = await deliver('discourse', 'user_logged_in', { user: { id, username: login } });
      vi.setSystemTime(now);
      return answer;
    }),
  ];
  const link = async (place: Place, method: 'PUT' | 'DELETE' = 'PUT') => {
    const body = method === 'PUT' ? { id, login } : undefined;
    await call(handlers.links, method, `/v1/users/${username}/logins/${place}`, body, asAdmin());
    vi.setSystemTime(Date.now() + 6_000); // who answers for an account is remembered for 5 s
  };
  /** What counts for an account, with the names of this person taken out. */
  const stateOf = async (name: string) => {
    const account = (await names.find(aUsername(name)))?.account;
    const { metrics, score } = account === undefined ? { metrics: null, score: null } : await deps.scores.load(account);
    if (account === undefined || !metrics || !score) return null;
    const { canonicalScore, contributions, granted, steps, tier } = score.score;
    const { eventCounts, activeDates } = statsView({ account, username: aUsername(name) }, metrics, score.score);
    const { totalScore, categoryTotals } = (await linesUpTo(deps.grants, account)).balance;
    const state = { canonicalScore, contributions, listed: granted.listed, byDate: granted.byDate, steps, tier };
    const counts = { eventCounts, activeDates, totalScore, categoryTotals };
    const text = JSON.stringify({ ...state, ...counts }, (_, each) => (each instanceof Map ? [...each].sort() : each));
    return JSON.parse(text.replaceAll(repo, 'repository').replaceAll(`feed-post:${id}`, 'feed-post'));
  };
  const refresh = async () => {
    const all = [own.github, own.discourse, username].map((name) => aUsername(name));
    const accountOf = await names.accountsOf(all);
    for (const account of [...all, ...all].map((name): AccountId => accountOf(name))) {
      await refreshScore(deps, { username: account, days: null });
    }
  };
  return { username, own, things, link, refresh, stateOf };
}

it('links of logins give the same state at any moment, by whatever way things are reported', async () => {
  const first = aPerson();
  for (const place of PLACES) await first.link(place);
  for (const [hook] of first.things) await hook();
  await first.refresh();
  const expected = await first.stateOf(first.username);
  expect(expected).toMatchObject({ canonicalScore: 310, totalScore: 200, eventCounts: { issue_created: 2 } });

  const [size, ways] = [first.things.length, fc.nat(3)];
  const plans = fc.record({
    order: fc.shuffledSubarray([...first.things.keys()], { minLength: size }),
    ways: fc.array(ways, { minLength: size, maxLength: size }),
    repeats: fc.array(fc.record({ thing: fc.nat(size - 1), way: ways }), { maxLength: 6 }),
    linkedAfter: fc.tuple(fc.nat(size), fc.nat(size)),
    refreshedAfter: fc.nat(size),
    linkedAgain: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(plans, async ({ order, ways: by, repeats, linkedAfter, refreshedAfter, linkedAgain }) => {
      const person = aPerson();
      for (let position = 0; position <= size; position += 1) {
        for (const [n, place] of PLACES.entries()) if (linkedAfter[n] === position) await person.link(place);
        if (position === refreshedAfter) await person.refresh();
        if (position < size) await person.things[order[position]!]![by[position]!]!();
      }
      for (const { thing, way } of repeats) await person.things[thing]![way]!();
      if (linkedAgain) await person.link('github');
      await person.refresh();
      expect(await person.stateOf(person.username)).toEqual(expected);
      expect(await person.stateOf(person.own.github)).toEqual(expected); // it answers as the account
    }),
    { numRuns: runs(5) },
  );
});

it('refolded histories tell of a past that an account has by a link, whenever it was linked', async () => {
  const history = dynamoScoreStore(world.client, world.tables.user_scores);
  const past = async (isLinkedFirst: boolean) => {
    const person = aPerson();
    if (isLinkedFirst) for (const place of PLACES) await person.link(place);
    const at = '2026-02-03T12:00:00.000Z';
    const event = (name: string, more: object, username: string, timestamp = at) => ({
      ...{ event: name, distinct_id: 's', timestamp, properties: { username, ...more } },
    });
    const events = [
      event('issue_created', { issue_id: 'old' }, person.own.github),
      event('feed_post_created', { post_id: `old-${person.username}` }, person.own.discourse),
      event('issue_created', { issue_id: 'own' }, person.username, '2026-02-05T12:00:00.000Z'),
    ];
    await call(handlers.imports, 'POST', '/v1/import', { events }, asAdmin());
    if (!isLinkedFirst) for (const place of PLACES) await person.link(place);
    await person.refresh();
    const account = (await names.find(aUsername(person.username)))!.account;
    await refoldHistory({ ...deps, lines: deps.grants.lines, history }, account, { from: null, to: null });
    const rows = await history.dayRows(account, '2026-02-01', '2026-02-06');
    return rows.map(({ date, canonicalScore }) => [date, canonicalScore]);
  };

  for (const isLinkedFirst of [false, true]) {
    expect(await past(isLinkedFirst)).toEqual([
      ['2026-02-03', 150],
      ['2026-02-05', 200],
    ]);
  }
});

it('an unlink gives back what came before the link, and no thing comes twice meanwhile', async () => {
  const person = aPerson();
  for (const [hook] of person.things) await hook();
  await person.refresh();
  const before = [await person.stateOf(person.own.github), await person.stateOf(person.own.discourse)];
  for (const place of PLACES) await person.link(place);
  for (const [hook] of person.things) expect(await hook()).toMatchObject({ accepted: 0, duplicates: 1 });
  await person.refresh();
  expect(await person.stateOf(person.username)).toMatchObject({ canonicalScore: 310 });

  for (const place of PLACES) await person.link(place, 'DELETE');
  await person.refresh();
  expect([await person.stateOf(person.own.github), await person.stateOf(person.own.discourse)]).toEqual(before);
  expect((await person.stateOf(person.username))?.canonicalScore ?? 0).toBe(0);
});
