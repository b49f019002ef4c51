import { setImmediate as breathe } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import type { AccountId } from '../domain/identity/account.ts';
import { buildBoards, type BuildDeps } from '../domain/leaderboards/build-boards.ts';
import { pageOf, rankOf, type ReadBoardsDeps } from '../domain/leaderboards/read-boards.ts';
import { diskSorter } from '../functions/adapters/disk/external-sorter.ts';
import { dynamoLeaderboardReader } from '../functions/adapters/dynamodb/leaderboards/leaderboard-reader.ts';
import { dynamoLeaderboardStore } from '../functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
import { dynamoStandings } from '../functions/adapters/dynamodb/leaderboards/standings.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { meterCapacity, type Usage } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { itemSize, type Item } from './item-size.ts';
import { cost, ratioAtMost, type Cost, type Measurements, type Ratio } from './measurements.ts';
import { countedNames, saveScores, simulatedName, simulatedScore } from './simulated-scores.ts';
import type { Sizes } from './sizes.ts';

/** Far in the future, because the engine deletes items that are expired by the machine's clock. */
const NOW = Date.parse('2126-08-21T12:00:00.000Z');
const MINUTE = 60_000;
const ASKED_RANKS = 200;
const PAGE = 100;
/** One score in CHANGED has changed; FEW is what changes in a quiet minute. */
const CHANGED = 100;
const FEW = 10;
const MEMORY_SAMPLE_MS = 500;
const MEMORY_WITHIN = 2;
/** At this number of scores, every sorter is larger than its memory limit. */
const SPILLING = 100_000;
/**
 * Reads grow with the number of scores, writes with the number of changes. A quarter of both is for stored names, which
 * save each page of a board up to 500 read units.
 */
const BUILD_BUDGET = {
  reads: (users: number) => 20 + 0.025 * users,
  writes: (users: number) => 25 + 0.04 * users,
  writesOfFirst: (users: number) => 30 + 0.06 * users,
  writesOfFew: (users: number) => Math.min(25 + 0.04 * users, 310 + users / 5_000),
};
const RANK_BUDGET = { reads: 3, units: 6 }; // the pointer is one of the reads

type Build = { readonly usage: Usage; readonly unitsOfNames: number; readonly seconds: number };
type Read = { readonly usage: Usage; readonly bytes: number };

const Answer = z.object({ Item: z.custom<Item>().optional() });

/** Calls `onAnswer` with the answer of each request before the client gets it. */
function observe(client: DynamoDBClient, onAnswer: (answer: unknown) => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      onAnswer(result.output);
      return result;
    },
    { step: 'initialize', name: 'observe' },
  );
}

setFlagsFromString('--expose-gc');
const collectGarbage = z.custom<() => void>((value) => typeof value === 'function').parse(runInNewContext('gc'));

/** The bytes in use after a garbage collection. */
function liveBytes(): number {
  collectGarbage();
  collectGarbage(); // collects what the first run has not swept yet
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

type Building = {
  readonly users: number;
  readonly client: DynamoDBClient;
  readonly deps: BuildDeps;
  readonly unitsOfNames: () => number;
};

async function buildOnce({ deps, users }: Building): Promise<void> {
  const boards = await buildBoards(deps);
  const isWhole = boards.every(({ outcome, scores }) => outcome === 'switched' && scores === users);
  if (!isWhole) throw new Error(`a build of ${users} scores: ${JSON.stringify(boards)}`);
}

async function measureBuild(building: Building): Promise<Build> {
  const started = performance.now();
  const usage = await meterCapacity(building.client).during(() => buildOnce(building));
  return { usage, unitsOfNames: building.unitsOfNames(), seconds: (performance.now() - started) / 1_000 };
}

/** The maximum additional memory that a build has in use. */
async function measureMemory(building: Building): Promise<number> {
  await breathe();
  const before = liveBytes();
  let peak = before;
  let sampledAt = -Infinity;
  // Sampled at requests, because a timer does not fire while rows are sorted.
  observe(building.client, () => {
    if (performance.now() - sampledAt < MEMORY_SAMPLE_MS) return;
    peak = Math.max(peak, liveBytes());
    sampledAt = performance.now();
  });
  await buildOnce(building);
  return peak - before;
}

/** Never called for the newest snapshot, because each build already leaves hidden accounts out. */
const nobodyHides = { hiddenAmong: async () => new Set<string>() };

const nobodyIsLookedUp = async (accounts: Iterable<AccountId>) => {
  if ([...accounts].length > 0) throw new Error('a page looks up names');
  return (account: AccountId): string => account;
};

/** The most expensive of the reads. */
async function costliest(
  engine: BenchEngine,
  table: string,
  reads: readonly ((deps: ReadBoardsDeps) => Promise<void>)[],
) {
  const client = engine.client();
  let bytes = 0;
  observe(client, (answer) => {
    bytes += itemSize(Answer.parse(answer).Item ?? {});
  });
  const meter = meterCapacity(client);
  const clock = () => NOW;
  const deps = {
    leaderboards: dynamoLeaderboardReader(client, table, { clock }),
    profiles: nobodyHides,
    names: { changedSince: async () => new Map(), namesOf: nobodyIsLookedUp },
    clock,
    sha256,
  };
  const taken: Read[] = [];
  for (const read of reads) {
    bytes = 0;
    const usage = await meter.during(() => read(deps));
    taken.push({ usage, bytes });
  }
  return {
    requests: Math.max(...taken.map(({ usage }) => usage.requests)),
    units: Math.max(...taken.map(({ usage }) => usage.readUnits)),
    bytes: Math.max(...taken.map((read) => read.bytes)),
  };
}

async function measureSize(engine: BenchEngine, users: number) {
  const tables = await engine.createTables();
  const [scores, boards] = [tables('user_scores'), tables('leaderboards')];
  const all = Array.from({ length: users }, (_, index) => index);
  const changed = all.filter((index) => index % CHANGED === 0);
  const few = changed.slice(0, FEW);
  const scoreOf = (index: number) => simulatedScore(index, NOW, { changed: index % CHANGED === 0 });
  let minutes = 0;
  const building = (): Building => {
    const client = engine.client();
    minutes += 1;
    const now = NOW + minutes * MINUTE;
    const standings = dynamoStandings(client, scores);
    const store = dynamoLeaderboardStore(client, boards, sha256);
    const { names: accounts, units } = countedNames();
    const deps = { standings, store, accounts, newSorter: diskSorter(), clock: () => now, sha256 };
    return { users, client, deps, unitsOfNames: units };
  };

  await saveScores(engine.client(), scores, all, (index) => simulatedScore(index, NOW));
  const first = await measureBuild(building());
  const liveAtMost = await measureMemory(building());
  await saveScores(engine.client(), scores, few, scoreOf);
  const afterFew = await measureBuild(building());
  await saveScores(engine.client(), scores, changed, scoreOf);
  const afterChanges = await measureBuild(building());

  const step = Math.max(1, Math.floor(users / ASKED_RANKS));
  const asked = all.filter((index) => index % step === 0);
  const rank = await costliest(
    engine,
    boards,
    asked.map((index) => async (deps) => {
      const found = await rankOf(deps, simulatedName(index));
      const isListed = scoreOf(index).canonicalScore > 0;
      if ((found !== null) !== isListed)
        throw new Error(`the rank of ${simulatedName(index)}: ${JSON.stringify(found)}`);
    }),
  );
  const page = await costliest(engine, boards, [
    async (deps) => {
      const found = await pageOf(deps, 'alltime', { limit: PAGE });
      if (!found.ok || found.value.rows.length !== PAGE) throw new Error('a page is not full');
    },
  ]);
  return { first, liveAtMost, afterFew, afterChanges, rank, page };
}

/** Measures the boards: each build, and each read of the newest snapshot. */
export const measureBoards = ({ boardUsers }: Pick<Sizes, 'boardUsers'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const costs: Cost[] = [];
    const memory: { readonly users: number; readonly bytes: number }[] = [];
    for (const users of boardUsers) {
      const { first, liveAtMost, afterFew, afterChanges, rank, page } = await measureSize(engine, users);
      memory.push({ users, bytes: liveAtMost });
      const of = `${users.toLocaleString('en')} scores`;
      for (const [name, { usage, unitsOfNames, seconds }, budget] of [
        [`boards of ${of}, the first build`, first, BUILD_BUDGET.writesOfFirst(users)],
        [`boards of ${of}, 1 % changed`, afterChanges, BUILD_BUDGET.writes(users)],
        [`boards of ${of}, ${FEW} changed`, afterFew, BUILD_BUDGET.writesOfFew(users)],
      ] as const) {
        costs.push(
          cost(name, 'RRU', usage.readUnits, { budget: BUILD_BUDGET.reads(users) }),
          cost(name, 'WRU', usage.writeUnits, { budget }),
          cost(`${name}: names`, 'RRU', unitsOfNames),
          cost(name, 's', seconds),
        );
      }
      costs.push(
        cost(`boards of ${of}, memory in use at most`, 'MB', liveAtMost / 1e6),
        cost(`rank among ${of}, the pointer included`, 'reads', rank.requests, { budget: RANK_BUDGET.reads }),
        cost(`rank among ${of}`, 'RRU', rank.units, { budget: RANK_BUDGET.units }),
        cost(`rank among ${of}`, 'bytes', rank.bytes),
        cost(`top ${PAGE} of ${of}`, 'reads', page.requests),
        cost(`top ${PAGE} of ${of}`, 'RRU', page.units),
      );
    }
    return { costs, ratios: memoryRatios(memory) };
  });

/** Above the size at which sorters spill to the disk, more scores need hardly any more memory. */
const memoryRatios = (memory: readonly { readonly users: number; readonly bytes: number }[]): readonly Ratio[] =>
  memory.flatMap(({ users, bytes }, index) => {
    const before = memory[index - 1];
    if (before === undefined || before.users < SPILLING) return [];
    const name = `boards, memory in use, ${users.toLocaleString('en')} against ${before.users.toLocaleString('en')} scores`;
    return [ratioAtMost(name, bytes / before.bytes, MEMORY_WITHIN)];
  });
