/**
 * What is imported is the same fact as what clients, servers and hooks report: in any order and any repetition, the same
 * facts, counts, history and ledger. The test was seen to fail without each of these guards:
 * - a sealed day that an announcement names is folded from nothing;
 * - an import stores an event under its own device, in the name of its sender;
 * - a hook's fact has the time that the hook gives;
 * - a device is as old as the oldest event that an import tells of it;
 * - a renamed repository keeps its facts, and a transferred issue is the issue that it was.
 */
import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { beforeAll, expect, it, vi } from 'vitest';
import { SourceName } from '../../domain/hooks/hook-source.ts';
import { PLACES, type Place } from '../../domain/identity/logins.port.ts';
import { refreshScore } from '../../domain/scoring/refresh-score.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoGrantLines } from '../../functions/adapters/dynamodb/grants/grant-lines.ts';
import { dynamoHookSources } from '../../functions/adapters/dynamodb/hooks/hook-sources.ts';
import { dynamoUserRegistry } from '../../functions/adapters/dynamodb/registry/user-registry.ts';
import { dynamoScoreStore } from '../../functions/adapters/dynamodb/scoring/score-store.ts';
import { dynamoLogins } from '../../functions/adapters/dynamodb/telemetry/logins.ts';
import { parseChunk } from '../../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { aUser, signatureOf } from '../builders/hooks.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { NOON, VERSION, world } from '../functions/publishing-under-test.ts';
import { PATIENCE, runs } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

let importHistory: Parameters<typeof world.call>[0];
let takeHooks: Parameters<typeof world.call>[0];
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
  importHistory = (await import('../../functions/import-history/handler.ts')).handler;
  takeHooks = (await import('../../functions/take-hooks/handler.ts')).handler;
  const sources = dynamoHookSources(world.client, world.tables.hook_sources);
  for (const place of PLACES) await sources.create({ place, name: SourceName.parse('acme') }, SECRET, ago(0));
});

const DAY = 86_400_000;
const ago = (days: number) => new Date(NOON - days * DAY).toISOString();

const SECRET = 'it-is-a-secret-of-hooks';
const HEADERS = {
  github: { event: 'x-github-event', signature: 'x-hub-signature-256' },
  discourse: { event: 'x-discourse-event', signature: 'x-discourse-event-signature' },
} as const satisfies Record<Place, object>;
/** Nobody has linked the last two: they are known by their logins. */
const accountsOf = (run: string) => [`${run}-ada`, `${run}-bob`, `gh-${run}-cy`, `dc-${run}-di`] as const;
/** A number that only this run has. */
const numberOf = (run: string) => 7_000_000 + Number(run.slice(1, -1));

/** A thing that happened, as an import has it, and the ways by which it is reported besides. */
type Thing = {
  readonly at: string;
  readonly imported: () => object;
  readonly others: readonly (() => Promise<unknown>)[];
};
type Run = {
  readonly things: readonly Thing[];
  /** What changes no fact: a repository that gets another name, and hooks about deleted accounts. */
  readonly rename: () => Promise<void>;
  readonly mentionNobody: () => Promise<void>;
};

/** The things of a run. Their names begin with the run's, so that all runs share one engine. */
async function begun(run: string): Promise<Run> {
  const [ada, bob, cy, di] = accountsOf(run);
  const key = { [ada]: await world.aPersonalKey(ada), [bob]: await world.aPersonalKey(bob) };
  const name = `@acme/${run}`;
  const ingest =
    (event: object, by = world.keys.service) =>
    () =>
      world.call(world.ingest, 'POST', '/ingest', { key: by, body: { events: [event] } });
  const used = (username: string, device: string, days: number): Thing => {
    const event = {
      event: 'cli_invocation',
      distinct_id: `${run}-${device}`,
      insert_id: `${days}`,
      timestamp: ago(days),
    };
    const properties = { invocation: { command: 'model' } };
    const client = days > 30 ? [] : [ingest({ ...event, properties }, key[username])];
    const imported = () => ({ ...event, properties: { ...properties, username } });
    return { at: ago(days), imported, others: client };
  };
  const reported = (event: string, days: number, properties: object | (() => object)): Thing => {
    const imported = () => ({
      ...{ event, distinct_id: 'server', timestamp: ago(days) },
      properties: typeof properties === 'function' ? properties() : properties,
    });
    return { at: ago(days), imported, others: days > 30 ? [] : [() => ingest(imported())()] };
  };
  const published = (version: string, days: number, contentHash: string | undefined): Thing => {
    const properties = { extension_name: name, version, username: ada };
    const confirm = () => world.confirm({ name, version, ...(contentHash && { contentHash }) }, key[ada]);
    return {
      at: ago(days),
      imported: () => ({ event: 'extension_published', distinct_id: 'x', timestamp: ago(days), properties }),
      others: [confirm],
    };
  };
  const id = count * 10;
  const [adasLogin, cysLogin] = [aUser('Ada', id + 1), aUser(`${run}-cy`, id + 2)];
  const logins = dynamoLogins(world.client, world.tables.telemetry);
  await logins.link(aUsername(ada), { place: 'github', id: id + 1, login: 'Ada' });

  const deliver = async (place: Place, event: string, hook: object, counts: object = { ignored: 0 }) => {
    const body = JSON.stringify(hook);
    const { event: named, signature } = HEADERS[place];
    const headers = { [named]: event, [signature]: signatureOf(SECRET, body) };
    const answer = await world.call(takeHooks, 'POST', `/hooks/${place}/acme`, { key: undefined, body, headers });
    expect(answer).toMatchObject({ status: 202, body: counts });
  };
  // Laurel has heard of the repository. It may be renamed later: then both names are its own.
  let names: readonly string[] = [`acme/${run}`];
  let uses = 0;
  const oneName = () => names[(uses += 1) % names.length]!;
  const repository = () => ({ id, full_name: names.at(-1)!.replace('acme', 'Acme') });
  const rename = async () => {
    names = [`acme/${run}`, `acme/${run}-new`];
    const changes = { repository: { name: { from: run } } };
    await deliver('github', 'repository', { action: 'renamed', repository: repository(), changes }, { ignored: 1 });
  };
  const issueOf = (number: number, days: number, user: object | null, more: object = {}) => ({
    ...{ action: 'opened', repository: repository(), issue: { number, user, created_at: ago(days) } },
    ...more,
  });
  const mentionNobody = () => deliver('github', 'issues', issueOf(1, 14, null), { ignored: 1 });
  await deliver('github', 'issues', issueOf(90, 14, adasLogin), { accepted: 1 });

  /** GitHub tells it with its own time, and may do so late. A server may tell the same. */
  const onGithub = (name: string, days: number, properties: () => object, hooks: readonly (() => Promise<void>)[]) => {
    const thing = reported(name, days, properties);
    const late = (hook: () => Promise<void>) => async () => (vi.setSystemTime(NOON), hook());
    return { ...thing, others: [...hooks.map(late), ...thing.others] };
  };
  const issueId = (number: number) => `${oneName()}#${number}`;
  const opened = (number: number, days: number, username: string, user: object) =>
    onGithub('issue_created', days, () => ({ issue_id: issueId(number), username }), [
      () => deliver('github', 'issues', issueOf(number, days, user)),
    ]);
  const merged = (number: number, days: number, username: string, user: object) =>
    onGithub('issue_created', days, () => ({ issue_id: issueId(number), username }), [
      () =>
        deliver('github', 'pull_request', {
          ...{ action: 'closed', repository: repository() },
          pull_request: { number, user, merged: true, merged_at: ago(days) },
        }),
    ]);
  /** The issue has another number in another repository by now, where GitHub says that it was opened. */
  const transferred = (number: number, days: number, username: string, user: object) => {
    const there = { repository: { id: id + 3, full_name: `acme/${run}-other` } };
    const changes = () => ({ old_issue: { number }, old_repository: repository() });
    return onGithub('issue_created', days, () => ({ issue_id: issueId(number), username }), [
      () => deliver('github', 'issues', issueOf(number, days, user)),
      () => deliver('github', 'issues', issueOf(number + 50, days, user, { ...there, changes: changes() })),
    ]);
  };
  const released = (tag: string, days: number, username: string, author: object) =>
    onGithub('feed_post_created', days, () => ({ post_id: `${oneName()}@${tag}`, username }), [
      () =>
        deliver('github', 'release', {
          ...{ action: 'published', repository: repository() },
          release: { id: 5, tag_name: tag, author, published_at: ago(days) },
        }),
    ]);

  const [post, user_id, login] = [numberOf(run), id + 4, di.slice('dc-'.length)];
  const posted = (days: number): Thing => {
    const thing = reported('feed_post_created', days, { post_id: String(post), username: di });
    const hook = { post: { id: post, user_id, username: login, created_at: ago(days), post_type: 1 } };
    return { ...thing, others: [() => deliver('discourse', 'post_created', hook), ...thing.others] };
  };
  /** Its date is that of the receipt. */
  const signedIn = (days: number): Thing => {
    const thing = reported('daily_sign_in', days, { username: di });
    const hook = { user: { id: user_id, username: login } };
    return { ...thing, others: [() => deliver('discourse', 'user_logged_in', hook), ...thing.others] };
  };
  const award = (id: string, days: number, username: string) =>
    reported('award', days, {
      award_id: `${run}-${id}`,
      username,
      points: 50,
      reason: 'Helped',
      granted_by: 'the team',
    });
  const things = [
    published(VERSION, 200, 'abc'),
    published('2026.08.21.2', 20, undefined),
    ...[250, 100, 40, 39, 12, 11, 0].map((days) => used(ada, 'laptop', days)),
    used(bob, 'desk', 60),
    used(bob, 'desk', 5),
    reported('issue_created', 300, { issue_id: '1', username: bob }),
    reported('issue_created', 9, { issue_id: '2', username: bob }),
    reported('daily_sign_in', 7, { username: ada }),
    reported('feed_post_created', 6, { post_id: run, username: ada }),
    opened(1, 14, ada, adasLogin),
    opened(2, 200, cy, cysLogin),
    merged(3, 8, cy, cysLogin),
    transferred(4, 13, ada, adasLogin),
    released('v1', 10, ada, adasLogin),
    posted(15),
    signedIn(16),
    award('old', 120, ada),
    award('new', 3, bob),
  ].sort((a, b) => (a.at < b.at ? -1 : 1));
  return { things, rename, mentionNobody };
}

const pullOf = (run: string, username: string, version: string, days: number) => ({
  event: 'extension_pulled',
  distinct_id: 'server',
  timestamp: ago(days),
  properties: { extension_name: `@acme/${run}`, version, username: `${run}-${username}` },
});

const importAll = (events: readonly object[]) =>
  world.call(importHistory, 'POST', '/v1/import', { key: world.keys.admin, body: { events } });

const deps = () => {
  const { client, tables } = world;
  const chance = { random: () => 0.5, sleep: async () => {}, randomToken: () => `${Math.random()}`, sha256 };
  const ledger = dynamoGrantLedger(client, tables.score_grants);
  return {
    telemetry: dynamoUserTelemetry(client, tables.telemetry),
    registry: dynamoUserRegistry(client, tables.registry),
    scores: dynamoScoreStore(client, tables.user_scores),
    grants: {
      ledger,
      lines: dynamoGrantLines(client, tables.score_grants),
      rules: rulebook,
      reportConflict: () => undefined,
      ...chance,
    },
    clock: () => NOON,
    ...chance,
    reportDateAhead: () => undefined,
  };
};

/** What there is of a run in the end: facts without the marks of their writes, the ledger without its order, scores. */
async function stateOf(run: string): Promise<unknown> {
  const post = String(numberOf(run));
  const plain = (text: string) => text.replaceAll(run, 'run').replaceAll(post, 'post');
  // Names of repositories and logins are no facts: only hooks need them.
  const ofRun = (items: readonly Record<string, any>[]) =>
    items.filter(
      ({ pk, sk }) =>
        [run, post].some((each) => `${pk} ${sk}`.includes(each)) &&
        !/^(?:NAME|LOGIN)#/u.test(pk) &&
        !String(sk).startsWith('LOGIN#'),
    );
  const telemetry = ofRun(await world.telemetry()).map(
    ({ pk, sk, owner, owned, hour, createdAt, packed: _p, events, ...item }) => {
      const chunk = events === undefined ? undefined : parseChunk(marshall({ pk, sk, events, ...item })).chunk.events;
      return [
        pk,
        sk,
        owner,
        owned,
        sk === 'DEVICE' ? createdAt : hour,
        chunk?.map((entry) => JSON.stringify(entry)).sort(),
      ];
    },
  );
  const registry = ofRun(await world.registry()).map(({ pk, sk, publishedAt, credited, yanked, hour }) => [
    pk,
    sk,
    publishedAt,
    credited,
    yanked,
    hour,
  ]);
  const grants = ofRun(await world.grants()).map(
    ({ pk, sk, amount, grantedAt, totalScore, categoryTotals, sourceTotals }) => [
      pk,
      sk,
      amount,
      grantedAt,
      totalScore,
      categoryTotals,
      sourceTotals,
    ],
  );
  const scores = [];
  for (const username of accountsOf(run)) {
    const { score } = await deps().scores.load(aUsername(username));
    const { canonicalScore, contributions, steps, tier, granted } = score!.score;
    const { seq: _order, ...balance } = granted.balance;
    scores.push([username, canonicalScore, contributions, steps, tier, granted.byDate, balance]);
  }
  return JSON.parse(plain(JSON.stringify({ telemetry, registry, grants, scores }, asList)));
}
const asList = (_name: string, value: unknown) => (value instanceof Map ? [...value].sort() : value);

/** Refreshes the accounts as announcements of these days ask, and again for the badges that it grants. */
async function refresh(run: string, days: readonly string[] | null): Promise<void> {
  for (const username of accountsOf(run).flatMap((each) => [each, each])) {
    await refreshScore(deps(), { username: aUsername(username), days, reports: true, registry: true });
  }
}

let count = 0;
const aRun = () => `r${(count += 1)}x`;

it('imports, clients, servers and hooks report the same facts, in any order and repetition', async () => {
  const first = aRun();
  const { things: inOrder } = await begun(first);
  const pulls = (run: string) => [pullOf(run, 'bob', VERSION, 150), pullOf(run, 'ada', '2026.08.21.2', 4)];
  await importAll([...inOrder.map(({ imported }) => imported()), ...pulls(first)]);
  await refresh(first, null);
  const expected = await stateOf(first);

  const size = inOrder.length;
  const step = fc.record({ thing: fc.nat(size - 1), way: fc.nat(3) });
  const plans = fc.record({
    order: fc.shuffledSubarray(
      Array.from({ length: size }, (_, n) => n),
      { minLength: size },
    ),
    ways: fc.array(fc.nat(3), { minLength: size, maxLength: size }),
    repeats: fc.array(step, { maxLength: 12 }),
    sealedAfter: fc.nat(size),
    renamedAfter: fc.nat(size),
  });
  await fc.assert(
    fc.asyncProperty(plans, async ({ order, ways, repeats, sealedAfter, renamedAfter }) => {
      const run = aRun();
      const { things, rename, mentionNobody } = await begun(run);
      const send = async (index: number, way: number) => {
        const { at, imported, others } = things[index]!;
        const other = others[way - 1];
        vi.setSystemTime(Date.parse(at)); // a confirmation and a sign-in are dated by their receipt
        await (other === undefined ? (vi.setSystemTime(NOON), importAll([imported()])) : other());
        vi.setSystemTime(NOON);
        return at.slice(0, 10);
      };
      const days: string[] = [];
      for (const [position, index] of order.entries()) {
        if (position === sealedAfter) await refresh(run, null);
        if (position === renamedAfter) await rename();
        const day = await send(index, ways[position]!);
        if (position >= sealedAfter) days.push(day);
      }
      await mentionNobody();
      for (const { thing, way } of repeats) days.push(await send(thing, way));
      await importAll(pulls(run).toReversed());
      await refresh(run, days);
      expect(await stateOf(run)).toEqual(expected);
    }),
    { numRuns: runs(6) },
  );
});
