import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { ROWS_IN_MEMORY, tryRulesForAll } from '../domain/leaderboards/try-rules.ts';
import { rulebook } from '../domain/rules/current-rules.ts';
import { refreshScore } from '../domain/scoring/refresh-score.ts';
import { AccountId } from '../domain/identity/account.ts';
import { settleAll } from '../domain/shared/settle-all.ts';
import { diskSorter } from '../functions/adapters/disk/external-sorter.ts';
import { dynamoDeviceStore } from '../functions/adapters/dynamodb/telemetry/device-store.ts';
import { dynamoStoredUsers } from '../functions/adapters/dynamodb/scoring/stored-users.ts';
import { random, randomToken, sha256, sleep } from '../functions/runtime/environment.ts';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { apart, cost, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { storedItems } from './stored-items.ts';
import { refreshDeps } from './wiring.ts';

const NOON = Date.parse('2026-08-21T12:00:00.000Z');
/** Both items of a usual account, in a scan that is eventually consistent. */
const READ_UNITS_AN_ACCOUNT = 0.25;
const LINEAR_WITHIN = 1.1;
const MEMORY_WITHIN = 1.5;
const ITEMS_A_WRITE = 25;
const WRITES_AT_A_TIME = 16;
const MEMORY_SAMPLE_MS = 50;
const ADA = AccountId.parse('ada');

/** Tries rules with more points in every group over accounts that are copies of one. */
async function tryOver(engine: BenchEngine, users: number) {
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => NOON };
  const { client, tables } = surroundings;
  const devices = dynamoDeviceStore(client, tables('telemetry'), { random, sleep, randomToken });
  await devices.bind('device', ADA, '2026-08-21T11:00:00.000Z');
  const kind = { event: 'cli_invocation', command: 'model', success: true };
  const events = Array.from({ length: 10 }, (_, n) => ({ id: n.toString(16).padStart(16, '0'), kind, sender: ADA }));
  await devices.saveChunk('device', '2026-08-21T11', { index: 0, revision: 0, closed: false, events });
  await refreshScore(refreshDeps(surroundings), { username: ADA, days: null });
  const stored = await storedItems(client, tables('user_scores'), () => true);
  const copies = Array.from({ length: users }, (_, index) => `user-${index}`).flatMap((name) =>
    stored.map((item) => ({ PutRequest: { Item: { ...item, pk: { S: `USER#${name}` }, username: { S: name } } } })),
  );
  const batches = Array.from({ length: Math.ceil(copies.length / ITEMS_A_WRITE) }, (_, batch) =>
    copies.slice(batch * ITEMS_A_WRITE, (batch + 1) * ITEMS_A_WRITE),
  );
  await settleAll(batches, WRITES_AT_A_TIME, (batch) =>
    client.send(new BatchWriteItemCommand({ RequestItems: { [tables('user_scores')]: batch } })),
  );

  const { inForce } = rulebook;
  const groups = inForce.activity.groups.map((group) => ({ ...group, points: group.points + 1 }));
  const candidate = { ...inForce, version: 'tried', activity: { ...inForce.activity, groups } };
  const reading = engine.client();
  const { telemetry, registry } = refreshDeps({ ...surroundings, client: reading });
  globalThis.gc?.();
  let peakBytes = process.memoryUsage.rss();
  const sample = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage.rss())), MEMORY_SAMPLE_MS);
  const started = performance.now();
  const usage = await meterCapacity(reading).during(async () => {
    const facts = { telemetry, registry, sha256 };
    const accounts = dynamoStoredUsers(reading, tables('user_scores'));
    const trial = await tryRulesForAll(
      { users: accounts, facts, newSorter: diskSorter({ itemsInMemory: ROWS_IN_MEMORY }), rules: rulebook },
      candidate,
      NOON,
    );
    if (trial.gain !== users + 1 || trial.factsReadOf > 0)
      throw new Error(`a trial of ${users}: ${JSON.stringify(trial)}`);
  });
  clearInterval(sample);
  return { usage, seconds: (performance.now() - started) / 1_000, peakBytes };
}

/** Measures `rules try`, and checks that it is linear and holds no more with more accounts. */
export const measureTrials = ({ triedUsers }: Pick<Sizes, 'triedUsers'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const [few, many] = triedUsers;
    await tryOver(engine, few); // warms up code and connections
    const [first, last] = [await tryOver(engine, few), await tryOver(engine, many)];
    const costs = (
      [
        [few, first],
        [many, last],
      ] as const
    ).flatMap(([users, { usage, seconds, peakBytes }]) => [
      cost(`rules try over ${users} accounts`, 'RRU', usage.readUnits, { budget: users * READ_UNITS_AN_ACCOUNT }),
      cost(`rules try over ${users} accounts`, 's', seconds),
      cost(`rules try over ${users} accounts, resident`, 'MB', peakBytes / 1e6),
    ]);
    const against = `${many} against ${few} accounts`;
    const each = apart(last.usage.readUnits / many, first.usage.readUnits / few);
    const ratios = [
      ratioAtMost(`rules try, RRU an account, ${against}`, each, LINEAR_WITHIN),
      ratioAtMost(`rules try, resident memory, ${against}`, last.peakBytes / first.peakBytes, MEMORY_WITHIN),
    ];
    return { costs, ratios };
  });
