import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { noFacts, type HourFacts } from '../../domain/metrics/community-hour.ts';
import { foldCommunityHour } from '../../domain/metrics/hour-fold.ts';
import { hourPlaceOf, keysByHour } from '../../functions/adapters/dynamodb/shared/hour-index.ts';
import { rollUpDay, sampleGauges, type RollUpDeps } from '../../domain/metrics/roll-up.ts';
import { setHour, type RolledUpDay } from '../../domain/metrics/rolled-up-day.ts';
import type { RollupReader, RollupStore } from '../../domain/metrics/rollup-store.port.ts';
import { addDays } from '../../domain/shared/utc.ts';
import { dynamoDeviceStore } from '../../functions/adapters/dynamodb/telemetry/device-store.ts';
import { dynamoRollUp } from '../../functions/adapters/dynamodb/metrics/roll-up.ts';
import { dynamoRollupReader } from '../../functions/adapters/dynamodb/metrics/rollup-reader.ts';
import { dynamoRollupStore } from '../../functions/adapters/dynamodb/metrics/rollup-store.ts';
import { aChunk, anEntry } from '../builders/device-hour.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { RETRY_AT_ONCE } from '../../proof/faults.ts';
import { faultAt, Wire } from '../../proof/wire.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const AT = '2026-08-21T12:00:00.000Z';
const FIRST_DATE = '2026-01-01';
const NO_PAUSES = { clock: () => 0, sleep: async () => {} };
/** A day with what can be read of its sets. */
const read = ({ sets, ...day }: RolledUpDay) => ({
  ...day,
  sets: Object.fromEntries([...sets].map(([metric, set]) => [metric, [...set.entries()]])),
});

onBothEngines('rollups', (engine) => {
  let client: DynamoDBClient;
  let tables: Awaited<ReturnType<ReturnType<typeof engine>['createTables']>>;
  let store: RollupStore;
  let reader: RollupReader;
  let date = FIRST_DATE;
  beforeAll(async () => {
    client = engine().client();
    tables = await engine().createTables();
    store = dynamoRollupStore(client, tables.metric_rollup_hour, NO_PAUSES);
    reader = dynamoRollupReader(client, tables.metric_rollup_hour, { random: () => 0.5, sleep: async () => {} });
  });
  beforeEach(() => {
    date = addDays(date, 30); // days that no other test uses
  });

  const facts = (change: Partial<HourFacts>): HourFacts => ({ ...noFacts, ...change });
  const devices = (count: number, prefix = 'd') =>
    facts({
      devices: Array.from({ length: count }, (_, n) => ({
        deviceId: `${prefix}${n}`,
        events: [anEntry(`${prefix}${n}`)],
      })),
    });
  const withHour = (day: RolledUpDay, of: HourFacts, hour = '09') =>
    setHour(day, `${day.date}T${hour}`, foldCommunityHour(of, sha256), AT);
  const saveHour = async (of: HourFacts, hour = '09', on = store) => {
    const stored = await on.load(date);
    return stored.save(withHour(await stored.withSets(), of, hour));
  };

  it('store a day as given, with its totals', async () => {
    const grants = [
      { grantId: 'award:a', amount: Number.MAX_SAFE_INTEGER },
      { grantId: 'award:b', amount: 3 },
    ];
    const empty = await store.load(date);
    const next = withHour(await empty.withSets(), { ...devices(3), grants });

    expect(await empty.save(next)).toBe('saved');

    expect(read(await (await store.load(date)).withSets())).toEqual({
      ...read(next),
      sets: { ACTIVE_DEVICE: read(next).sets.ACTIVE_DEVICE },
    });
    const [day] = await reader.totalsOf(date, date);
    expect(day).toEqual({
      date,
      totals: new Map([
        ['CLI_INVOCATION', { eventCount: 3n, valueSum: 0n }],
        ['ACTIVE_DEVICE', { eventCount: 3n, valueSum: 0n }],
        ['AWARD_GRANTED', { eventCount: 2n, valueSum: BigInt(Number.MAX_SAFE_INTEGER) + 3n }],
        ['POINTS_GRANTED', { eventCount: 2n, valueSum: BigInt(Number.MAX_SAFE_INTEGER) + 3n }],
      ]),
    });
  });

  it('refuse a save that was decided before another one, even if that one changed nothing', async () => {
    const [older, newer] = [await store.load(date), await store.load(date)];

    expect(await newer.save(newer.day)).toBe('saved');
    expect(await older.save(withHour(await older.withSets(), devices(1)))).toBe('stale');
    const again = await store.load(date);
    expect(await again.save(again.day)).toBe('saved');
    expect(await newer.save(newer.day)).toBe('stale');
  });

  it('delete rows that a save no longer contains', async () => {
    const pulls = [{ name: 'tool', version: '2026.01.01.1', puller: 'user:ada' }];
    await saveHour(facts({ pulls }));
    expect(await store.pullsOf('tool')).toBe(1);

    await saveHour(noFacts);

    const { day } = await store.load(date);
    expect([day.series.size, await store.pullsOf('tool'), await reader.totalsOf(date, date)]).toEqual([
      0,
      0,
      [{ date, totals: new Map() }],
    ]);
  });

  it.each([
    ['before its last transaction', 7, 'throw before'],
    ['after its last transaction', 7, 'throw after'],
    ['after its first transaction', 4, 'throw after'],
  ] as const)(
    'save more rows than fit into one transaction, and complete a save that ended %s',
    async (when, place, fault) => {
      const names = Array.from({ length: 150 }, (_, n) => `${when.replaceAll(' ', '-')}-${n}`);
      const pulls = names.map((name) => ({ name, version: '2026.01.01.1', puller: 'user:ada' }));
      const dying = new Wire(faultAt(place, fault)).attach(engine().client({ retryStrategy: RETRY_AT_ONCE }));
      const onDying = dynamoRollupStore(dying, tables.metric_rollup_hour, NO_PAUSES);
      await expect(saveHour(facts({ pulls }), '09', onDying)).rejects.toThrow();
      const isDone = fault === 'throw after' && place === 7;
      // no message treats a half-saved day as done
      expect((await store.load(date)).day.rolledUpAt.size).toBe(isDone ? 1 : 0);

      expect(await saveHour(facts({ pulls }))).toBe('saved');

      expect((await store.load(date)).day.series.size).toBe(151);
      for (const name of names) expect(await store.pullsOf(name)).toBe(1);
      expect((await reader.totalsOf(date, date))[0]?.totals.get('EXTENSION_PULLED')?.eventCount).toBe(150n);
    },
  );

  it('keep the newest summary of an extension, and refuse a save that was decided before another one', async () => {
    const extension = `@summaries/${date}`;
    const published = { firstPublished: AT, lastPublished: AT };
    const publisher = { kind: 'personal', name: aUsername() } as const;
    const summary = (pulls: number) => ({ extension, publisher, versions: 1, pulls, ...published });
    const [first, late] = [await store.loadSummary(extension), await store.loadSummary(extension)];

    expect(await first.save(summary(1))).toBe('saved');
    expect(await late.save(summary(2))).toBe('stale');

    const [second, later] = [await store.loadSummary(extension), await store.loadSummary(extension)];
    expect(await second.save(summary(1))).toBe('saved'); // a save without changes counts as well
    expect(await later.save(summary(3))).toBe('stale');
    expect((await store.summaries()).filter((each) => each.extension === extension)).toEqual([summary(1)]);
  });

  it('keep the newest count of a week, and refuse a save that was decided before another one', async () => {
    const counts = (devices: number) => new Map([['ACTIVE_DEVICE' as const, devices]]);
    expect(await reader.weekOf(date)).toBeUndefined();
    for (const [first, second] of [
      [1, 2],
      [3, 4],
    ] as const) {
      const [early, late] = [await store.loadWeek(date), await store.loadWeek(date)];
      expect(early.isCounted).toBe(first > 1);
      expect(await early.save(counts(first))).toBe('saved');
      expect(await late.save(counts(second))).toBe('stale');
      expect(await reader.weekOf(date)).toEqual(counts(first));
    }
  });

  it('store sets of any size, and count several days together exactly', async () => {
    await saveHour(devices(20_001));
    const first = date;
    date = addDays(date, 1);
    await saveHour(devices(20));
    await saveHour(devices(20, 'other'), '10');

    expect((await reader.totalsOf(first, first))[0]?.totals.get('ACTIVE_DEVICE')?.eventCount).toBe(20_001n);
    expect(await reader.distinctOf('ACTIVE_DEVICE', first, date)).toBe(20_021);
    expect((await (await store.load(first)).withSets()).sets.get('ACTIVE_DEVICE')?.size).toBe(20_001);

    date = first;
    await saveHour(devices(1)); // back to one part
    expect(await reader.distinctOf('ACTIVE_DEVICE', first, first)).toBe(1);
  });

  it('find the newest sample before a day, even after many days without one', async () => {
    expect(await reader.lastSampleBefore('MEMBER_COUNT', FIRST_DATE)).toBeNull();
  });

  const deps = (now: () => number): RollUpDeps =>
    dynamoRollUp(
      client,
      {
        accounts: tables.accounts,
        telemetry: tables.telemetry,
        grants: tables.score_grants,
        registry: tables.registry,
        scores: tables.user_scores,
        rollups: tables.metric_rollup_hour,
      },
      { clock: now, random: () => 0.5, sleep: async () => {}, sha256 },
    );

  it('skip an hour that a run covered since all announced changes, and no other hour', async () => {
    const hour = `${date}T09`;
    const began = Date.parse(`${date}T10:00:00.000Z`);
    const ask = (changedBefore: number | null, now = began) => {
      const request =
        changedBefore === null ? { hour } : { hour, changedBefore: new Date(changedBefore).toISOString() };
      return rollUpDay(
        deps(() => now),
        date,
        [request],
      );
    };

    expect(await ask(began - 60_000)).toEqual({ date, rolledUp: [hour], doneSince: [], later: [], ahead: [] });
    expect(await ask(began - 60_000)).toEqual({ date, rolledUp: [], doneSince: [hour], later: [], ahead: [] });
    // too close, because two machines' clocks may differ
    expect(await ask(began - 3_000)).toMatchObject({ rolledUp: [hour] });
    expect(await ask(began)).toMatchObject({ rolledUp: [hour] });
    expect(await ask(began + 60_000)).toMatchObject({ rolledUp: [hour] });
    expect(await ask(null)).toMatchObject({ rolledUp: [hour] });

    // A clock that was 400 days ahead would have covered every change until then.
    await ask(null, began + 400 * 86_400_000);
    expect(await ask(began - 60_000)).toMatchObject({ rolledUp: [hour], ahead: [hour] });
    expect(await ask(began - 60_000)).toMatchObject({ doneSince: [hour], ahead: [] });
  });

  it('count as started before their first read, however long reading takes', async () => {
    let now = Date.parse(AT);
    const run = deps(() => now);
    const slow: RollUpDeps = {
      ...run,
      facts: {
        async *factsOf(...args) {
          now += 60_000;
          yield { hour: `${date}T09`, facts: devices(1) };
          yield* run.facts.factsOf(...args);
        },
      },
    };

    await rollUpDay(slow, date, [{ hour: `${date}T09` }, { hour: `${date}T10` }]);

    const { rolledUpAt } = (await store.load(date)).day;
    expect(Object.fromEntries(rolledUpAt)).toEqual({ 9: AT, 10: AT });
  });

  it('start again if another run saved meanwhile, so the older result is never kept', async () => {
    const hour = `${date}T09`;
    const telemetry = dynamoDeviceStore(client, tables.telemetry, {
      random: () => 0,
      sleep: async () => {},
      randomToken: () => Math.random().toString(36),
    });
    const sendFrom = (device: string) => telemetry.saveChunk(device, hour, aChunk({ events: [anEntry(device)] }));
    const run = deps(() => Date.parse(AT));
    let runs = 0;
    const slow: RollUpDeps = {
      ...run,
      facts: {
        async *factsOf(...args) {
          yield* run.facts.factsOf(...args);
          runs += 1;
          if (runs > 2) return;
          await sendFrom(`later-${runs}`);
          await rollUpDay(run, date, [{ hour }]);
        },
      },
    };
    await sendFrom('first');

    await rollUpDay(slow, date, [{ hour }]);

    expect(runs).toBe(3);
    expect((await reader.totalsOf(date, date))[0]?.totals.get('CLI_INVOCATION')?.eventCount).toBe(3n);
  });

  it('find the facts of an hour in all shards, and none of another hour', async () => {
    const randomToken = () => Math.random().toString(36);
    const telemetry = dynamoDeviceStore(client, tables.telemetry, {
      random: () => 0,
      sleep: async () => {},
      randomToken,
    });
    const shards = new Set<string>();
    for (let n = 0; n < 40; n += 1) {
      const deviceId = `device-${n}`;
      shards.add(hourPlaceOf(`${date}T09`, deviceId).dayShard);
      for (const [hour, index] of [
        ['08', 0],
        ['09', 0],
        ['09', 1],
        ['10', 0],
      ] as const) {
        const chunk = aChunk({ index, events: [anEntry(`${n}-${hour}-${index}`)] });
        await telemetry.saveChunk(deviceId, `${date}T${hour}`, chunk);
      }
    }
    expect(shards.size).toBeGreaterThan(10);

    const found: [string, string][] = [];
    const hours = [`${date}T08`, `${date}T10`];
    for await (const { hour, keys } of keysByHour(client, tables.telemetry, date, hours, 2)) {
      expect(keys.length).toBeLessThanOrEqual(3);
      found.push(...keys.map(({ pk }): [string, string] => [hour, pk]));
    }
    const all = hours.flatMap((hour) => Array.from({ length: 40 }, (_, n) => [hour, `DEVICE#device-${n}`]));
    expect(found.map(([hour]) => hour)).toEqual(all.map(([hour]) => hour));
    expect(found.toSorted()).toEqual(all.toSorted());

    await rollUpDay(
      deps(() => Date.parse(AT)),
      date,
      [{ hour: `${date}T09` }],
    );
    const only = (await store.load(date)).day;
    await rollUpDay(
      deps(() => Date.parse(AT) + 1_000),
      date,
      [{ hour: `${date}T08` }, { hour: `${date}T10` }],
    );
    const around = (await store.load(date)).day;
    await rollUpDay(
      deps(() => Date.parse(AT)),
      date,
      null,
    );
    const whole = (await store.load(date)).day;

    const hoursOf = (day: RolledUpDay) =>
      [...(day.series.get('CLI_INVOCATION#community')?.hours ?? [])].map(([hour, { eventCount }]) => [
        hour,
        eventCount,
      ]);
    expect(hoursOf(only)).toEqual([[9, 80n]]);
    expect([...only.rolledUpAt.keys()]).toEqual([9]);
    expect(around.rolledUpAt.get(9)).toBe(only.rolledUpAt.get(9));
    expect(hoursOf(whole)).toEqual([
      [8, 40n],
      [9, 80n],
      [10, 40n],
    ]);
    expect((await reader.totalsOf(date, date))[0]?.totals.get('ACTIVE_DEVICE')?.eventCount).toBe(40n);
  });

  it('sample the gauges at most once a minute per thousand members, unless forced', async () => {
    let now = Date.parse(`${date}T09:10:00.000Z`);
    const put = async (username: string, score: number | undefined) => {
      const item = { pk: `USER#${username}`, sk: 'SCORE', scoreShard: 'SHARD#3', memberScore: score };
      await client.send(
        new PutItemCommand({ TableName: tables.user_scores, Item: marshall(item, { removeUndefinedValues: true }) }),
      );
    };
    const clock = () => now;
    const sample = (isForced: boolean) => sampleGauges(deps(clock), { isForced });
    const members = async () => (await reader.totalsOf(date, date))[0]?.totals.get('MEMBER_COUNT')?.valueSum;
    await put('ada', 7);
    await put('gone', undefined);

    expect(await sample(false)).toBe('sampled');
    expect(await members()).toBe(1n);
    await put('bob', 5);
    now += 59_999;
    expect(await sample(false)).toBe('not-due');
    expect(await members()).toBe(1n);
    expect(await sample(true)).toBe('sampled');
    expect(await members()).toBe(2n);
    now += 60_000;
    expect(await sample(false)).toBe('sampled');
    expect((await reader.totalsOf(date, date))[0]?.totals.get('TOTAL_SCORE')?.valueSum).toBe(12n);
    expect(await reader.lastSampleBefore('TOTAL_SCORE', addDays(date, 3))).toBe(12n);
  });
});
