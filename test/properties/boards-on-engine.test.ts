import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveScores, simulatedScore } from '../../bench/simulated-scores.ts';
import { nothingGranted } from '../../domain/grants/granted.ts';
import { BOARDS, type Board } from '../../domain/leaderboards/board.ts';
import { buildBoards } from '../../domain/leaderboards/build-boards.ts';
import { pageOf, readPlace, type ReadBoardsDeps } from '../../domain/leaderboards/read-boards.ts';
import type { Snapshot } from '../../domain/leaderboards/snapshot.ts';
import type { RankedRowView } from '../../domain/leaderboards/views.ts';
import type { Standing } from '../../domain/leaderboards/standings.port.ts';
import { diskSorter } from '../../functions/adapters/disk/external-sorter.ts';
import { dynamoLeaderboardReader } from '../../functions/adapters/dynamodb/leaderboards/leaderboard-reader.ts';
import { dynamoLeaderboardStore } from '../../functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
import { dynamoStandings } from '../../functions/adapters/dynamodb/leaderboards/standings.ts';
import { namesAsIds, sha256 } from '../builders/identity.ts';
import { aStanding, LeaderboardWorld } from '../builders/memory-leaderboards.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { PLAIN_FAULTS, isInjected, RETRY_AT_ONCE, isRetriedBySdk } from '../../proof/faults.ts';
import { faultAt, noFaults, Wire, type FaultPlan } from '../../proof/wire.ts';
import { bruteForceOf } from './leaderboard-model.ts';
import { runs } from './telemetry-world.ts';

/** Far in the future, because DynamoDB Local soon deletes items that are expired by the machine's clock. */
const NOON = Date.parse('2126-08-21T12:00:00.000Z');
const MINUTE = 60_000;
const TODAY = '2126-08-21';

let engine: TestEngine;
let client: DynamoDBClient;
beforeAll(async () => {
  engine = await startTestEngine();
  client = engine.client();
});
afterAll(async () => {
  await engine.stop();
});

const nobodyHides = { hiddenAmong: async () => new Set<string>() };
const readOf = (table: string): ReadBoardsDeps => {
  const clock = () => NOON;
  const leaderboards = dynamoLeaderboardReader(client, table, { clock });
  return { leaderboards, profiles: nobodyHides, names: namesAsIds, clock, sha256 };
};

/** All rows of a board, page by page. */
async function rowsOf(deps: ReadBoardsDeps, board: Board, limit: number): Promise<RankedRowView[]> {
  const rows: RankedRowView[] = [];
  let cursor: string | undefined;
  do {
    const page = await pageOf(deps, board, { limit, cursor });
    if (!page.ok) throw new Error(page.error);
    rows.push(...page.value.rows);
    cursor = page.value.next;
  } while (cursor !== undefined);
  return rows;
}

const rankedOn = (board: Board, standings: readonly Standing[]) => {
  const tiers = new Map(standings.map(({ username, tier }) => [String(username), tier]));
  return bruteForceOf(board, TODAY, standings).map((row) => ({ ...row, tier: tiers.get(row.username) }));
};

describe('5,000 users on an engine', () => {
  it('are all on their boards at their exact ranks, without hidden or unknown users', async () => {
    const users = 5_000;
    const tables = await engine.createTables(['user_scores', 'leaderboards']);
    const isHidden = (index: number) => index % 50 === 7;
    const isUnknown = (index: number) => index % 50 === 8; // unknown by now: only their score is left
    const scoreOf = (index: number) => ({
      ...simulatedScore(index, NOON),
      isHidden: isHidden(index),
      ...(isUnknown(index) && { granted: nothingGranted }),
    });
    const all = Array.from({ length: users }, (_, index) => index);
    await saveScores(client, tables.user_scores, all, scoreOf);
    const listed = all.filter((index) => !isHidden(index) && !isUnknown(index)).map(scoreOf);
    const standings = listed.map(({ standingSince, ...score }): Standing => ({
      ...score,
      since: Date.parse(standingSince),
    }));

    const built = await buildBoards({
      standings: dynamoStandings(client, tables.user_scores),
      store: dynamoLeaderboardStore(client, tables.leaderboards, sha256),
      newSorter: diskSorter({ itemsInMemory: 700 }),
      clock: () => NOON,
      sha256,
    });

    const deps = readOf(tables.leaderboards);
    for (const { board, total, scores, outcome } of built) {
      const truth = rankedOn(board, standings);
      expect({ total, scores, outcome }).toEqual({ total: truth.length, scores: listed.length, outcome: 'switched' });
      expect(await rowsOf(deps, board, 1_000)).toEqual(truth);
      for (let rank = 1; rank <= truth.length; rank += 97) {
        const place = await readPlace(deps, board, truth[rank - 1]!.username);
        expect(place).toMatchObject({ ok: true, value: { rank, total, points: truth[rank - 1]!.points } });
      }
      for (const index of [7, 8, 4_957, 4_958]) {
        const place = await readPlace(deps, board, scoreOf(index).username);
        expect(place).toEqual({ ok: false, error: 'not-listed' });
      }
    }
  });
});

describe('a builder on an engine', () => {
  const LAYOUT = { leaf: { most: 4, filled: 3, fewest: 1, average: 1 }, bucket: 4, changes: 0 };
  const before = Array.from({ length: 12 }, (_, n) => aStanding(`user-${n}`, (n * 5) % 7, { since: n % 2 }));
  const after = before.map((standing, n) => (n === 4 ? { ...standing, canonicalScore: 6, since: 9 } : standing));

  /** A world with its first snapshots, whose next build uses a wire. */
  async function begin(plan: FaultPlan) {
    const table = (await engine.createTables(['leaderboards'])).leaderboards;
    const world = new LeaderboardWorld(before, LAYOUT);
    const storeOf = (own: DynamoDBClient) => dynamoLeaderboardStore(own, table, sha256);
    const build = (own: DynamoDBClient, now: number) =>
      buildBoards({ ...world.build, newSorter: diskSorter({ itemsInMemory: 5 }), store: storeOf(own) }, now);
    await build(client, NOON - 2 * MINUTE);
    world.people = after;

    const own = engine.client({ retryStrategy: RETRY_AT_ONCE });
    const wire = new Wire(plan);
    const tryNext = () => build(wire.attach(own), NOON - MINUTE);
    return { deps: readOf(table), wire, tryNext, build: (now: number) => build(client, now) };
  }
  const rootsOf = async ({ leaderboards }: ReadBoardsDeps): Promise<(Snapshot | null)[]> =>
    Promise.all(BOARDS.map((board) => leaderboards.newest(board)));

  it('whose request fails, or who dies with it and runs again, leaves the same as one that did not; readers see complete boards', async () => {
    const through = await begin(noFaults);
    await through.tryNext();
    const expected = await rootsOf(through.deps);
    const requests = through.wire.calls.length;
    const number = fc.integer({ min: 1, max: requests });

    await fc.assert(
      fc.asyncProperty(number, fc.constantFrom(...PLAIN_FAULTS), async (end, fault) => {
        const { deps, tryNext, build } = await begin(faultAt(end, fault));
        if (!isRetriedBySdk(fault)) await expect(tryNext()).rejects.toSatisfy(isInjected);
        else await tryNext();

        for (const board of BOARDS) {
          const isOld = (await deps.leaderboards.newest(board))?.asOf !== new Date(NOON - MINUTE).toISOString();
          expect(await rowsOf(deps, board, 5)).toEqual(rankedOn(board, isOld ? before : after));
        }
        await build(NOON - MINUTE);
        expect(await rootsOf(deps)).toEqual(expected);
      }),
      { numRuns: runs(12) },
    );
  });
});

describe('a snapshot with the blocks of the one before', () => {
  it('is written without blocks or leases, unless it is kept longer than they are', async () => {
    const table = (await engine.createTables(['leaderboards'])).leaderboards;
    const store = dynamoLeaderboardStore(client, table, sha256);
    const at = (minute: number) => new Date(NOON + minute * MINUTE).toISOString();
    const row = { username: 'ada', points: 9, canonicalScore: 9, tier: 'Sprout', rulesVersion: '1' };
    const first = await store.write('alltime', 'recent', at(0));
    const ref = await first.putLeaf([row]);
    const counts = { total: 1, scores: 1, rulesVersions: new Map([['1', 1]]), tiers: new Map([['Sprout', 1]]) };
    const blocks = { leaves: [{ start: null, count: 1, ref }], buckets: [] };
    await first.commit({ board: 'alltime', asOf: at(0), date: TODAY, ...counts, ...blocks });

    const wire = new Wire(noFaults);
    const own = wire.attach(engine.client());
    const writer = await dynamoLeaderboardStore(own, table, sha256).write('alltime', 'recent', at(1));
    expect([writer.isLeaf(ref, [row]), writer.isLeaf(ref, [])]).toEqual([true, false]);
    expect([await writer.rowsOf(ref), await writer.rowsOf('0'.repeat(12))]).toEqual([[row], null]);
    expect(writer.keep(blocks)).toBe(true);
    const patch = { gone: [0], come: [] };
    const next = { board: 'alltime', asOf: at(1), date: TODAY, ...counts, total: 0, ...blocks, patch };
    expect(await writer.commit(next)).toBe('switched');
    expect(wire.calls.filter((command) => command === 'PutItemCommand')).toHaveLength(2);
    expect(await store.current('alltime')).toEqual(next);

    for (const retention of ['hourly', 'daily'] as const) {
      expect((await store.write('alltime', retention, at(2))).keep(blocks)).toBe(false);
    }
  });
});
