import { inflateRawSync } from 'node:zlib';
import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { grantPoints } from '../../domain/grants/grant-points.ts';
import { AccountId } from '../../domain/identity/account.ts';
import type { EraseRequested } from '../../domain/identity/erase.message.ts';
import { runErasure, type ErasureDeps } from '../../domain/identity/run-erasure.ts';
import { buildBoards, type BuildDeps } from '../../domain/leaderboards/build-boards.ts';
import { pageOf, readPlace } from '../../domain/leaderboards/read-boards.ts';
import { refoldMetrics } from '../../domain/scoring/refold-metrics.ts';
import { refreshScore, type RefreshDeps } from '../../domain/scoring/refresh-score.ts';
import { dynamoErasure } from '../../functions/adapters/dynamodb/erasure/account-erasure.ts';
import { dynamoLeaderboardReader } from '../../functions/adapters/dynamodb/leaderboards/leaderboard-reader.ts';
import { dynamoLeaderboardStore } from '../../functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
import { dynamoScoreStore } from '../../functions/adapters/dynamodb/scoring/score-store.ts';
import { dynamoDeviceStore } from '../../functions/adapters/dynamodb/telemetry/device-store.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aUsername, namesAsIds, sha256 } from '../builders/identity.ts';
import { aStanding, MemorySorters } from '../builders/memory-leaderboards.ts';
import { accountHandlers, startFunctionEngine } from './function-under-test.ts';

/** Erasures on an engine: what stops them, and what happens at the same time. */
const NOON = Date.parse('2126-08-21T12:00:00.000Z'); // the engine deletes items that are expired by the machine's clock
const DAY = 86_400_000;
const SECRET = 'palmyra';
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handlers: Awaited<ReturnType<typeof accountHandlers>>;
let publish: (event: unknown) => Promise<unknown>;
let wiring: Awaited<ReturnType<typeof loadWiring>>;
const loadWiring = () => import('../../bench/wiring.ts');
let admin: string;
beforeAll(async () => {
  world = await startFunctionEngine({ hasAccounts: true });
  handlers = await accountHandlers();
  publish = (await import('../../functions/confirm-publish/handler.ts')).handler;
  wiring = await loadWiring(); // its logger reads the environment
  admin = (await world.aKey({ kind: 'admin' })).key;
});
afterAll(async () => {
  vi.useRealTimers();
  await world.stop();
});
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOON }));

const surroundings = () => ({
  client: world.client,
  tables: (role: string) => (world.tables as Record<string, string>)[role]!,
  clock: () => Date.now(),
});
const pauses = {
  random: () => 0,
  sleep: async () => {},
  randomToken: (bytes: number) => `t${Math.random()}`.padEnd(bytes, '0'),
};
const sent: { request: EraseRequested; delaySeconds: number }[] = [];
function jobDeps(client: DynamoDBClient = world.client): ErasureDeps {
  const { tables } = world;
  const of = { ...tables, grants: tables.score_grants, scores: tables.user_scores, rollups: tables.metric_rollup_hour };
  return {
    ...dynamoErasure(client, of, { ...pauses, clock: () => Date.now(), sha256 }),
    goOn: async (request, delaySeconds) => void sent.push({ request, delaySeconds }),
  };
}
const always = () => true;
/** Both looks of the job. */
async function erase(id: AccountId): Promise<void> {
  await runErasure(jobDeps(), { account: id }, always);
  await runErasure(jobDeps(), sent.at(-1)!.request, always);
}

async function call(handler: keyof typeof handlers, method: string, path: string, key: string, body?: object) {
  const { statusCode, body: answer } = await handlers[handler](anHttpRequest({ method, path, key, body }));
  return { ...(JSON.parse(answer) as Record<string, any>), status: statusCode };
}
const leave = (name: string, key: string) => call('accounts', 'DELETE', `/v1/users/${name}`, key, { confirm: name });
const rename = (name: string, to: string, key: string) =>
  call('accounts', 'POST', `/v1/users/${name}/rename`, key, { to });
const merge = (name: string, into: string) => call('accounts', 'POST', `/v1/users/${name}/merge`, admin, { into });
const award = (username: string, awardId: string, more: object = {}) =>
  call('award', 'POST', '/v1/awards', admin, { awardId, username, points: 5, reason: SECRET, ...more });
const use = (key: string, device: string) =>
  call('ingest', 'POST', '/ingest', key, {
    ...{ event: 'cli_invocation', distinct_id: device, insert_id: device },
    ...{ timestamp: new Date().toISOString(), properties: { invocation: { command: 'model' } } },
  });
const confirm = (key: string, name: string) => {
  const body = { name, version: '2026.08.21.1' };
  return publish(anHttpRequest({ method: 'POST', path: '/api/v1/extensions/confirm', key, body }));
};

let people = 0;
async function somebody(name = `person-${(people += 1)}`) {
  const { key } = await world.aKey({ kind: 'personal', username: aUsername(name), label: SECRET });
  const { accountId } = (await call('keys', 'GET', '/api/whoami', key)) as Record<string, any>;
  return { name, key, id: AccountId.parse(accountId) };
}
const everything = async () =>
  (await Promise.all(Object.values(world.tables).map((table) => world.itemsOf(table)))).flat();
const about = async (...words: string[]) =>
  (await everything()).map((item) => JSON.stringify(item)).filter((text) => words.some((word) => text.includes(word)));
const refreshDeps = (): RefreshDeps => wiring.refreshDeps(surroundings());

describe('an erased account', () => {
  it('is gone at once with all that are merged into it; its names and a second erasure find nothing', async () => {
    const [ada, part, last] = [await somebody(), await somebody(), await somebody()];
    await rename(part.name, `${part.name}-b`, part.key);
    await merge(`${part.name}-b`, ada.name);
    await merge(last.name, ada.name);
    vi.setSystemTime(NOON + 6_000); // names are remembered for 5 s

    expect(await leave(ada.name, part.key)).toMatchObject({ status: 202, accountId: ada.id });

    for (const { key } of [ada, part, last])
      expect(await call('keys', 'GET', '/api/whoami', key)).toMatchObject({ status: 401, code: 'unknown_key' });
    for (const name of [ada.name, part.name, `${part.name}-b`, last.name])
      expect(await leave(name, admin)).toMatchObject({ status: 404 });
    expect(await merge(ada.name, ada.name)).toMatchObject({ status: 404 });
    for (const { id } of [ada, part, last]) await erase(id);
    expect(await about(ada.name, part.name, last.name)).toEqual([]);
  });

  it('frees its name, whose next holder is another account', async () => {
    const ada = await somebody();
    await leave(ada.name, ada.key);
    const next = await somebody(ada.name);

    expect(next.id).not.toBe(ada.id);
    await erase(ada.id);
    expect(await call('keys', 'GET', '/api/whoami', next.key)).toMatchObject({ status: 200, username: ada.name });
  });

  it('has given up names that others have by now: those keep them', async () => {
    const [ada, bob] = [await somebody(), await somebody()];
    await rename(ada.name, `${ada.name}-b`, ada.key);
    vi.setSystemTime(NOON + 91 * DAY);
    await rename(bob.name, ada.name, bob.key);
    await award(bob.name, `${bob.name}-given`, { grantedBy: ada.name });

    await leave(`${ada.name}-b`, ada.key);
    await erase(ada.id);
    expect(await call('keys', 'GET', '/api/whoami', bob.key)).toMatchObject({ username: ada.name });
    expect(await about(`"grantedBy":"${ada.name}"`)).toHaveLength(1);
  });

  it('is renamed or erased, if both are asked for at the same time; no name is left over', async () => {
    for (let round = 0; round < 5; round += 1) {
      const ada = await somebody();
      const answers = await Promise.all([
        leave(ada.name, admin),
        rename(ada.name, `${ada.name}-b`, admin),
        rename(ada.name, `${ada.name}-c`, admin),
      ]);
      if (answers[0].status !== 202) throw new Error(JSON.stringify(answers));
      await erase(ada.id);
      expect(await about(ada.name)).toEqual([]);
    }
  });
});

/** With everything that names them. */
async function settled() {
  const ada = await somebody();
  const id = ada.name;
  await rename(ada.name, `${id}-b`, ada.key);
  await use(ada.key, `d${people}-desk`);
  await confirm(ada.key, `loom-${people}`);
  for (let n = 0; n < 3; n += 1) await award(`${id}-b`, `award-${people}-${n}`);
  await award((await somebody()).name, `other-${people}`, { grantedBy: `${id}-b`, reason: 'Talk' });
  await refreshScore(refreshDeps(), { username: ada.id, days: null });
  return ada;
}
const isClean = async ({ name, id }: { name: string; id: AccountId }) => {
  expect(await about(name)).toEqual([]);
  const isPersonal = /"(?:SCORE|METRICS|DEVICE|KEY)"|"(?:reason|grantedBy)(?:Salt)?":/u;
  expect((await about(id)).filter((text) => isPersonal.test(text))).toEqual([]);
};

/** A client that does something else after its n-th read of an item of such a key, before its caller goes on. */
const interrupted = (key: string, read: number, meanwhile: () => Promise<unknown>): DynamoDBClient =>
  new Proxy(world.client, {
    get: (target, name) =>
      name === 'send'
        ? async (command: any) => {
            const answer = await target.send(command);
            const isIt = command instanceof GetItemCommand && command.input.Key?.pk?.S?.startsWith(key);
            if (isIt && (read -= 1) === 0) await meanwhile();
            return answer;
          }
        : Reflect.get(target, name),
  });

describe('the job', () => {
  it('ends clean though it was killed after each of its steps', async () => {
    const ada = await settled();
    await leave(`${ada.name}-b`, ada.key);
    const { steps, ...rest } = jobDeps();
    let kills = 0;
    for (let isDone = false; !isDone; kills += 1) {
      let left = kills;
      const dying = steps.map(({ name, page }) => ({
        name,
        async page(...given: Parameters<typeof page>) {
          const next = await page(...given);
          if ((left -= 1) < 0) throw new Error('killed');
          return next;
        },
      }));
      const [end] = await Promise.allSettled([runErasure({ ...rest, steps: dying }, { account: ada.id }, always)]);
      isDone = end.status === 'fulfilled';
    }
    expect(kills).toBeGreaterThan(steps.length);
    await isClean(ada);
  });

  it('goes on in other invocations when time is up, and looks again after a quarter of an hour', async () => {
    const ada = await settled();
    await leave(`${ada.name}-b`, ada.key);
    const outcomes: string[] = [];
    let request: EraseRequested = { account: ada.id };
    for (let n = 0; outcomes.at(-1) !== 'done' && n < 100; n += 1) {
      let pages = 0;
      sent.length = 0;
      outcomes.push(await runErasure(jobDeps(), request, () => (pages += 1) <= 1));
      request = sent[0]?.request ?? request;
      if (outcomes.at(-1) === 'looks-again') expect(sent[0]!.delaySeconds).toBe(900);
    }
    expect(outcomes.filter((outcome) => outcome === 'looks-again')).toHaveLength(1);
    expect(outcomes.at(-1)).toBe('done');
    expect(outcomes.length).toBeGreaterThan(2 * 8);
    await isClean(ada);
  });

  it('leaves an account alone that was not erased', async () => {
    const ada = await settled();
    const before = await everything();

    expect(await runErasure(jobDeps(), { account: ada.id }, always)).toBe('not-erased');
    expect(await everything()).toEqual(before);
  });

  it('removes what requests and refreshes stored that had begun before', async () => {
    const ada = await settled();
    const stale = await refreshDeps().scores.load(ada.id);
    await leave(`${ada.name}-b`, ada.key);
    await runErasure(jobDeps(), { account: ada.id }, always);
    const request = sent.at(-1)!.request;

    const device = `late-${people}`;
    const at = new Date().toISOString();
    await dynamoDeviceStore(world.client, world.tables.telemetry, pauses).bind(device, ada.id, at);
    const late = { key: 'award:late', category: 'award', source: 'award', amount: 5, grantedAt: at };
    const grant = { ...late, grantId: `award:late-${people}`, username: ada.id, reason: SECRET, grantedBy: SECRET };
    await grantPoints(wiring.grantDeps(surroundings()), [grant]);
    const { scores, ...deps } = refreshDeps();
    const before = { ...stale, metrics: null, score: null };
    const beganBefore = { ...deps, scores: { ...scores, load: async () => before } };
    expect(await refreshScore(beganBefore, { username: ada.id, days: null })).toBe('saved');

    expect(await runErasure(jobDeps(), request, always)).toBe('done');
    await isClean(ada);
    expect(await refreshScore(refreshDeps(), { username: ada.id, days: null })).toBe('unknown');
    const scoreStore = dynamoScoreStore(world.client, world.tables.user_scores);
    const refold = { ...deps, scores: scoreStore, balances: wiring.grantDeps(surroundings()).ledger };
    expect(await refoldMetrics(refold, ada.id, { dryRun: false })).toBe('erased');
    await isClean(ada);
  });

  it('ends clean beside everything that its key and its refreshes do meanwhile', async () => {
    for (let round = 0; round < 3; round += 1) {
      const ada = await settled();
      await Promise.all([
        leave(`${ada.name}-b`, admin).then(() => runErasure(jobDeps(), { account: ada.id }, always)),
        ...['x', 'y', 'z'].map((n) => use(ada.key, `race-${people}-${n}`)),
        confirm(ada.key, `race-${people}`),
        award(`${ada.name}-b`, `race-${people}`).catch(() => undefined),
        refreshScore(refreshDeps(), { username: ada.id, days: null }),
      ]);
      await runErasure(jobDeps(), { account: ada.id, place: { look: 2, step: '', after: '' } }, always);
      const again = (await world.itemsOf(world.tables.accounts)).find(({ sk }) => sk === `${ada.name}-b`);
      if (again !== undefined) await leave(`${ada.name}-b`, admin).then(() => erase(AccountId.parse(again.account)));
      await isClean(ada);
    }
  });

  it('leaves a device to the account that it was given to meanwhile', async () => {
    const [ada, bob] = [await somebody(), await somebody()];
    const device = `given-${people}`;
    await use(ada.key, device);
    await leave(ada.name, ada.key);
    const client = interrupted(`DEVICE#${device}`, 1, async () => {
      const to = { username: bob.id, at: new Date().toISOString() };
      await dynamoDeviceStore(world.client, world.tables.telemetry, pauses).unbind(device, ada.id, { to });
    });

    await runErasure(jobDeps(client), { account: ada.id }, always);

    const items = await world.itemsOf(world.tables.telemetry);
    const stored = items.find(({ pk, sk }) => pk === `DEVICE#${device}` && sk === 'DEVICE');
    expect(stored).toMatchObject({ owner: bob.id });
    expect(stored).not.toHaveProperty('lastOwner');
  });
});

describe('snapshots', () => {
  const clock = () => Date.now();
  const layout = { leaf: { most: 6, filled: 4, fewest: 2, average: 2 }, bucket: 4, changes: 2 };
  const boards = [{ name: 'alltime', title: 'All', window: 'all' as const }];
  const readDeps = () => ({
    leaderboards: dynamoLeaderboardReader(world.client, world.tables.leaderboards, { clock }),
    profiles: { hiddenAmong: async () => new Set<string>() },
    names: namesAsIds,
    ...{ clock, sha256 },
  });

  const build = (users: readonly AccountId[], of: (id: AccountId) => number, more: Partial<BuildDeps> = {}) =>
    buildBoards({
      standings: {
        segments: 1,
        read: async function* () {
          yield users.map((id) => aStanding(id, of(id), { since: NOON - DAY }));
        },
      },
      store: dynamoLeaderboardStore(world.client, world.tables.leaderboards, sha256),
      newSorter: new MemorySorters().newSorter,
      ...{ clock, sha256, boards, ...more },
    });
  const leaveBoard = async (account: AccountId, client?: DynamoDBClient) => {
    const step = jobDeps(client).steps.find(({ name }) => name === 'board-alltime')!;
    for (let after: string | null = ''; after !== null;) after = await step.page({ account, names: [] }, after);
  };

  it('lose the rows of erased accounts, also of two at a time; all others keep their ranks and are found', async () => {
    const ids = Array.from({ length: 30 }, (_, n) => AccountId.parse(`acc_${String(n).padStart(2, '0')}`));
    // Many have the same points and the same age, so leaves begin with ids.
    const pointsOf = (id: AccountId) => 100 + (ids.indexOf(id) % 2);
    await build(ids, pointsOf, { layout });
    const first = new Date(Date.now()).toISOString();
    vi.setSystemTime(NOON + 60_000);
    await build(ids.slice(1), (id) => (id === ids[3] ? 200 : pointsOf(id)), { layout });
    expect((await readDeps().leaderboards.newest('alltime'))?.patch?.come).toHaveLength(1); // in the snapshot itself
    const placesOf = async (id: string, at?: string) => {
      const place = await readPlace(readDeps(), 'alltime', id, { at });
      return place.ok ? place.value.rank : null;
    };
    const before = await Promise.all(ids.map((id) => placesOf(id, first)));
    expect(before.every((rank) => rank !== null)).toBe(true);

    const gone = new Set<string>();
    for (let from = 0; from < ids.length; from += 3) {
      // Neighbours in a leaf, because both have the same points. One is removed between a read and a write of the other.
      const [one, two] = [ids[from]!, ids[from + 2]!];
      let hasMet = false as boolean;
      const leaveToo = async () => {
        hasMet = true;
        await leaveBoard(two);
      };
      await leaveBoard(one, interrupted('BLOCK#', 1 + (from % 4), leaveToo));
      if (!hasMet) await leaveToo();
      gone.add(one).add(two);

      const rows = await pageOf(readDeps(), 'alltime', { limit: 100, at: first });
      expect(rows.ok && rows.value.rows.map(({ username }) => username).filter((id) => gone.has(id))).toEqual([]);
      expect(await Promise.all(ids.map((id) => placesOf(id, first)))).toEqual(
        before.map((rank, n) => (gone.has(ids[n]!) ? null : rank)),
      );
    }
    for (const at of [first, undefined]) {
      const text = JSON.stringify(await pageOf(readDeps(), 'alltime', { limit: 100, at }));
      for (const id of gone) expect(text).not.toContain(id);
    }
    expect(await placesOf(ids[1]!)).not.toBeNull();
  });

  it('lose the stored names of erased accounts, also of one that left the leaf that still has its name', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => AccountId.parse(`acc_named_${n}`));
    const nameOf = (id: AccountId) => aUsername(`known-as-${id}`);
    const accounts = {
      withIds: async (some: readonly AccountId[]) =>
        new Map(
          some.map((id) => [id, { id, username: nameOf(id), formerNames: [], merged: [], revision: 1 }] as const),
        ),
      changedSince: async () => new Map(),
    };
    for (const users of [ids, ids.slice(1)]) {
      vi.setSystemTime(Date.now() + DAY / 24);
      await build(users, () => 100, { accounts });
    }
    const stored = async () => {
      const texts = (await world.itemsOf(world.tables.leaderboards)).flatMap(({ names, accounts: has }) =>
        has instanceof Uint8Array ? inflateRawSync(names).toString() : [],
      );
      return ids.filter((id) => texts.some((text) => text.split('\n').includes(nameOf(id))));
    };
    expect(await stored()).toEqual(ids);

    for (const account of [ids[0]!, ids[20]!]) await leaveBoard(account);
    expect(await stored()).toEqual(ids.filter((_, n) => n !== 0 && n !== 20));
  });
});
