import { grantOf, type GrantRequest } from '../domain/grants/grant.ts';
import { grantPoints } from '../domain/grants/grant-points.ts';
import { buildBoards } from '../domain/leaderboards/build-boards.ts';
import { communityMetrics } from '../domain/metrics/catalog.ts';
import { noFacts } from '../domain/metrics/community-hour.ts';
import { ExtensionSort, leavesOf } from '../domain/metrics/extension-list.ts';
import { foldCommunityHour } from '../domain/metrics/hour-fold.ts';
import { setHour, setSamples } from '../domain/metrics/rolled-up-day.ts';
import { DAYS_OF_WEEK } from '../domain/metrics/weeks.ts';
import { rulebook } from '../domain/rules/current-rules.ts';
import { refreshScore } from '../domain/scoring/refresh-score.ts';
import { addDays, dateOf, isoOf, MILLISECONDS_PER_DAY } from '../domain/shared/utc.ts';
import { diskSorter } from '../functions/adapters/disk/external-sorter.ts';
import { dynamoAccounts, toAccountItem, toNameItem } from '../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoLeaderboardReader } from '../functions/adapters/dynamodb/leaderboards/leaderboard-reader.ts';
import { dynamoLeaderboardStore } from '../functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
import { dynamoStandings } from '../functions/adapters/dynamodb/leaderboards/standings.ts';
import { dynamoRollupStore } from '../functions/adapters/dynamodb/metrics/rollup-store.ts';
import { AccountId } from '../domain/identity/account.ts';
import { renameAccount } from '../domain/identity/rename-account.ts';
import { Username } from '../domain/identity/username.ts';
import { settleAll } from '../domain/shared/settle-all.ts';
import { routes } from '../functions/read-api/routes.ts';
import { wireReadApi } from '../functions/read-api/wiring.ts';
import { random, sha256, sleep } from '../functions/runtime/environment.ts';
import { httpFunction } from '../functions/runtime/http-function.ts';
import { meterCapacity } from './capacity-meter.ts';
import { functionOf } from './deployed.ts';
import type { BenchEngine } from './engine.ts';
import { cost, type Cost } from './measurements.ts';
import { putAll } from './put-all.ts';
import { saveScores, simulatedName, simulatedScore } from './simulated-scores.ts';
import { grantDeps, readEnv, refreshDeps, type Surroundings } from './wiring.ts';
import { secondsOnLambda } from './yardstick.ts';

/** What a public answer may cost. */
const MOST = 60;
const BOARD = '/v1/leaderboards/{board}';
const USERS = 3_000;
/** Accounts with another name than their rows have, in the middle of a board. */
const RENAMED = 40;
/** Accounts that were renamed at all: a few more, and they are too many to tell. */
const CHANGED = 990;
const MINUTE = 60_000;
const LINES = 900;
const LISTED = 100;
const EXTENSIONS = 5_000;
const MEMBERS_A_DAY = 20_000;
const SERIES_DAYS = 365;
const HOURS_DAYS = 92;
const LONGEST_REASON = 300;
const LONGEST_NAME = 64;
const LONGEST_EXTENSION = 128;
const ID_LENGTH = 16;
/** Of so many extensions, one has a publisher whose name is not stored. */
const NEW_OF_EXTENSIONS = 100;

const heavy = simulatedName(0);

/** The longest lines that a ledger takes, and everything that a score lists one by one. */
async function fillLedger(surroundings: Surroundings): Promise<void> {
  const at = isoOf(surroundings.clock());
  const texts = { reason: 'r'.repeat(LONGEST_REASON), grantedBy: 'g'.repeat(LONGEST_NAME) };
  const of = { username: heavy, ...texts };
  const awards = Array.from({ length: LINES }, (_, n): GrantRequest =>
    grantOf({ kind: 'award', awardId: `award-${n}`, points: 5, ...of }, at, rulebook),
  );
  const badges = Array.from({ length: LISTED }, (_, n): GrantRequest =>
    grantOf({ kind: 'badge', badgeId: `badge-${n}`, points: 5, ...of }, at, rulebook),
  );
  await grantPoints(grantDeps(surroundings), [...awards, ...badges]);
  await refreshScore(refreshDeps(surroundings), { username: heavy, days: null });
}

/** Boards of accounts with names, each of which an answer names. */
export async function fillBoards({ client, tables, clock }: Surroundings, users = USERS): Promise<void> {
  const all = Array.from({ length: users }, (_, index) => index + 1);
  await saveScores(client, tables('user_scores'), all, (index) => simulatedScore(index, clock()));
  const named = [0, ...all].map((index) => ({ id: simulatedName(index), name: Username.parse(simulatedName(index)) }));
  await putAll(
    client,
    tables('accounts'),
    named.flatMap(({ id, name }) => [
      toNameItem(name, id),
      toAccountItem({ id, username: name, formerNames: [], merged: [], revision: 1 }),
    ]),
  );
  const names = dynamoAccounts(client, tables('accounts'), { random, sleep });
  const build = (at: number) =>
    buildBoards({
      standings: dynamoStandings(client, tables('user_scores')),
      store: dynamoLeaderboardStore(client, tables('leaderboards'), sha256),
      accounts: names,
      newSorter: diskSorter(),
      ...{ clock: () => at, sha256 },
    });
  // One to compare with, one of the past, and the newest one.
  for (const ago of [31 * MILLISECONDS_PER_DAY, 2 * MINUTE, MINUTE]) await build(clock() - ago);
  const page = await dynamoLeaderboardReader(client, tables('leaderboards'), { clock }).newest('alltime');
  const [first] = page?.leaves ?? [];
  if (first === undefined) throw new Error('a board without leaves');
  const { rows } = await dynamoLeaderboardReader(client, tables('leaderboards'), { clock }).leaf(first.ref);
  const shown = rows.slice(0, RENAMED).map(({ username }) => AccountId.parse(username));
  const others = all.map(simulatedName).filter((id) => !rows.some(({ username }) => username === id));
  await settleAll([...shown, ...others.slice(0, CHANGED - RENAMED)], 8, async (id) => {
    const renamed = await renameAccount({ accounts: names, clock }, id, longestName(`new ${id}`));
    if (!renamed.ok) throw new Error(`${id} was not renamed: ${renamed.error}`);
  });
}

/** A year of every metric, two weeks of many members, and many extensions. */
async function fillCommunity({ client, tables, clock }: Surroundings): Promise<void> {
  const store = dynamoRollupStore(client, tables('metric_rollup_hour'), { clock, sleep });
  const today = dateOf(clock());
  for (let back = 0; back < SERIES_DAYS; back += 1) {
    const date = addDays(today, -back);
    const members = back <= 2 * DAYS_OF_WEEK ? MEMBERS_A_DAY : 1;
    const devices = Array.from({ length: members }, (_, n) => ({
      deviceId: `device-${n}`,
      events: [
        {
          id: sha256(`${n}`).slice(0, 16),
          kind: { event: 'cli_invocation', command: 'data', success: true },
          sender: null,
        },
      ],
    }));
    const fold = foldCommunityHour({ ...noFacts, devices }, sha256);
    const at = `${date}T12:00:00.000Z`;
    const stored = await store.load(date);
    const sampled = setSamples(await stored.withSets(), { members, totalScore: 9_876_543_210_987n }, at);
    await stored.save(setHour(sampled, `${date}T12`, fold, at));
  }
  for (const back of [1, 1 + DAYS_OF_WEEK]) {
    const distinct = communityMetrics.filter(({ kind }) => kind === 'distinct');
    const week = await store.loadWeek(addDays(today, -back));
    await week.save(new Map(distinct.map(({ name }) => [name, MEMBERS_A_DAY])));
  }
  const publisherOf = (n: number) => AccountId.parse(`acc_${unlike(`publisher ${n}`, ID_LENGTH)}`);
  const summaries = Array.from({ length: EXTENSIONS }, (_, n) => ({
    extension: `@${unlike(`scope ${n}`, LONGEST_EXTENSION / 2)}/${unlike(`tool ${n}`, LONGEST_EXTENSION / 2 - 2)}`,
    publisher: { kind: 'personal', name: publisherOf(n) } as const,
    ...{ versions: 1 + (n % 7), pulls: n % 900 },
    ...{ firstPublished: isoOf(clock() - n * 7_654_321), lastPublished: isoOf(clock() - n * 1_234_567) },
  }));
  // Accounts of this moment: a page has to look them up.
  const isNew = (n: number) => n % NEW_OF_EXTENSIONS === 0;
  const names = summaries.flatMap(({ publisher }, n) =>
    isNew(n) ? [] : [[publisher.name, longestName(`name ${n}`)] as const],
  );
  const known = { at: isoOf(clock() - MINUTE), names: new Map(names) };
  for (const sort of ExtensionSort.options)
    await (await store.loadList(sort)).save(leavesOf(summaries, sort, sha256), known);
}

const CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** A text that does not compress, as far as the characters of names allow. */
const unlike = (seed: string, length: number): string =>
  Array.from({ length }, (_, index) =>
    CHARACTERS.charAt(parseInt(sha256(`${seed} ${index}`).slice(0, 6), 16) % CHARACTERS.length),
  ).join('');
const longestName = (seed: string) => Username.parse(unlike(seed, LONGEST_NAME));

const costliest = (now: number): Readonly<Record<string, string>> => {
  const user = `/v1/scores/${heavy}`;
  const yearAgo = now - SERIES_DAYS * MILLISECONDS_PER_DAY;
  return {
    '/health': '/health',
    '/openapi.json': '/openapi.json',
    '/v1/rules': '/v1/rules',
    '/v1/stats': `/v1/stats?username=${heavy}`,
    '/v1/users': '/v1/users?prefix=a&limit=50',
    '/v1/scores/{username}': user,
    '/v1/scores/{username}/explain': `${user}/explain`,
    '/v1/scores/{username}/history': `${user}/history?from=${dateOf(yearAgo)}&to=${dateOf(now)}`,
    '/v1/scores/{username}/grants': `${user}/grants?limit=1000`,
    '/v1/scores/{username}/audit': `${user}/audit`,
    [BOARD]: `/v1/leaderboards/alltime?at=${isoOf(now - 90_000)}&limit=1000&compare=month`,
    '/v1/leaderboards/{board}/users/{username}': `/v1/leaderboards/alltime/users/${simulatedName(1)}`,
    '/community-metrics': '/community-metrics?interval=WEEK',
    '/community-metrics/series': `/community-metrics/series?since=${yearAgo + MILLISECONDS_PER_DAY}&to=${now}`,
    '/community-metrics/by-hour': `/community-metrics/by-hour?since=${now - (HOURS_DAYS - 1) * MILLISECONDS_PER_DAY}&to=${now}`,
    '/community-metrics/extensions':
      '/community-metrics/extensions?page=2&page_size=2000&sort=pulls&sort_direction=asc',
  };
};

/** The most that one public GET can cost: each route of the API with the request and the data that make it most expensive. */
export async function measurePublicReads(engine: BenchEngine): Promise<readonly Cost[]> {
  const tables = await engine.createTables();
  const now = Date.now();
  const filling = { client: engine.client(), tables, clock: () => now };
  await fillBoards(filling);
  await fillLedger(filling);
  await fillCommunity(filling);
  const addresses = costliest(now);
  const open = new Set(routes.filter(({ access }) => access === 'anyone').map(({ path }) => path));
  const missing = [...open].filter((path) => !(path in addresses));
  if (missing.length > 0) throw new Error(`no most expensive request of ${missing.join(', ')}`);
  const env = readEnv(tables);
  const costs: Cost[] = [];
  const { memoryMb, timeoutMs } = await functionOf('read-api');
  let longest = { path: '', seconds: 0 };
  for (const path of [...open].sort()) {
    const client = engine.client(); // each request is the first one of its function
    const handler = httpFunction({ routes, wire: () => wireReadApi(env, client) });
    const [rawPath = '', rawQueryString = ''] = (addresses[path] ?? '').split('?');
    const { readUnits } = await meterCapacity(client).during(async () => {
      const seconds = await secondsOnLambda(memoryMb, async () => {
        const answer = await handler({
          ...{ rawPath, rawQueryString, headers: {}, isBase64Encoded: false },
          requestContext: { requestId: 'bench', http: { method: 'GET' } },
        });
        if (answer.statusCode !== 200) throw new Error(`${addresses[path]}: ${answer.statusCode} ${answer.body}`);
      });
      if (seconds > longest.seconds) longest = { path, seconds };
    });
    costs.push(cost(`the most that one GET ${path} can cost`, 'RRU', readUnits, { budget: MOST }));
  }
  const within = { budget: timeoutMs / 2_000 };
  return [...costs, cost(`read-api in ${memoryMb} MB, its longest: GET ${longest.path}`, 's', longest.seconds, within)];
}
