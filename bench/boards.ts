import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { buildBoards, type BuildDeps } from '../domain/leaderboards/build-boards.ts';
import { pageOf, rankOf, type ReadBoardsDeps } from '../domain/leaderboards/read-boards.ts';
import { diskSorter } from '../functions/adapters/disk/external-sorter.ts';
import { dynamoLeaderboardReader } from '../functions/adapters/dynamodb/leaderboard-reader.dynamodb.ts';
import { dynamoLeaderboardStore } from '../functions/adapters/dynamodb/leaderboard-store.dynamodb.ts';
import { dynamoStandings } from '../functions/adapters/dynamodb/standings.dynamodb.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { meterCapacity, type Usage } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { itemSize, type Item } from './item-size.ts';
import { cost, type Cost, type Measurements } from './measurements.ts';
import { saveScores, simulatedName, simulatedScore } from './simulated-scores.ts';
import type { Sizes } from './sizes.ts';

/** Far ahead: an engine deletes by the machine's clock what has expired. */
const NOW = Date.parse('2126-08-21T12:00:00.000Z');
const MINUTE = 60_000;
const ASKED_RANKS = 200;
const PAGE = 100;
/** Every so manieth score has changed. */
const CHANGED = 100;
const RANK_BUDGET = { reads: 3, units: 6 }; // the pointer is the first of the reads

type Build = { readonly usage: Usage; readonly seconds: number; readonly peakBytes: number };
type Read = { readonly usage: Usage; readonly bytes: number };

const Answer = z.object({ Item: z.custom<Item>().optional() });

/** Calls `onAnswer` with what each request of the client gives, before the client does. */
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

async function measureBuild(deps: BuildDeps, client: DynamoDBClient, users: number, now: number): Promise<Build> {
  globalThis.gc?.();
  let peakBytes = process.memoryUsage.rss();
  // With every request: a timer would not fire while rows are sorted.
  observe(client, () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  });
  const started = performance.now();
  const usage = await meterCapacity(client).during(async () => {
    const boards = await buildBoards(deps, now);
    const isWhole = boards.every(({ outcome, scores }) => outcome === 'switched' && scores === users);
    if (!isWhole) throw new Error(`a build of ${users} scores: ${JSON.stringify(boards)}`);
  });
  return { usage, seconds: (performance.now() - started) / 1_000, peakBytes };
}

/** The dearest of the reads. */
async function dearest(
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
  const deps = { leaderboards: dynamoLeaderboardReader(client, table, { clock }), clock, sha256 };
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
  await saveScores(engine.client(), scores, all, (index) => simulatedScore(index, NOW));
  const build = (now: number): Promise<Build> => {
    const client = engine.client();
    const deps: BuildDeps = {
      standings: dynamoStandings(client, scores),
      store: dynamoLeaderboardStore(client, boards, sha256),
      newSorter: diskSorter(),
      clock: () => now,
      sha256,
    };
    return measureBuild(deps, client, users, now);
  };

  const first = await build(NOW);
  const again = await build(NOW + MINUTE);
  const changed = all.filter((index) => index % CHANGED === 0);
  await saveScores(engine.client(), scores, changed, (index) => simulatedScore(index, NOW, { changed: true }));
  const afterChanges = await build(NOW + 2 * MINUTE);

  const step = Math.max(1, Math.floor(users / ASKED_RANKS));
  const asked = all.filter((index) => index % step === 0);
  const rank = await dearest(
    engine,
    boards,
    asked.map((index) => async (deps) => {
      const found = await rankOf(deps, simulatedName(index));
      const isListed = simulatedScore(index, NOW, { changed: index % CHANGED === 0 }).canonicalScore > 0;
      if ((found !== null) !== isListed)
        throw new Error(`the rank of ${simulatedName(index)}: ${JSON.stringify(found)}`);
    }),
  );
  const page = await dearest(engine, boards, [
    async (deps) => {
      const found = await pageOf(deps, 'alltime', { limit: PAGE });
      if (!found.ok || found.value.rows.length !== PAGE) throw new Error('a page that is not full');
    },
  ]);
  return { first, again, afterChanges, rank, page };
}

/** What the boards take: each build, and each read of the newest snapshot. */
export const measureBoards = ({ boardUsers }: Pick<Sizes, 'boardUsers'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const costs: Cost[] = [];
    for (const users of boardUsers) {
      const { first, again, afterChanges, rank, page } = await measureSize(engine, users);
      const of = `${users.toLocaleString('en')} scores`;
      for (const [name, { usage, seconds }] of [
        [`boards of ${of}, the first build`, first],
        [`boards of ${of}, nothing changed`, again],
        [`boards of ${of}, 1 % changed`, afterChanges],
      ] as const) {
        costs.push(cost(name, 'RRU', usage.readUnits), cost(name, 'WRU', usage.writeUnits), cost(name, 's', seconds));
      }
      costs.push(
        cost(`boards of ${of}, resident at most`, 'MB', Math.max(first.peakBytes, afterChanges.peakBytes) / 1e6),
        cost(`rank among ${of}, the pointer included`, 'reads', rank.requests, { budget: RANK_BUDGET.reads }),
        cost(`rank among ${of}`, 'RRU', rank.units, { budget: RANK_BUDGET.units }),
        cost(`rank among ${of}`, 'bytes', rank.bytes),
        cost(`top ${PAGE} of ${of}`, 'reads', page.requests),
        cost(`top ${PAGE} of ${of}`, 'RRU', page.units),
      );
    }
    return { costs, ratios: [] };
  });
