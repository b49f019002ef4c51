/**
 * Device-hours of devices that nobody owns expire; what an account counts never does. The engine's own deletions follow the machine's
 * clock, so these tests delete what is due themselves.
 *
 * Seen to fail without: the expiry of anonymous chunks alone; keeping chunks before the score is saved; starting again where one has
 * expired meanwhile; the condition that makes no chunk again; ignoring changes of the expiry alone; counts of old dates that
 * never fall.
 */
import '../support/silent-logs.ts';
import { DeleteItemCommand, ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ingestHandler, personalKey, refreshDeps } from '../../bench/wiring.ts';
import { foldCommunityHour } from '../../domain/metrics/hour-fold.ts';
import { noFacts } from '../../domain/metrics/community-hour.ts';
import { setHour, type RolledUpDay } from '../../domain/metrics/rolled-up-day.ts';
import { AccountId } from '../../domain/identity/account.ts';
import { refreshScore, type RefreshDeps } from '../../domain/scoring/refresh-score.ts';
import { expiryOf, firstWholeDate } from '../../domain/telemetry/retention.ts';
import { telemetryChange } from '../../functions/adapters/dynamodb/change-feed/telemetry-changes.ts';
import { readStreamRecord } from '../../functions/adapters/dynamodb/change-feed/stream-record.ts';
import { dynamoDeviceStore } from '../../functions/adapters/dynamodb/telemetry/device-store.ts';
import { anEntry } from '../builders/device-hour.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { sha256 } from '../builders/identity.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';

const NOON = Date.parse('2026-08-21T12:00:00.000Z');
const HOUR = '2026-08-21T11';
/** 13 months after noon, as in the tests' community. */
const EXPIRES = Date.parse('2027-09-21T12:00:00.000Z') / 1_000;
const ADA = AccountId.parse('ada');

let engine: TestEngine;
let client: DynamoDBClient;
let tables: Awaited<ReturnType<TestEngine['createTables']>>;
beforeAll(async () => {
  engine = await startTestEngine();
  client = engine.client();
});
afterAll(async () => {
  await engine.stop();
});
beforeEach(async () => {
  tables = await engine.createTables();
});

const surroundings = () => ({
  client,
  tables: (role: string) => tables[role as keyof typeof tables],
  clock: () => NOON,
});

async function send(count: number, { id = 'e', key }: { id?: string; key?: string } = {}): Promise<void> {
  const events = Array.from({ length: count }, (_, n) => ({
    ...{ event: 'cli_invocation', distinct_id: 'laptop', insert_id: `${id}${n}`, timestamp: `${HOUR}:05:00Z` },
    properties: { invocation: { command: 'model' } },
  }));
  expect(await ingestHandler(surroundings())(anHttpRequest({ key, body: { events } }))).toMatchObject({
    statusCode: 202,
  });
}

async function sendTwoChunks(): Promise<void> {
  await send(60); // more than a chunk takes of later ones
  await send(10, { id: 'f' });
}

async function chunks(): Promise<{ index: number; expiresAt: number | null }[]> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: tables.telemetry }));
  return Items.filter(({ sk }) => sk?.S?.startsWith('HOUR#'))
    .map(({ sk, expiresAt }) => ({ index: Number(sk!.S!.slice(-4)), expiresAt: Number(expiresAt?.N ?? NaN) || null }))
    .sort((a, b) => a.index - b.index);
}

const expire = (index: number) =>
  client.send(
    new DeleteItemCommand({
      TableName: tables.telemetry,
      Key: marshall({ pk: 'DEVICE#laptop', sk: `HOUR#${HOUR}#000${index}` }),
    }),
  );

const refresh = (change: Partial<RefreshDeps> = {}) =>
  refreshScore({ ...refreshDeps(surroundings()), sleep: async () => {}, ...change }, { username: ADA, days: null });
const countOf = async () => {
  const { metrics } = await refreshDeps(surroundings()).scores.load(ADA);
  return [...(metrics?.metrics.open.values() ?? [])].map(({ events }) => events.get('cli_invocation'))[0] ?? 0;
};

describe('hours of a device that nobody owns', () => {
  it('expire 13 months after they were stored, by the write that stores them', async () => {
    await sendTwoChunks();
    expect(await chunks()).toEqual([
      { index: 0, expiresAt: EXPIRES },
      { index: 1, expiresAt: EXPIRES },
    ]);
  });

  it('are kept once the device is bound and its owner refreshed; later events never expire', async () => {
    await sendTwoChunks();
    await send(1, { id: 'own', key: await personalKey(surroundings(), 'ada') });
    expect(await chunks()).toMatchObject([{ expiresAt: EXPIRES }, { expiresAt: null }]); // the second names its sender
    await refresh();
    expect(await countOf()).toBe(71);
    expect((await chunks()).map(({ expiresAt }) => expiresAt)).toEqual([null, null]);
    await send(70, { id: 'later' });
    expect((await chunks()).map(({ expiresAt }) => expiresAt)).toEqual([null, null, null]);
  });

  it('do not expire where an event names its sender, also after the device was taken from its owner', async () => {
    await send(1, { id: 'own', key: await personalKey(surroundings(), 'ada') });
    const chance = { random: Math.random, sleep: async () => {}, randomToken: () => 'token' };
    expect(await dynamoDeviceStore(client, tables.telemetry, chance).unbind('laptop', ADA)).toBe('unbound');
    await send(1);
    expect(await chunks()).toEqual([{ index: 0, expiresAt: null }]);
  });

  it('credit a later owner with what is left, and do not come back', async () => {
    await sendTwoChunks();
    await expire(0);
    await send(1, { id: 'own', key: await personalKey(surroundings(), 'ada') });
    await refresh();
    expect(await countOf()).toBe(11);
    expect(await chunks()).toEqual([{ index: 1, expiresAt: null }]);
  });

  it('that expire while their new owner is refreshed are not counted', async () => {
    await sendTwoChunks();
    await send(1, { id: 'own', key: await personalKey(surroundings(), 'ada') });
    const deps = refreshDeps(surroundings());
    let tries = 0;
    const keepChunks: RefreshDeps['keepChunks'] = async (places) => {
      tries += 1;
      if (tries === 1) await expire(0);
      return deps.keepChunks!(places);
    };
    expect(await refresh({ keepChunks })).toBe('saved');
    expect([tries, await countOf()]).toEqual([1, 11]); // the second try finds nothing that could expire
    expect(await chunks()).toEqual([{ index: 1, expiresAt: null }]);
  });
});

describe('the change feed', () => {
  const image = { pk: { S: 'DEVICE#laptop' }, sk: { S: `HOUR#${HOUR}#0000` }, rev: { N: '1' }, writeId: { S: 'w' } };
  const chunk = { ...image, events: { B: Buffer.alloc(0).toString('base64') }, kinds: { L: [] } };
  const expiring = { ...chunk, expiresAt: { N: '1' } };
  const service = { type: 'Service', principalId: 'dynamodb.amazonaws.com' };
  const changeOf = (OldImage: object | undefined, NewImage: object | undefined, userIdentity?: object) =>
    readStreamRecord(
      {
        table: 'telemetry',
        record: { userIdentity, dynamodb: { Keys: { pk: chunk.pk, sk: chunk.sk }, OldImage, NewImage } },
      },
      telemetryChange,
    );

  it('announces no hour that expires or is kept; it does announce one that somebody removes', () => {
    expect(changeOf(expiring, undefined, service)).toBeUndefined();
    expect(changeOf(expiring, chunk)).toBeUndefined();
    expect(changeOf(expiring, undefined)).toMatchObject({ kind: 'hour-changed', hour: HOUR });
    expect(changeOf(undefined, expiring)).toMatchObject({ kind: 'hour-changed', hour: HOUR });
    expect(changeOf(expiring, { ...chunk, rev: { N: '2' } })).toMatchObject({ kind: 'hour-changed' });
  });
});

describe('roll-ups of dates whose facts may have expired', () => {
  const facts = (...ids: string[]) =>
    foldCommunityHour({ ...noFacts, devices: ids.map((id) => ({ deviceId: id, events: [anEntry(id)] })) }, sha256);
  const day: RolledUpDay = { date: '2026-08-21', series: new Map(), sets: new Map(), rolledUpAt: new Map() };
  const figures = (of: RolledUpDay) => [
    of.series.get('CLI_INVOCATION#community')?.hours.get(11)?.eventCount ?? 0n,
    of.sets.get('ACTIVE_DEVICE')?.size ?? 0,
  ];

  it.each([
    [true, ['c'], [1n, 1]],
    [false, ['c'], [2n, 3]],
    [false, [], [2n, 2]],
    [false, ['a', 'b', 'c'], [3n, 3]],
  ] as const)('whole: %s, after facts of a and b those of %j', (isWhole, ids, expected) => {
    const first = setHour(day, HOUR, facts('a', 'b'), '2026-08-21T12:00:00.000Z');
    expect(figures(setHour(first, HOUR, facts(...ids), '2026-08-21T13:00:00.000Z', { isWhole }))).toEqual(expected);
  });

  it.each(['2026-01-31T10:00:00Z', '2026-02-28T23:59:59Z', '2026-12-31T00:00:00Z', '2027-01-29T12:00:00Z'])(
    'begin before anything stored at %s expires',
    (stored) => {
      const at = Date.parse(stored);
      expect(firstWholeDate(expiryOf(stored.slice(0, 13), at) * 1_000) > stored.slice(0, 10)).toBe(true);
    },
  );
});
