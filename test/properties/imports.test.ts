/**
 * What is imported is the same fact as what clients, servers and hooks report: in any order and any repetition, the same
 * facts, counts, history and ledger. The test was seen to fail without each of these guards:
 * - a sealed day that an announcement names is folded from nothing;
 * - an import stores an event under its own device, in the name of its sender;
 * - a hook's fact has the time that the hook gives.
 */
import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { SourceName } from '../../domain/hooks/hook-source.ts';
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
import { NOON, startPublishing, VERSION, type Publishing } from '../functions/publishing-under-test.ts';
import { PATIENCE, runs } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

let world: Publishing;
let importHistory: Parameters<Publishing['call']>[0];
let takeHooks: Parameters<Publishing['call']>[0];
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
  world = await startPublishing();
  importHistory = (await import('../../functions/import-history/handler.ts')).handler;
  takeHooks = (await import('../../functions/take-hooks/handler.ts')).handler;
  const source = { place: 'github', name: SourceName.parse('acme') } as const;
  await dynamoHookSources(world.client, world.tables.hook_sources).create(source, SECRET, ago(0));
});
afterAll(() => world.stop());

const DAY = 86_400_000;
const ago = (days: number) => new Date(NOON - days * DAY).toISOString();

const SECRET = 'it-is-a-secret-of-github';
/** Nobody has linked the third one: it is known by its login. */
const accountsOf = (run: string) => [`${run}-ada`, `${run}-bob`, `gh-${run}-cy`] as const;

/** A thing that happened, as an import has it, and the ways by which it is reported besides. */
type Thing = { readonly at: string; readonly imported: object; readonly others: readonly (() => Promise<unknown>)[] };

/** The things of a run. Their names begin with the run's, so that all runs share one engine. */
async function thingsOf(run: string): Promise<readonly Thing[]> {
  const [ada, bob, cy] = accountsOf(run);
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
    return { at: ago(days), imported: { ...event, properties: { ...properties, username } }, others: client };
  };
  const reported = (event: string, days: number, properties: object): Thing => {
    const sent = { event, distinct_id: 'server', timestamp: ago(days), properties };
    return { at: ago(days), imported: sent, others: days > 30 ? [] : [ingest(sent)] };
  };
  const published = (version: string, days: number, contentHash: string | undefined): Thing => {
    const properties = { extension_name: name, version, username: ada };
    const confirm = () => world.confirm({ name, version, ...(contentHash && { contentHash }) }, key[ada]);
    return {
      at: ago(days),
      imported: { event: 'extension_published', distinct_id: 'x', timestamp: ago(days), properties },
      others: [confirm],
    };
  };
  const id = count * 10;
  const [adasLogin, cysLogin] = [aUser('Ada', id + 1), aUser(`${run}-cy`, id + 2)];
  const logins = dynamoLogins(world.client, world.tables.telemetry);
  await logins.link(aUsername(ada), { place: 'github', id: id + 1, login: 'Ada' });
  /** GitHub tells it with its own time, and may do so late. A server may tell the same. */
  const onGithub = (name: string, days: number, properties: object, event: string, hook: object): Thing => {
    const body = JSON.stringify({ ...hook, repository: { id, full_name: `Acme/${run}` } });
    const headers = { 'x-github-event': event, 'x-hub-signature-256': signatureOf(SECRET, body) };
    const deliver = async () => {
      vi.setSystemTime(NOON);
      const answer = await world.call(takeHooks, 'POST', '/hooks/github/acme', { key: undefined, body, headers });
      expect(answer).toMatchObject({ status: 202, body: { ignored: 0 } });
    };
    const thing = reported(name, days, properties);
    return { ...thing, others: [deliver, ...thing.others] };
  };
  const opened = (number: number, days: number, username: string, user: object) =>
    onGithub('issue_created', days, { issue_id: `acme/${run}#${number}`, username }, 'issues', {
      ...{ action: 'opened', issue: { number, user, created_at: ago(days) } },
    });
  const merged = (number: number, days: number, username: string, user: object) =>
    onGithub('issue_created', days, { issue_id: `acme/${run}#${number}`, username }, 'pull_request', {
      ...{ action: 'closed', pull_request: { number, user, merged: true, merged_at: ago(days) } },
    });
  const released = (tag: string, days: number, username: string, author: object) =>
    onGithub('feed_post_created', days, { post_id: `acme/${run}@${tag}`, username }, 'release', {
      ...{ action: 'published', release: { id: 5, tag_name: tag, author, published_at: ago(days) } },
    });
  const award = (id: string, days: number, username: string) =>
    reported('award', days, {
      award_id: `${run}-${id}`,
      username,
      points: 50,
      reason: 'Helped',
      granted_by: 'the team',
    });
  return [
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
    released('v1', 10, ada, adasLogin),
    award('old', 120, ada),
    award('new', 3, bob),
  ];
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
  const plain = (text: string) => text.replaceAll(run, 'run');
  // Names of repositories and logins are no facts: only hooks need them.
  const ofRun = (items: readonly Record<string, any>[]) =>
    items.filter(
      ({ pk, sk }) => `${pk} ${sk}`.includes(run) && !/^(?:NAME|LOGIN)#/u.test(pk) && !String(sk).startsWith('LOGIN#'),
    );
  const telemetry = ofRun(await world.telemetry()).map(
    ({ pk, sk, owner, owned, hour, packed: _p, events, ...item }) => {
      const chunk = events === undefined ? undefined : parseChunk(marshall({ pk, sk, events, ...item })).chunk.events;
      return [
        pk,
        sk,
        owner,
        owned,
        sk === 'DEVICE' ? undefined : hour,
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
  const inOrder = [...(await thingsOf(first))].sort((a, b) => (a.at < b.at ? -1 : 1));
  const pulls = (run: string) => [pullOf(run, 'bob', VERSION, 150), pullOf(run, 'ada', '2026.08.21.2', 4)];
  await importAll([...inOrder.map(({ imported }) => imported), ...pulls(first)]);
  await refresh(first, null);
  const expected = await stateOf(first);

  const size = inOrder.length;
  const step = fc.record({ thing: fc.nat(size - 1), way: fc.nat(2) });
  const plans = fc.record({
    order: fc.shuffledSubarray(
      Array.from({ length: size }, (_, n) => n),
      { minLength: size },
    ),
    ways: fc.array(fc.nat(2), { minLength: size, maxLength: size }),
    repeats: fc.array(step, { maxLength: 8 }),
    sealedAfter: fc.nat(size),
  });
  await fc.assert(
    fc.asyncProperty(plans, async ({ order, ways, repeats, sealedAfter }) => {
      const run = aRun();
      const things = [...(await thingsOf(run))].sort((a, b) => (a.at < b.at ? -1 : 1));
      const send = async (index: number, way: number) => {
        const { at, imported, others } = things[index]!;
        const other = others[way - 1];
        vi.setSystemTime(Date.parse(at)); // a confirmation is dated by its receipt
        await (other === undefined || way === 0 ? (vi.setSystemTime(NOON), importAll([imported])) : other());
        vi.setSystemTime(NOON);
        return at.slice(0, 10);
      };
      const days: string[] = [];
      for (const [position, index] of order.entries()) {
        if (position === sealedAfter) await refresh(run, null);
        const day = await send(index, ways[position]!);
        if (position >= sealedAfter) days.push(day);
      }
      for (const { thing, way } of repeats) days.push(await send(thing, way));
      await importAll(pulls(run).toReversed());
      await refresh(run, days);
      expect(await stateOf(run)).toEqual(expected);
    }),
    { numRuns: runs(6) },
  );
});
