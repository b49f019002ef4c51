import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { grantOf } from '../domain/grants/grant.ts';
import { grantPoints } from '../domain/grants/grant-points.ts';
import { rulebook } from '../domain/rules/current-rules.ts';
import { refreshScore } from '../domain/scoring/refresh-score.ts';
import { isoOf } from '../domain/shared/utc.ts';
import { routes } from '../functions/read-api/routes.ts';
import { wireReadApi } from '../functions/read-api/wiring.ts';
import { httpFunction } from '../functions/runtime/http-function.ts';
import { leanCalls } from '../functions/runtime/lean-calls.ts';
import { withEngine, type BenchEngine, type Tables } from './engine.ts';
import { eventsOf, ingestRequest } from './events.ts';
import { assertAllNew, sendNew } from './ingest.ts';
import { cost, median, ratioAtMost, type Cost, type Measurements, type Ratio } from './measurements.ts';
import { fillBoards } from './public-reads.ts';
import { signedHttp } from './signed-http.ts';
import { simulatedName } from './simulated-scores.ts';
import type { Sizes } from './sizes.ts';
import { grantDeps, ingestHandler, personalKey, readEnv, refreshDeps } from './wiring.ts';

const NOW = '2026-08-21T12:30:00.000Z';
const EARLIER_HOUR = '2026-08-21T11:30:00.000Z';
const REQUESTS_A_BATCH = 5;
const USERS = 200;
const SCORED = simulatedName(0);
const ROLES = ['accounts', 'telemetry', 'user_scores', 'leaderboards'];

type Call = { readonly operation: string; readonly body: string };
type Client = { readonly client: DynamoDBClient; readonly calls: Call[] };
/** A path of a handler: `ready` gives what sends its nth request. */
type Path = {
  readonly name: string;
  readonly mostCalls: number;
  readonly mostCpu: number;
  readonly ready: (client: DynamoDBClient, tables: Tables, requests: number) => Promise<(n: number) => Promise<void>>;
  /** Whether its writes need other tables each time. */
  readonly writes: boolean;
};

const Sent = z.object({ headers: z.object({ 'x-amz-target': z.string() }), body: z.string() });

/** A client as functions have it, with a list of its calls. */
function clientOf(endpoint: string): Client {
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials,
    cacheMiddleware: true,
  });
  leanCalls(client, 'DynamoDB_20120810');
  const calls: Call[] = [];
  client.middlewareStack.add(
    (next) => async (args) => {
      const { data } = Sent.safeParse(args.request); // the first call's body is no text
      if (data !== undefined) {
        const { headers, body } = data;
        calls.push({ operation: headers['x-amz-target'].split('.').at(-1) ?? '', body });
      }
      return next(args);
    },
    { step: 'finalizeRequest', name: 'list-calls' },
  );
  return { client, calls };
}

const get = (rawPath: string) => ({
  ...{ rawPath, rawQueryString: '', headers: {}, isBase64Encoded: false },
  requestContext: { requestId: 'bench', http: { method: 'GET' } },
});

const read = (name: string, path: string, most: Pick<Path, 'mostCalls' | 'mostCpu'>): Path => ({
  ...{ name, ...most, writes: false },
  async ready(client, tables) {
    const env = readEnv(tables);
    const handler = httpFunction({ routes, wire: () => wireReadApi(env, client) });
    return async () => {
      const { statusCode, body } = await handler(get(path));
      if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${body}`);
    };
  },
});

const ingest = (most: Pick<Path, 'mostCalls' | 'mostCpu'>): Path => ({
  ...{ name: 'an ingest of one event', ...most, writes: true },
  async ready(client, tables, count) {
    const surroundings = { client, tables, clock: () => Date.parse(NOW) };
    const key = await personalKey(surroundings, 'ada');
    const handler = ingestHandler(surroundings);
    await sendNew(handler, key, eventsOf('laptop', EARLIER_HOUR, 0));
    const requests = Array.from({ length: count }, (_, n) => ingestRequest(eventsOf('laptop', NOW, 100 + n, 1), key));
    return async (n) => assertAllNew(await handler(requests[n]), 1);
  },
});

/** `docs/operating/limits.md` says why these are not 1.2 calls and 2.5 times the CPU. */
const PATHS: readonly Path[] = [
  read('a read of a board', '/v1/leaderboards/alltime', { mostCalls: 1.2, mostCpu: 2.5 }),
  read('a read of a score', `/v1/scores/${SCORED}`, { mostCalls: 3, mostCpu: 2.5 }),
  ingest({ mostCalls: 2, mostCpu: 4 }),
];

/** Milliseconds of CPU that some work takes in this process. */
async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

type Measuring = {
  readonly engine: BenchEngine;
  /** With boards and a score. */
  readonly filled: Tables;
  readonly rounds: number;
  readonly requests: number;
};

/**
 * Measures the calls of a warm handler, and its CPU in units of the same calls with `node:http` alone. Both run in
 * turns. The warm-up has as many requests as the measurement: then Node has compiled most of the handler.
 */
async function measurePath({ engine, filled, rounds, requests }: Measuring, path: Path): Promise<[Cost, Ratio]> {
  const bare = signedHttp(engine.endpoint);
  const ratios: number[] = [];
  let callsEach = 0;
  for (let round = -1; round < rounds; round += 1) {
    const tables = path.writes ? await engine.createTables() : filled;
    const { client, calls } = clientOf(engine.endpoint);
    const send = await path.ready(client, tables, 2 * requests);
    for (let n = 0; n < requests; n += 1) await send(n);
    calls.length = 0;
    const handled = await cpuOf(async () => {
      for (let n = 0; n < requests; n += 1) await send(requests + n);
    });
    callsEach = calls.length / requests;

    const others = path.writes ? await engine.createTables() : filled;
    if (path.writes) {
      const sendThere = await path.ready(client, others, requests);
      for (let n = 0; n < requests; n += 1) await sendThere(n);
    }
    const there = ROLES.reduce(
      (list, role) =>
        list.map(({ operation, body }) => ({
          operation,
          body: body.replaceAll(`"${tables(role)}"`, `"${others(role)}"`),
        })),
      calls.slice(0, callsEach * requests),
    );
    const alone = await cpuOf(async () => {
      for (const { operation, body } of there) await bare.call(operation, body);
    });
    if (round >= 0) ratios.push(handled / alone);
    client.destroy();
  }
  bare.close();
  const ratio = `CPU of ${path.name} in a warm handler, in the same calls through signed node:http`;
  return [
    cost(`${path.name}, warm`, 'calls', callsEach, { budget: path.mostCalls }),
    ratioAtMost(ratio, median(ratios), path.mostCpu),
  ];
}

export const measureHandlerCalls = ({ ingestBatches, rounds }: Pick<Sizes, 'ingestBatches' | 'rounds'>) =>
  withEngine(async (engine): Promise<Measurements> => {
    const tables = await engine.createTables();
    const surroundings = { client: engine.client(), tables, clock: Date.now };
    await fillBoards(surroundings, USERS);
    const award = {
      kind: 'award',
      awardId: 'bench',
      username: SCORED,
      points: 5,
      reason: 'a talk',
      grantedBy: 'ada',
    } as const;
    await grantPoints(grantDeps(surroundings), [grantOf(award, isoOf(Date.now()), rulebook)]);
    await refreshScore(refreshDeps(surroundings), { username: SCORED, days: null });
    const rows = [];
    const measuring = { engine, filled: tables, rounds, requests: ingestBatches * REQUESTS_A_BATCH };
    for (const path of PATHS) rows.push(await measurePath(measuring, path));
    return { costs: rows.map(([calls]) => calls), ratios: rows.map(([, cpu]) => cpu) };
  });
