import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AccountId } from '../../domain/identity/account.ts';
import { namedCommandsOf } from '../../domain/scoring/contributions.ts';
import { emptyFold, mergeFolds, type Fold } from '../../domain/scoring/fold.ts';
import { rulesVersion1 } from '../builders/rules.ts';
import { decideScore, type UserScore } from '../../domain/scoring/score.ts';
import type { MetricsStore, ScoreStore } from '../../domain/scoring/score-store.port.ts';
import type { DayScore } from '../../domain/scoring/score-steps.ts';
import type { UserMetrics } from '../../domain/scoring/user-metrics.ts';
import { byDate } from '../../domain/shared/by-date.ts';
import { addDays, dayNumberOf } from '../../domain/shared/utc.ts';
import { packMetrics, unpackMetrics } from '../../functions/adapters/dynamodb/scoring/metrics.codec.ts';
import { parseChanged } from '../../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoChoices, dynamoProfiles } from '../../functions/adapters/dynamodb/scoring/profiles.ts';
import { dynamoScoreStore } from '../../functions/adapters/dynamodb/scoring/score-store.ts';
import { aUsername, sha256 } from '../domain/scoring/model.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { nothingGranted } from '../../domain/grants/granted.ts';
import { someMetricsOf } from '../builders/metrics.ts';
import { aReportOf } from '../builders/reports.ts';
import { aLossyClient } from './lossy-client.ts';

const date = '2026-08-21';
const named = namedCommandsOf(rulesVersion1);
const commands = ['model', 'workflow', 'extension', 'repo', 'telemetry'];

/** A day with about `each` events per command, uneven as real days are. */
const aDay = (day: string, names = commands, each = 5): Fold => ({
  events: new Map([['cli_invocation', names.length * each]]),
  commands: new Map(
    names.map((name, n) => {
      const total = 1 + ((dayNumberOf(day) * 7919 + n * 104_729) % (2 * each));
      return [name, { total, successes: total - ((dayNumberOf(day) + n) % 3 === 0 ? 1 : 0) }];
    }),
  ),
  activeDays: [dayNumberOf(day)],
  lastHour: `${day}T${String(dayNumberOf(day) % 24).padStart(2, '0')}`,
});

const someMetrics = (activeDays = 3, change: Partial<UserMetrics> = {}, names = commands): UserMetrics => {
  const days = Array.from({ length: activeDays }, (_, n) => addDays(date, -n)).reverse();
  const sealedThrough = addDays(date, -36);
  const sealed = days.filter((day) => day <= sealedThrough).map((day) => aDay(day, names));
  const open = days.filter((day) => day > sealedThrough).map((day) => [day, aDay(day, names)] as const);
  return someMetricsOf(date, {
    sealed: mergeFolds([emptyFold, ...sealed], named),
    open: new Map(open),
    ownedDevices: 1,
    sentFrom: [0, 2],
    reports: aReportOf(3, 0),
    // Points that rise while an account is active daily, and stay at the cap.
    activity: {
      rulesVersion: '1',
      points: byDate(
        days
          .filter((day) => day <= sealedThrough)
          .slice(-55)
          .map((day, n) => [day, n < 30 ? 40 + n : 0]),
      ),
    },
    ...change,
  });
};

const aScore = (account = aUsername(), change: Partial<UserScore> = {}): UserScore => ({
  ...decideScore(
    account,
    { metrics: someMetrics(1), granted: nothingGranted },
    { previous: null, isHidden: false, date, now: Date.parse(`${date}T12:00:00Z`), rules: rulesVersion1 },
  ),
  ...change,
});
const foldedAt = `${date}T12:00:00.000Z`;
const starts = new Map([
  ['any', Date.parse(foldedAt)],
  [date, Date.parse(foldedAt)],
]);

describe('packed metrics', () => {
  it.each([0, 1, 3, 36, 37, 700])('are read back unchanged, with %d active days', (days) => {
    const { inputsHash: _, foldedBy: __, ...metrics } = someMetrics(days);
    expect(unpackMetrics(packMetrics(metrics))).toEqual(metrics);
  });

  it('keep names that plain objects would lose', () => {
    const {
      inputsHash: _,
      foldedBy: __,
      ...metrics
    } = someMetrics(40, {}, ['constructor', '__proto__', 'toString', 'other']);
    expect(unpackMetrics(packMetrics(metrics))).toEqual(metrics);
  });
});

describe('packed metrics of a hostile user', () => {
  it('stay within a few write units, with the maximum number of names of maximum length on every day', () => {
    const name = (n: number) => `${String(n).padStart(2, '0')}${sha256(String(n)).slice(0, 30)}`;
    const names = Array.from({ length: 64 }, (_, n) => name(n));
    expect(packMetrics(someMetrics(700, {}, [...names, ...commands])).length).toBeLessThan(10_000);
  });
});

onBothEngines('score store', (engine) => {
  let client: DynamoDBClient;
  let store: ScoreStore & MetricsStore;
  let table: string;
  let accounts: string;
  beforeAll(async () => {
    client = engine().client();
    ({ user_scores: table, accounts } = await engine().createTables(['user_scores', 'accounts']));
    store = dynamoScoreStore(client, table);
  });

  const next = (score: UserScore, metrics = someMetrics(), leaving: readonly DayScore[] = []) => ({
    ...{ metrics, foldedAt, starts, score, leaving },
  });

  it('finds nothing before the first save', async () => {
    expect(await store.load(aUsername('nobody'))).toEqual({ metrics: null, score: null, isHidden: false });
  });

  it('returns a saved score, with a revision that each save raises', async () => {
    const account = aUsername('rises');
    const score = aScore(account, { nextChangeOn: '2026-08-23' });
    for (const revision of [1, 2, 3]) {
      expect(await store.save(await store.load(account), next(score))).toBe('saved');
      expect(await store.load(account)).toEqual({
        metrics: { metrics: someMetrics(), foldedAt, starts, revision },
        score: { score, revision, metricsRevision: revision },
        isHidden: false,
      });
    }
  });

  it('returns the choice to be hidden, which no save changes', async () => {
    const [username, other] = [aUsername('hides'), aUsername('shows')];
    const tables = { scores: table, accounts };
    const choices = dynamoChoices(client, tables, { clock: () => Date.parse(foldedAt) });
    const profiles = dynamoProfiles(client, table, { random: () => 0.5, sleep: async () => {} });
    await choices.setHidden(username, true);
    await store.save(await store.load(username), next(aScore(username)));

    expect((await store.load(username)).isHidden).toBe(true);
    expect(await profiles.hiddenAmong([username, other])).toEqual(new Set([username]));
    await choices.setHidden(username, false);
    expect((await store.load(username)).isHidden).toBe(false);
    expect(await profiles.hiddenAmong([username, other])).toEqual(new Set());
  });

  it('tells readers of the last of many choices at once, and of no other one', async () => {
    const username = aUsername('wavers');
    let now = Date.parse(foldedAt);
    const choices = dynamoChoices(client, { scores: table, accounts }, { clock: () => (now += 1_000) });
    await Promise.all([true, false, true].map((isHidden) => choices.setHidden(username, isHidden)));
    const { isHidden } = await store.load(username);

    const { Items = [] } = await client.send(new ScanCommand({ TableName: accounts }));
    const told = Items.map(parseChanged).filter(([account]) => account === username);
    expect(told).toEqual([[username, { isHidden }]]);
  });

  it('gives a turn to one of many, and the next one only after it was returned', async () => {
    const account = aUsername('turns');
    const until = Date.parse(foldedAt);
    const take = async (by: string) => store.takeTurn(account, { by, until }, (await store.load(account)).turn);
    const before = (await store.load(account)).turn;
    const racers = ['a', 'b', 'c', 'd'].map((by) => store.takeTurn(account, { by, until }, before));
    expect((await Promise.all(racers)).filter((isTaken) => isTaken)).toHaveLength(1);

    const { turn } = await store.load(account);
    expect(turn?.until).toBe(until);
    expect(await store.takeTurn(account, { by: 'late', until }, undefined)).toBe(false);
    expect(await store.takeTurn(account, { by: 'late', until }, { by: 'before', until })).toBe(false);
    await store.endTurn(account, 'nobody');
    expect((await store.load(account)).turn).toEqual(turn);
    await store.endTurn(account, turn!.by);
    expect((await store.load(account)).turn).toEqual({ by: turn!.by, until: 0 });
    expect(await take('next')).toBe(true);
    expect(await store.save(await store.load(account), next(aScore(account)))).toBe('saved');
  });

  it('recognizes its own turn after a lost answer', async () => {
    const account = aUsername('lost-turn');
    const lossy = aLossyClient(engine());
    const isTaken = await dynamoScoreStore(lossy, table).takeTurn(account, { by: 'me', until: 1 }, undefined);

    expect(isTaken).toBe(true);
  });

  it('refuses a save whose guard is outdated, also a first save', async () => {
    const account = aUsername('guarded');
    const before = await store.load(account);
    await store.save(before, next(aScore(account)));
    expect(await store.save(before, next(aScore(account, { canonicalScore: 1 })))).toBe('stale');
    const between = await store.load(account);
    await store.save(between, next(aScore(account)));
    expect(await store.save(between, next(aScore(account, { canonicalScore: 1 })))).toBe('stale');

    expect((await store.load(account)).score?.score.canonicalScore).toBe(aScore().canonicalScore);
  });

  it('accepts exactly one of many concurrent saves', async () => {
    const account = aUsername('raced');
    const guard = await store.load(account);
    const saves = Array.from({ length: 20 }, () => store.save(guard, next(aScore(account))));

    const outcomes = await Promise.all(saves);
    expect(outcomes.filter((outcome) => outcome === 'saved')).toHaveLength(1);
  });

  it('saves only metrics under the same guard, without changing the score', async () => {
    const account = aUsername('metrics-alone');
    const alone = { metrics: someMetrics(), foldedAt, starts };
    const nothing = await store.load(account);
    expect(await store.saveMetrics(account, nothing, alone)).toBe('saved');
    expect(await store.saveMetrics(account, nothing, alone)).toBe('stale');
    expect(await store.load(account)).toEqual({ metrics: { ...alone, revision: 1 }, score: null, isHidden: false });

    await store.save(await store.load(account), next(aScore(account)));
    const refreshing = await store.load(account);
    expect(await store.saveMetrics(account, refreshing, alone)).toBe('saved');

    expect(await store.save(refreshing, next(aScore(account, { canonicalScore: 1 })))).toBe('stale');
    expect((await store.load(account)).score).toEqual(refreshing.score);
  });

  it('reports a lost answer as stale, and a new read finds the save', async () => {
    const account = aUsername('lost');
    const lossy = aLossyClient(engine());
    const outcome = await dynamoScoreStore(lossy, table).save(await store.load(account), next(aScore(account)));

    expect(outcome).toBe('stale');
    expect((await store.load(account)).metrics?.revision).toBe(1);
    expect(await store.save(await store.load(account), next(aScore(account)))).toBe('saved');
  });

  it('keeps users with similar names apart', async () => {
    const names = ['a', 'a.', 'a-b', 'a_', 'a'.repeat(64)].map((name) => aUsername(name));
    for (const account of names) await store.save(await store.load(account), next(aScore(account)));

    for (const account of names) expect((await store.load(account)).score?.score.username).toBe(account);
  });

  it('lists day rows past the end of a page', async () => {
    const account = aUsername('long');
    const days = Array.from({ length: 5 }, (_, n) => addDays(date, n));
    for (const day of days) {
      const row = { pk: `USER#${account}`, sk: `DAY#${day}`, date: day, canonicalScore: 1, scoreRev: 1 };
      const Item = marshall({ ...row, padding: 'x'.repeat(300_000) }); // four such items fill a page of 1 MB
      await client.send(new PutItemCommand({ TableName: table, Item }));
    }

    const rows = await store.dayRows(account, date, addDays(date, 30));
    expect(rows.map((row) => row.date)).toEqual(days);
  });

  it('guards the score separately: the next refresh completes metrics without a score', async () => {
    const account = aUsername('halfway');
    await store.save(await store.load(account), next(aScore(account)));
    const guard = await store.load(account);
    const overtaken = { ...guard, score: guard.score && { ...guard.score, revision: 7 } };
    expect(await store.save(overtaken, next(aScore(account)))).toBe('stale');

    expect(await store.save(await store.load(account), next(aScore(account)))).toBe('saved');
    const { metrics, score } = await store.load(account);
    expect([metrics?.revision, score?.revision]).toEqual([3, 2]);
  });

  const left = (...days: readonly (readonly [day: string, canonicalScore: number])[]) =>
    days.map(([day, canonicalScore]) => ({ date: `2026-05-${day}`, canonicalScore }));
  const rowsOf = (days: readonly DayScore[]) => days.map((day) => ({ ...day, rulesVersion: '1' }));
  const leave = async (account: AccountId, days: readonly DayScore[]) =>
    store.save(await store.load(account), next(aScore(account), undefined, days));

  it('writes the dates that leave a score as one row, with the rules of that time', async () => {
    const account = aUsername('days');
    await leave(account, []);
    expect(await store.dayRows(account, '2026-05-01', '2026-05-31')).toEqual([]);

    await leave(account, left(['19', 20]));
    await leave(account, left(['20', 30], ['21', 10], ['24', 40]));
    const all = rowsOf(left(['19', 20], ['20', 30], ['21', 10], ['24', 40]));
    expect(await store.dayRows(account, '2026-05-01', '2026-05-31')).toEqual(all);
    // Also if the row of a date in the range belongs to a later date.
    expect(await store.dayRows(account, '2026-05-20', '2026-05-22')).toEqual(all);
  });

  it('lists the last row before the range, whose score continues into the range', async () => {
    const account = aUsername('carried');
    await leave(account, []);
    for (const day of left(['10', 1], ['11', 2], ['15', 3], ['20', 4], ['25', 5])) await leave(account, [day]);

    const rows = await store.dayRows(account, '2026-05-14', '2026-05-15');
    expect(rows.map((row) => row.canonicalScore)).toEqual([2, 3, 4]);
  });

  it('never replaces a day row with an older score', async () => {
    const account = aUsername('late');
    await leave(account, []);
    const old = await store.load(account);
    await leave(account, []);
    await leave(account, left(['21', 20]));
    // A slow refresh: its metrics were saved before the others started, and its score is saved now.
    const slow = { metrics: (await store.load(account)).metrics, score: old.score, isHidden: false };
    expect(await store.save(slow, next(aScore(account), undefined, left(['21', 10])))).toBe('stale');

    expect(await store.dayRows(account, '2026-05-21', '2026-05-21')).toEqual(rowsOf(left(['21', 20])));
  });

  it('costs one read unit to load and one write unit per item, with 10 and with 700 active days', async () => {
    const sizes: number[] = [];
    for (const days of [10, 700]) {
      const measuring = engine().client();
      const units: number[] = [];
      measuring.middlewareStack.add(
        (call) => (args) => {
          Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
          return call(args);
        },
        { step: 'initialize' },
      );
      measuring.middlewareStack.add(
        (call) => async (args) => {
          const result = await call(args);
          const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } };
          units.push(ConsumedCapacity?.CapacityUnits ?? NaN);
          return result;
        },
        { step: 'initialize' },
      );
      const account = aUsername(`cost-${days}`);
      const measured = dynamoScoreStore(measuring, table);
      await measured.save(await measured.load(account), next(aScore(account), someMetrics(days)));
      await measured.save(await measured.load(account), next(aScore(account), someMetrics(days)));
      expect(units.slice(-3)).toEqual([1, 1, 1]);
      sizes.push(packMetrics(someMetrics(days)).length);
    }
    expect(Math.max(...sizes)).toBeLessThan(800);
  });
});

describe('score store, when the engine fails', () => {
  it('throws any error that is not a failed condition', async () => {
    const mock = mockClient(DynamoDBClient);
    mock.on(PutItemCommand).rejects(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
    const store = dynamoScoreStore(new DynamoDBClient({ region: 'us-east-1' }), 'scores');

    const save = store.save(
      { metrics: null, score: null, isHidden: false },
      { metrics: someMetrics(), foldedAt, starts, score: aScore(), leaving: [] },
    );
    await expect(save).rejects.toMatchObject({ name: 'ThrottlingException' });
    mock.restore();
  });
});
