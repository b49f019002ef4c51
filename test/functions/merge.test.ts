import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { moveTotals } from '../../domain/grants/move-totals.ts';
import { linesUpTo } from '../../domain/grants/read-lines.ts';
import { lookAtUser } from '../../domain/consistency-check/look-at-user.ts';
import { cursorOf } from '../../domain/identity/account-export.ts';
import type { AccountId } from '../../domain/identity/account.ts';
import { refreshScore, type RefreshDeps } from '../../domain/scoring/refresh-score.ts';
import { dynamoAppendBoth } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { accountHandlers, startFunctionEngine } from './function-under-test.ts';

/** Accounts that are merged and unmerged, on an engine, with ids of their own. */
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handlers: Awaited<ReturnType<typeof accountHandlers>>;
let keys: { readonly admin: string; readonly server: string };
let deps: RefreshDeps & Required<Pick<RefreshDeps, 'moveTotals'>>;
let moveAtOnce: typeof deps.moveTotals;
const asked: string[] = [];
const DAY = 86_400_000;

beforeAll(async () => {
  world = await startFunctionEngine({ hasAccounts: true });
  handlers = await accountHandlers();
  keys = { admin: (await world.aKey({ kind: 'admin' })).key, server: (await world.aKey({ kind: 'service' })).key };
  const { refreshDeps, grantDeps } = await import('../../bench/wiring.ts'); // its logger reads the environment
  const tables = (role: string) => (world.tables as Record<string, string>)[role]!;
  const surroundings = { client: world.client, tables, clock: () => Date.now() };
  const appendBoth = dynamoAppendBoth(world.client, { grants: tables('score_grants'), scores: tables('user_scores') });
  const moveDeps = { ...grantDeps(surroundings), appendBoth };
  moveAtOnce = (account, merge) => moveTotals({ ...moveDeps, sleep: async () => {} }, account, merge);
  deps = {
    ...refreshDeps(surroundings),
    moveTotals: (account, merge) => moveTotals(moveDeps, account, merge),
    requestRefreshes: async (requests) => void asked.push(...requests.map(({ username }) => username)),
  };
});
afterEach(() => void vi.useRealTimers());
afterAll(() => world.stop());

async function call(
  handler: keyof typeof handlers,
  path: string,
  key: string,
  body?: unknown,
  query = '',
): Promise<Record<string, any> & { readonly status: number }> {
  const method = body === undefined && handler !== 'accounts' ? 'GET' : 'POST';
  const { statusCode, body: answer } = await handlers[handler](anHttpRequest({ method, path, key, body, query }));
  return { ...(JSON.parse(answer) as Record<string, any>), status: statusCode };
}

type Person = { readonly name: string; readonly key: string; readonly id: AccountId };
let people = 0;
async function somebody(): Promise<Person> {
  const name = aUsername(`person-${(people += 1)}`);
  const { key } = await world.aKey({ kind: 'personal', username: name });
  const { accountId } = (await call('keys', '/api/whoami', key)) as Record<string, any>;
  return { name, key, id: accountId };
}
const merge = (from: Person, into: Person) =>
  call('accounts', `/v1/users/${from.name}/merge`, keys.admin, { into: into.name });
const unmerge = (from: Person) => call('accounts', `/v1/users/${from.name}/unmerge`, keys.admin);
const refresh = async (...persons: Person[]) => {
  for (const { id } of persons) await refreshScore(deps, { username: id, days: null });
};
const scoreOf = async ({ id }: Person) => (await deps.scores.load(id)).score!.score;

type Fact =
  | { readonly kind: 'event'; readonly device: number; readonly id: number; readonly daysAgo: number }
  | { readonly kind: 'sign-in'; readonly daysAgo: number }
  | { readonly kind: 'issue' | 'award' | 'badge' | 'publish'; readonly id: number }
  /** Enough that the cap applies to two of them. */
  | { readonly kind: 'issues' }
  /** By the account itself, by one of its devices, or by somebody else. */
  | { readonly kind: 'pull'; readonly by: 'account' | 'device' | 'other'; readonly of: number; readonly id: number };

/** Does what a fact says, as somebody. `place` keeps what happens in one story apart from others. */
async function act({ name, key }: Person, fact: Fact, place: string, who = 0): Promise<void> {
  const at = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY).toISOString();
  const server = (event: string, timestamp: string, properties: object) =>
    call('ingest', '/ingest', keys.server, {
      event,
      distinct_id: 's',
      timestamp,
      properties: { username: name, ...properties },
    });
  switch (fact.kind) {
    case 'event':
      await call('ingest', '/ingest', key, {
        ...{ event: 'cli_invocation', distinct_id: `${place}-${fact.device}`, insert_id: `${fact.id}` },
        timestamp: at(fact.daysAgo).slice(0, 13) + ':00:00Z',
        properties: { invocation: { command: 'model' } },
      });
      return;
    case 'sign-in':
      await server('daily_sign_in', at(fact.daysAgo), {});
      return;
    case 'publish':
      await call('publish', '/api/v1/extensions/confirm', key, {
        name: `${place}-of-${who}`,
        version: version(fact.id),
      });
      return;
    case 'pull': {
      const pulled = { extension_name: `${place}-of-${fact.of}`, version: version(fact.id) };
      const by = { account: name, device: undefined, other: `other-${fact.id}` }[fact.by];
      const properties = { ...pulled, ...(by === undefined ? {} : { username: by }) };
      const timestamp = at(0);
      const pull = { event: 'extension_pulled', distinct_id: `${place}-${fact.id}`, timestamp, properties };
      await call('ingest', '/ingest', keys.server, pull);
      return;
    }
    case 'issues': {
      const events = Array.from({ length: 15 }, (_, n) => ({
        ...{ event: 'issue_created', distinct_id: 's', timestamp: at(0) },
        properties: { username: name, issue_id: `many-${who}-${n}` },
      }));
      await call('ingest', '/ingest', keys.server, { events });
      return;
    }
    case 'issue':
      await server('issue_created', at(0), { issue_id: `i${fact.id}` });
      return;
    case 'award':
      await call('award', '/v1/awards', keys.server, {
        ...{ awardId: `${place}-${fact.id}`, username: name, points: 10 + fact.id, reason: 'r' },
      });
      return;
    case 'badge':
      await call('award', '/v1/badges', keys.server, {
        badgeId: `b${fact.id}`,
        username: name,
        points: 5,
      });
      return;
  }
}

const version = (id: number) => `2026.08.21.${id + 1}`;
const small = (max: number) => fc.integer({ min: 0, max });
const facts = fc.array(
  fc.tuple(
    fc.constantFrom(0, 1),
    fc.oneof(
      fc.record({ kind: fc.constant('event' as const), device: small(2), id: small(5), daysAgo: small(2) }),
      fc.record({ kind: fc.constant('sign-in' as const), daysAgo: small(3) }),
      fc.record({ kind: fc.constantFrom('issue' as const, 'award' as const, 'badge' as const), id: small(3) }),
      fc.record({ kind: fc.constant('publish' as const), id: small(1) }),
      fc.record({
        kind: fc.constant('pull' as const),
        by: fc.constantFrom('account' as const, 'device' as const, 'other' as const),
        of: small(1),
        id: small(1),
      }),
      fc.constant({ kind: 'issues' as const }),
    ),
  ),
  { minLength: 1, maxLength: 10 },
);
type Story = readonly (readonly [who: number, fact: Fact])[];
/** Each kind of fact that counts otherwise for one account than for two. */
const telling: Story = [
  [0, { kind: 'event', device: 0, id: 0, daysAgo: 0 }],
  [1, { kind: 'event', device: 0, id: 0, daysAgo: 0 }],
  [1, { kind: 'event', device: 1, id: 1, daysAgo: 1 }],
  [0, { kind: 'sign-in', daysAgo: 1 }],
  [1, { kind: 'sign-in', daysAgo: 1 }],
  [0, { kind: 'issues' }],
  [1, { kind: 'issues' }],
  [0, { kind: 'badge', id: 0 }],
  [1, { kind: 'badge', id: 0 }],
  [0, { kind: 'publish', id: 0 }],
  [1, { kind: 'publish', id: 0 }],
  [1, { kind: 'pull', by: 'account', of: 0, id: 0 }],
  [0, { kind: 'pull', by: 'device', of: 1, id: 0 }],
  [0, { kind: 'pull', by: 'device', of: 0, id: 1 }],
  [0, { kind: 'pull', by: 'other', of: 1, id: 0 }],
];
/** What of a score follows from facts, without the chain's own totals. */
const counted = async (person: Person) => {
  const { canonicalScore, tier, contributions, granted, tiersReached } = await scoreOf(person);
  const listed = granted.listed
    .filter(({ key }) => !key.includes('tier-'))
    .map((single) => ({ ...single, key: single.key.replace(/story-\d+-[mun]/u, 'story') }));
  return { canonicalScore, tier, contributions, listed, reached: tiersReached.map((each) => each.tier) };
};
const audited = async ({ id }: Person) => (await linesUpTo(deps.grants, id)).balance;

describe('a merge', () => {
  it('counts as if all had been done by one, and an unmerge as if nothing had been merged', async () => {
    await fc.assert(
      fc.asyncProperty(facts, facts, async (before, after) => {
        const place = `story-${people}`;
        const [ada, bob, union, ada2, bob2] = [
          ...[await somebody(), await somebody(), await somebody(), await somebody(), await somebody()],
        ] as [Person, Person, Person, Person, Person];
        const tell = async (story: Story) => {
          for (const [who, fact] of story) {
            await act([ada, bob][who]!, fact, `${place}-m`, who);
            await act(union, fact, `${place}-u`, who);
            await act([ada2, bob2][who]!, fact, `${place}-n`, who);
          }
        };
        await tell(before);
        await refresh(ada, bob);
        expect(await merge(bob, ada)).toMatchObject({ status: 200, accountId: bob.id, into: ada.name });
        await tell(after);
        await refresh(bob, ada, union);
        expect(await counted(ada)).toEqual(await counted(union));
        expect((await audited(bob)).totalScore).toBe(0);

        expect(await unmerge(bob)).toMatchObject({ status: 200, accountId: bob.id });
        await refresh(bob, ada, ada2, bob2);
        for (const [one, other] of [
          [ada, ada2],
          [bob, bob2],
        ] as const) {
          const [is, should] = [await scoreOf(one).catch(() => null), await scoreOf(other).catch(() => null)];
          if (should === null) expect(is?.canonicalScore ?? 0).toBe(0);
          else expect(await counted(one)).toEqual(await counted(other));
          expect((await audited(one)).totalScore).toBe((await audited(other)).totalScore);
        }
      }),
      { numRuns: 3, examples: [[telling.slice(0, 10), telling.slice(10)]] },
    );
  });

  it('may be of accounts that others are merged into, and is undone in any order; the consistency check finds no fault', async () => {
    for (const isInnerFirst of [true, false]) {
      const [ada, bob, cyd] = [await somebody(), await somebody(), await somebody()];
      const all = [ada, bob, cyd];
      for (const [n, each] of all.entries()) {
        await act(each, { kind: 'award', id: n }, each.name);
        await act(each, { kind: 'badge', id: 0 }, each.name);
        await act(each, { kind: 'event', device: 0, id: n, daysAgo: 0 }, each.name);
        await refresh(each);
      }
      const alone = new Map<Person, number>();
      for (const each of all) alone.set(each, (await scoreOf(each)).canonicalScore);
      const points = [15, 16, 17];
      const settled = async () => {
        await refresh(ada, bob, cyd, ada, bob, cyd);
        for (const { id } of all) {
          const look = await lookAtUser({ ...deps, ledger: deps.grants, sha256 }, id);
          expect(look).toEqual({ isCompared: true, isOfOtherRules: false, differences: [] });
        }
        return (await Promise.all(all.map(audited))).map(({ totalScore }) => totalScore);
      };
      expect(await merge(ada, bob)).toMatchObject({ status: 200 });
      expect(await settled()).toEqual([0, points[0]! + points[1]!, points[2]]);
      expect(await merge(bob, cyd)).toMatchObject({ status: 200 });
      expect(await settled()).toEqual([0, 0, 48]);
      expect(await merge(cyd, ada)).toMatchObject({ status: 409, code: 'merge_conflict' });
      const together = await scoreOf(cyd);
      expect(together.contributions.map(({ key }: any) => key)).toContain('telemetry:activity');
      expect(together.granted.listed.filter(({ key }: any) => key === 'award:badge:b0')).toHaveLength(1);

      await unmerge(isInnerFirst ? ada : bob);
      expect(await settled()).toEqual(isInnerFirst ? [15, 0, 33] : [0, 31, 17]);
      await unmerge(isInnerFirst ? bob : ada);
      expect(await settled()).toEqual(points);
      for (const each of all) expect((await scoreOf(each)).canonicalScore).toBe(alone.get(each));
    }
  });

  it('passes the news of the merged account on, and moves what it is given meanwhile', async () => {
    const [ada, bob] = [await somebody(), await somebody()];
    await act(bob, { kind: 'award', id: 1 }, `${bob.name}-1`);
    await refresh(ada, bob);
    await merge(bob, ada);
    await refresh(bob);
    await act(bob, { kind: 'award', id: 2 }, `${bob.name}-2`);
    asked.splice(0);
    await refresh(bob, bob, ada);

    expect(asked).toEqual([ada.id, ada.id]);
    const { lines } = await linesUpTo(deps.grants, bob.id);
    expect(
      lines.filter(({ grantId }) => grantId.startsWith('merge:')).map(({ grantId, amount }) => [grantId, amount]),
    ).toEqual([
      [`merge:${bob.id}:1`, -11],
      [`merge:${bob.id}:3`, -12],
    ]);
    expect((await audited(ada)).totalScore).toBe(23);
    expect((await scoreOf(ada)).canonicalScore).toBe(23);
    expect(await scoreOf(bob)).toMatchObject({ isHidden: true, isMerged: true });
  });

  it('lets the keys of either work as those of the other one, for what each has published and stored', async () => {
    const [ada, bob, cyd] = [await somebody(), await somebody(), await somebody()];
    const extension = (path: string, { key }: Person, body: unknown) =>
      call('publish', `/api/v1/extensions/${path}`, key, body);
    const confirm = ({ name }: Person, by: Person, version = '2026.08.21.1') =>
      extension('confirm', by, { name, version });
    vi.useFakeTimers({ toFake: ['Date'] });
    const latest = ({ name }: Person) => call('publish', `/api/v1/extensions/${name}/latest`, keys.admin);
    for (const each of [ada, bob, cyd]) expect(await confirm(each, each)).toMatchObject({ status: 201 });
    await act(bob, { kind: 'award', id: 1 }, `${bob.name}-1`);
    expect(await confirm(ada, bob, '2026.08.21.2')).toMatchObject({ status: 409, code: 'not_owner' });
    expect(await call('exports', `/v1/users/${ada.name}/export`, bob.key)).toMatchObject({ status: 403 });
    await merge(bob, ada);
    vi.setSystemTime(Date.now() + 6_000); // names are remembered for 5 s

    expect(await confirm(ada, bob, '2026.08.21.2')).toMatchObject({ status: 201 });
    expect(await confirm(ada, ada, '2026.08.21.2')).toMatchObject({ status: 200 });
    expect(await confirm(bob, ada, '2026.08.21.2')).toMatchObject({ status: 201 });
    expect(await confirm(cyd, bob, '2026.08.21.2')).toMatchObject({ status: 409, code: 'not_owner' });
    expect(await latest(bob)).toMatchObject({ latestVersionDetail: { publisher: ada.name } });
    expect(await extension(`${ada.name}/yank`, bob, { reason: 'r' })).toMatchObject({ status: 200 });
    expect(await latest(ada)).toMatchObject({ status: 404 });
    expect(await extension(`${cyd.name}/transfer`, cyd, { to: ada.name })).toMatchObject({ status: 202 });
    expect(await extension(`${cyd.name}/accept`, bob, {})).toMatchObject({ status: 200 });
    expect(await call('keys', '/api/whoami', bob.key)).toMatchObject({ accountId: ada.id, username: ada.name });

    const { items, ...exported } = await call('exports', `/v1/users/${bob.name}/export`, bob.key);
    expect(exported).toEqual({ status: 200, accountId: ada.id });
    const stored = (kind: string) => items.filter((item: any) => item.kind === kind);
    expect(stored('account').map((item: any) => item.username)).toEqual([ada.name, bob.name]);
    const award = { grantId: `award:${bob.name}-1-1`, mergedAccountId: bob.id };
    expect(stored('grant')).toContainEqual(expect.objectContaining(award));
    const cursor = cursorOf({ part: 0, after: '', of: bob.id });
    const goOn = () => call('exports', `/v1/users/${ada.name}/export`, ada.key, undefined, `cursor=${cursor}`);
    expect(await goOn()).toMatchObject({ status: 200 });

    await unmerge(bob);
    vi.setSystemTime(Date.now() + 6_000);
    expect(await goOn()).toMatchObject({ status: 400, code: 'invalid_query' });
    expect(await confirm(ada, bob, '2026.08.21.3')).toMatchObject({ status: 409, code: 'not_owner' });
    expect(await call('exports', `/v1/users/${ada.name}/export`, bob.key)).toMatchObject({ status: 403 });
  });

  it('happens into one of two that are asked for at the same time', async () => {
    const [ada, bob, cyd] = [await somebody(), await somebody(), await somebody()];

    const both = await Promise.all([merge(bob, ada), merge(bob, cyd)]);

    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('moves points only while the accounts are merged, and brings them back only afterwards', async () => {
    const [ada, bob] = [await somebody(), await somebody()];
    await act(bob, { kind: 'award', id: 1 }, `${bob.name}-1`);
    await expect(moveAtOnce(bob.id, { into: ada.id })).rejects.toThrow('other writers');
    await merge(bob, ada);
    await moveAtOnce(bob.id, { into: ada.id });
    await expect(moveAtOnce(bob.id, { before: ada.id })).rejects.toThrow('other writers');

    expect((await audited(ada)).totalScore).toBe(11);
  });

  it('refuses itself, a merged account, a cycle and who may not, and stores nothing', async () => {
    const [ada, bob, cyd] = [await somebody(), await somebody(), await somebody()];
    expect(await merge(bob, ada)).toMatchObject({ status: 200 });
    const accounts = () => world.itemsOf(world.tables.accounts);
    const before = await accounts();

    expect(await merge(ada, ada)).toMatchObject({ status: 409, code: 'merge_conflict' });
    expect(await merge(bob, cyd)).toMatchObject({ status: 409, code: 'merge_conflict' });
    expect(await merge(ada, bob)).toMatchObject({ status: 409, code: 'merge_conflict' });
    expect(await unmerge(cyd)).toMatchObject({ status: 409, code: 'merge_conflict' });
    const byHand = await call('accounts', `/v1/users/${cyd.name}/merge`, cyd.key, { into: ada.name });
    expect(byHand).toMatchObject({ status: 403, code: 'missing_scope' });
    const nobody = { ...cyd, name: 'nobody-here' };
    expect(await merge(nobody, ada)).toMatchObject({ status: 404, code: 'unknown_username' });
    expect(await merge(cyd, nobody)).toMatchObject({ status: 404, code: 'unknown_username' });
    expect(await accounts()).toEqual(before);
  });
});
