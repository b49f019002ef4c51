import { randomBytes } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { runBackfill, type BackfillDeps } from '../domain/backfill/run-backfill.ts';
import { AccountId } from '../domain/identity/account.ts';
import { Username } from '../domain/identity/username.ts';
import { refoldMetrics } from '../domain/scoring/refold-metrics.ts';
import { refreshScore } from '../domain/scoring/refresh-score.ts';
import { computedByNow } from '../domain/scoring/user-metrics.ts';
import { settleAll } from '../domain/shared/settle-all.ts';
import { dynamoBackfillRuns } from '../functions/adapters/dynamodb/backfill/backfill-runs.ts';
import { dynamoDeviceStore } from '../functions/adapters/dynamodb/telemetry/device-store.ts';
import { dynamoScoreStore } from '../functions/adapters/dynamodb/scoring/score-store.ts';
import { toAccountItem } from '../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoUsernameSources } from '../functions/adapters/dynamodb/backfill/username-sources.ts';
import { random, sha256, sleep } from '../functions/runtime/environment.ts';
import { meterCapacity, type Usage } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { apart, cost, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { storedItems } from './stored-items.ts';
import { refreshDeps, type Surroundings } from './wiring.ts';

const NOON = Date.parse('2026-08-21T12:00:00.000Z');
const LINEAR_WITHIN = 1.1;
const MEMORY_WITHIN = 1.2;
const WRITES_AT_A_TIME = 16;
const MEMORY_SAMPLE_MS = 50;

const clock = () => NOON;
const randomToken = (bytes: number): string => randomBytes(bytes).toString('base64url');
const usernameOf = (index: number): AccountId => AccountId.parse(`user-${index}`);

/**
 * Creates users with a device, some events and a score, as in a community that was refreshed before. The scores are
 * copies of the first one, because refreshing every user would take longer than the measurement.
 */
async function settle(surroundings: Surroundings, users: number): Promise<void> {
  const { client, tables } = surroundings;
  const devices = dynamoDeviceStore(client, tables('telemetry'), { random, sleep, randomToken });
  const kind = { event: 'cli_invocation', command: 'model', success: true };
  await settleAll([...Array(users).keys()], WRITES_AT_A_TIME, async (index) => {
    const [deviceId, username] = [`device-${index}`, usernameOf(index)];
    await devices.bind(deviceId, username, '2026-08-21T11:00:00.000Z');
    const events = Array.from({ length: 10 }, (_, number) => ({
      id: number.toString(16).padStart(16, '0'),
      kind,
      sender: username,
    }));
    await devices.saveChunk(deviceId, '2026-08-21T11', { index: 0, revision: 0, closed: false, events });
  });
  await refreshScore(refreshDeps(surroundings), { username: usernameOf(0), days: null });
  const stored = await storedItems(client, tables('user_scores'), () => true);
  await settleAll([...Array(users).keys()], WRITES_AT_A_TIME, async (index) => {
    const username = usernameOf(index);
    const puts = stored.map((item) => ({
      PutRequest: { Item: { ...item, pk: { S: `USER#${username}` }, username: { S: username } } },
    }));
    const names = { username: Username.parse(username), formerNames: [], merged: [] };
    const account = { PutRequest: { Item: toAccountItem({ id: username, ...names, revision: 1 }) } };
    const RequestItems = { [tables('user_scores')]: puts, [tables('accounts')]: [account] };
    await client.send(new BatchWriteItemCommand({ RequestItems }));
  });
}

type Backfill = { readonly usage: Usage; readonly seconds: number; readonly peakBytes: number };

/** Runs one whole backfill with mode `all`. The queue accepts its messages and drops them. */
async function backfill(engine: BenchEngine, users: number): Promise<Backfill> {
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock };
  await settle(surroundings, users);

  const client = engine.client();
  const { tables } = surroundings;
  const { grants, ...facts } = refreshDeps({ ...surroundings, client });
  const refolding = { ...facts, scores: dynamoScoreStore(client, tables('user_scores')), balances: grants.ledger };
  const names = { accounts: tables('accounts'), scores: tables('user_scores') };
  let enqueued = 0;
  const deps: BackfillDeps = {
    runs: dynamoBackfillRuns(client, tables('backfill_runs'), { random, sleep, randomToken }),
    sources: dynamoUsernameSources(client, names, computedByNow(sha256)),
    rollUpDay: async () => {
      throw new Error('the benchmark runs no metrics backfill');
    },
    refoldHistory: async () => {
      throw new Error('the benchmark refolds no history');
    },
    refold: (account, options) => refoldMetrics(refolding, account, options),
    requestRefreshes: async (requests) => {
      enqueued += requests.length;
    },
    continueLater: async () => {
      throw new Error('a run without a time limit needs no second invocation');
    },
    names: { find: async () => undefined },
    reportFailure: (account, error) => {
      throw new Error(`${account} could not be recomputed`, { cause: error });
    },
    reportStuck: () => undefined,
    clock,
    randomToken,
  };

  globalThis.gc?.();
  await breathe();
  let peakBytes = process.memoryUsage.rss();
  const sample = setInterval(() => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  }, MEMORY_SAMPLE_MS);
  const started = performance.now();
  const usage = await meterCapacity(client).during(async () => {
    const order = { mode: 'all', dryRun: false, usernames: null } as const;
    const report = await runBackfill(deps, { kind: 'start', order }, { hasTime: () => true });
    const isWhole = report.ok && report.value.status === 'done' && report.value.recomputed === users;
    if (!isWhole || enqueued !== users) throw new Error(`a backfill of ${users} users: ${JSON.stringify(report)}`);
  });
  clearInterval(sample);
  return { usage, seconds: (performance.now() - started) / 1_000, peakBytes };
}

/** Measures the cost of a backfill per user, and checks that it does not depend on the number of users. */
export const measureBackfills = ({ backfillUsers }: Pick<Sizes, 'backfillUsers'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const [few, ...more] = backfillUsers;
    await backfill(engine, few); // warms up code and connections, so that their cost is not measured
    const runs: { readonly users: number; readonly run: Backfill }[] = [];
    for (const users of [few, ...more]) runs.push({ users, run: await backfill(engine, users) });

    const costs = runs.flatMap(({ users, run: { usage, seconds, peakBytes } }) => [
      cost(`backfill of ${users} users`, 'RRU', usage.readUnits),
      cost(`backfill of ${users} users`, 'WRU', usage.writeUnits),
      cost(`backfill of ${users} users`, 's', seconds),
      cost(`backfill of ${users} users, resident`, 'MB', peakBytes / 1e6),
    ]);
    const [first, ...later] = runs;
    const ratios = later.flatMap(({ users, run }) => {
      if (first === undefined) return [];
      const each = (unit: 'readUnits' | 'writeUnits') =>
        apart(run.usage[unit] / users, first.run.usage[unit] / first.users);
      const against = `${users} against ${first.users} users`;
      return [
        ratioAtMost(`backfill, RRU a user, ${against}`, each('readUnits'), LINEAR_WITHIN),
        ratioAtMost(`backfill, WRU a user, ${against}`, each('writeUnits'), LINEAR_WITHIN),
        ratioAtMost(`backfill, resident memory, ${against}`, run.peakBytes / first.run.peakBytes, MEMORY_WITHIN),
      ];
    });
    return { costs, ratios };
  });
