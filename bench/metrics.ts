import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { AccountId } from '../domain/identity/account.ts';
import { MAX_DAYS, readSeries } from '../domain/metrics/community-views.ts';
import { noFacts } from '../domain/metrics/community-hour.ts';
import { foldCommunityHour } from '../domain/metrics/hour-fold.ts';
import { hourPlaceOf } from '../functions/adapters/dynamodb/shared/hour-index.ts';
import { rollUpDay } from '../domain/metrics/roll-up.ts';
import { setHour, setSamples } from '../domain/metrics/rolled-up-day.ts';
import { addDays, dateOf, dateOfHour, hourOf } from '../domain/shared/utc.ts';
import { chunkItem } from '../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { dynamoRollupReader } from '../functions/adapters/dynamodb/metrics/rollup-reader.ts';
import { dynamoRollupStore } from '../functions/adapters/dynamodb/metrics/rollup-store.ts';
import { random, sha256, sleep } from '../functions/runtime/environment.ts';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { BATCH, eventsOf, uuidOf } from './events.ts';
import { sendNew } from './ingest.ts';
import { putAll } from './put-all.ts';
import { cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { ingestHandler, personalKey, rollUpDeps } from './wiring.ts';

const NOW = Date.parse('2026-08-21T12:30:00.000Z');
const HOUR = hourOf(NOW);
const COMMANDS = ['model', 'workflow', 'data', 'extension', 'repo'] as const;
const EVENTS_OF_A_DEVICE = BATCH;
const SERIES_BUDGET = 30;
const BATCHES_A_SECOND = 500;
/** DynamoDB's limit of write units per second for one partition key. */
const UNITS_OF_A_KEY = 1_000;

/** Stores the active devices of an hour, each with the events of one batch. */
async function fillHour(client: DynamoDBClient, table: string, devices: number): Promise<void> {
  const items = Array.from({ length: devices }, (_, device) => {
    const events = Array.from({ length: EVENTS_OF_A_DEVICE }, (_event, n) => {
      const command = COMMANDS[n % COMMANDS.length] ?? 'model';
      const kind = { event: 'cli_invocation', command, success: true };
      return { id: sha256(`${device}/${n}`).slice(0, 16), kind, sender: null };
    });
    const chunk = { index: 0, revision: 0, closed: false, events };
    return chunkItem(uuidOf(`device-${device}`), HOUR, chunk, 'AAAAAAAA');
  });
  await putAll(client, table, items);
}

/** Measures a roll-up of an hour that was rolled up before, which happens every minute while the hour is active. */
async function measureRollUp(engine: BenchEngine, devices: number) {
  const client = engine.client();
  const tables = await engine.createTables();
  const deps = rollUpDeps({ client, tables, clock: () => NOW });
  const meter = meterCapacity(client);
  const rollUp = () => meter.during(() => rollUpDay(deps, dateOfHour(HOUR), [{ hour: HOUR }]));
  await fillHour(engine.client(), tables('telemetry'), devices);
  const first = await rollUp();
  return { first, again: await rollUp() };
}

/** Measures a year in which every hour has a count for every metric. */
async function measureSeries(engine: BenchEngine) {
  const client = engine.client();
  const table = (await engine.createTables())('metric_rollup_hour');
  const store = dynamoRollupStore(client, table, { clock: () => NOW, sleep });
  const today = dateOf(NOW);
  const publisher = { kind: 'personal', name: AccountId.parse('ada') } as const;
  const facts = {
    ...noFacts,
    devices: COMMANDS.map((command, n) => {
      const kind = { event: 'cli_invocation', command, success: true };
      return { deviceId: `device-${n}`, events: [{ id: sha256(command).slice(0, 16), kind, sender: null }] };
    }),
    newDevices: ['device-1'],
    versions: [{ name: 'tool', version: '2026.08.21.1', publisher }],
    pulls: [{ name: 'tool', version: '2026.08.21.1', puller: 'user:bob' }],
    grants: [{ grantId: 'award:a', amount: 9_876_543_210 }],
  };
  const fold = foldCommunityHour(facts, sha256);
  for (let back = 0; back < MAX_DAYS; back += 1) {
    const date = addDays(today, -back);
    const stored = await store.load(date);
    const at = `${date}T12:00:00.000Z`;
    const sampled = setSamples(await stored.withSets(), { members: 1_000_000, totalScore: 9_876_543_210_987n }, at);
    await stored.save(setHour(sampled, `${date}T12`, fold, at));
  }
  const meter = meterCapacity(client);
  const days = { from: addDays(today, 1 - MAX_DAYS), to: today };
  return meter.during(() => readSeries(dynamoRollupReader(client, table, { random, sleep }), days));
}

const Write = z.object({ Item: z.object({ pk: z.object({ S: z.string() }), sk: z.object({ S: z.string() }) }) });

/**
 * Sends one second of batches into one hour, each from another device. Measures the writes to the busiest partition key
 * of the table and of its index, and counts the items that several batches write.
 */
async function measureBusiestKeys(engine: BenchEngine) {
  const client = engine.client();
  const surroundings = { client, tables: await engine.createTables(), clock: () => NOW };
  const handler = ingestHandler(surroundings);
  const writes = new Map<string, number>();
  const items = new Map<string, number>();
  const placed = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  const keys: string[] = [];
  for (let user = 0; user < 20; user += 1) keys.push(await personalKey(surroundings, `user-${user}`));
  client.middlewareStack.add(
    (next) => async (args) => {
      const write = Write.safeParse(args.input);
      if (write.success) {
        const { pk, sk } = write.data.Item;
        count(writes, pk.S);
        if (sk.S.startsWith('HOUR#')) {
          count(items, `${pk.S} ${sk.S}`);
          count(placed, hourPlaceOf(HOUR, pk.S.slice('DEVICE#'.length)).dayShard);
        }
      }
      return next(args);
    },
    { step: 'initialize', name: 'count-keys' },
  );
  for (let batch = 0; batch < BATCHES_A_SECOND; batch += 1) {
    const key = keys[batch % keys.length] ?? '';
    await sendNew(handler, key, eventsOf(`device-${batch}`, new Date(NOW).toISOString(), 0));
  }
  return {
    ofTable: Math.max(...writes.values()),
    ofIndex: Math.max(...placed.values()),
    shared: [...items.values()].filter((times) => times > 1).length,
  };
}

export const measureMetrics = ({ activeDevices }: Pick<Sizes, 'activeDevices'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const rows = [];
    for (const devices of activeDevices) {
      const { first, again } = await measureRollUp(engine, devices);
      const what = `an hour with ${devices.toLocaleString('en')} active devices`;
      rows.push(
        cost(`rollup of ${what}`, 'RRU', again.readUnits),
        cost(`rollup of ${what}, the first`, 'WRU', first.writeUnits),
        cost(`rollup of ${what}, nothing new`, 'WRU', again.writeUnits),
      );
    }
    const series = await measureSeries(engine);
    const busiest = await measureBusiestKeys(engine);
    const batches = `${BATCHES_A_SECOND} batches a second into one hour`;
    return {
      costs: [
        ...rows,
        cost(`community series, ${MAX_DAYS} days, all metrics`, 'RRU', series.readUnits, { budget: SERIES_BUDGET }),
        cost(`${batches}, busiest key of the table`, 'WRU/s', busiest.ofTable, { budget: UNITS_OF_A_KEY }),
        cost(`${batches}, busiest key of the index`, 'WRU/s', busiest.ofIndex, { budget: UNITS_OF_A_KEY }),
        cost(`${batches}, items that two of them write`, 'items', busiest.shared, { budget: 0 }),
      ],
      ratios: [],
    };
  });
