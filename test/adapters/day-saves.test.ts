import { type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { noFacts, type HourFacts } from '../../domain/metrics/community-hour.ts';
import { foldCommunityHour } from '../../domain/metrics/hour-fold.ts';
import { setHour, setSamples, type RolledUpDay } from '../../domain/metrics/rolled-up-day.ts';
import type { RollupReader, RollupStore } from '../../domain/metrics/rollup-store.port.ts';
import { addDays } from '../../domain/shared/utc.ts';
import { dynamoRollupReader } from '../../functions/adapters/dynamodb/metrics/rollup-reader.ts';
import { dynamoRollupStore } from '../../functions/adapters/dynamodb/metrics/rollup-store.ts';
import { anEntry } from '../builders/device-hour.ts';
import { sha256 } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const AT = '2026-08-21T12:00:00.000Z';
const NO_PAUSES = { clock: () => 0, sleep: async () => {} };

onBothEngines('saves of a day', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let store: RollupStore;
  let reader: RollupReader;
  let date = '2026-01-01';
  beforeAll(async () => {
    client = engine().client();
    table = (await engine().createTables(['metric_rollup_hour'])).metric_rollup_hour;
    store = dynamoRollupStore(client, table, NO_PAUSES);
    reader = dynamoRollupReader(client, table, { random: () => 0.5, sleep: async () => {} });
  });
  beforeEach(() => {
    date = addDays(date, 30); // days that no other test uses
  });

  const devices = (count: number): HourFacts => ({
    ...noFacts,
    devices: Array.from({ length: count }, (_, n) => ({ deviceId: `d${n}`, events: [anEntry(`d${n}`)] })),
  });
  const withHour = (day: RolledUpDay, of: HourFacts, hour = '09') =>
    setHour(day, `${day.date}T${hour}`, foldCommunityHour(of, sha256), AT);
  const saveHour = async (of: HourFacts, hour = '09', on = store) => {
    const stored = await on.load(date);
    return stored.save(withHour(await stored.withSets(), of, hour));
  };

  it('write at most 1,000 units a second to the key of a day, and 100 actions a transaction', async () => {
    let now = Date.parse(AT);
    const writes: { at: number; units: number }[] = [];
    const metered = engine().client();
    metered.middlewareStack.add(
      (next) => async (args) => {
        const isWrite = 'TransactItems' in args.input;
        const input = isWrite ? { ...args.input, ReturnConsumedCapacity: 'TOTAL' } : args.input;
        const result = await next({ ...args, input });
        const { ConsumedCapacity = [] } = result.output as { ConsumedCapacity?: { CapacityUnits?: number }[] };
        const units = ConsumedCapacity.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
        if (isWrite) writes.push({ at: now, units });
        return result;
      },
      { step: 'initialize' },
    );
    const sleep = async (milliseconds: number) => void (now += milliseconds);
    const paced = dynamoRollupStore(metered, table, { clock: () => now, sleep });
    const pulls = Array.from({ length: 100 }, (_, n) => ({ name: `tool-${n}`, version: '1', puller: 'user:ada' }));
    expect(await saveHour({ ...devices(50_000), pulls }, '09', paced)).toBe('saved');
    expect(await saveHour(devices(1), '09', paced)).toBe('saved'); // the former parts are deleted

    const inSecond = (end: number) =>
      writes.filter(({ at }) => at > end - 1_000 && at <= end).reduce((sum, { units }) => sum + units, 0);
    expect(writes.reduce((sum, { units }) => sum + units, 0)).toBeGreaterThan(1_500);
    expect(Math.max(...writes.map(({ at }) => inSecond(at)))).toBeLessThan(1_000);
    expect(now - Date.parse(AT)).toBeLessThan(8_000);
  });

  it('do not save rows that were read before another run saved them', async () => {
    const racing = engine().client();
    let isFirst = true;
    racing.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const isRows = 'KeyConditionExpression' in args.input && isFirst;
        if (isRows) {
          isFirst = false;
          await saveHour(devices(3), '10');
        }
        return result;
      },
      { step: 'initialize' },
    );
    const racer = dynamoRollupStore(racing, table, NO_PAUSES);
    expect(await saveHour(devices(1), '09', racer)).toBe('stale');
  });

  it('keep sets that were not read, and how many they count, where only the gauges change', async () => {
    await saveHour(devices(3));
    const stored = await store.load(date);
    expect(await stored.save(setSamples(stored.day, { members: 2, totalScore: 9n }, AT))).toBe('saved');

    const totals = (await reader.totalsOf(date, date))[0]?.totals;
    expect(totals?.get('ACTIVE_DEVICE')?.eventCount).toBe(3n);
    expect(totals?.get('MEMBER_COUNT')?.valueSum).toBe(2n);
    expect(await reader.distinctOf('ACTIVE_DEVICE', date, date)).toBe(3);
    await expect(stored.save(withHour(stored.day, devices(1)))).rejects.toThrow('were not read');
  });
});
