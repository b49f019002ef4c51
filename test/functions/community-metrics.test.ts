import { beforeAll, describe, expect, it, vi } from 'vitest';
import { communityMetrics } from '../../domain/metrics/catalog.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aRawEvent } from '../builders/telemetry.ts';
import type { Answer } from './function-under-test.ts';
import { NOON, VERSION, world } from './publishing-under-test.ts';

const DAY = 86_400_000;
const MIDNIGHT = Date.parse('2026-08-21T00:00:00.000Z');
const YESTERDAY = MIDNIGHT - DAY;

let name: string;
let shared: string;
let rollUp: (event: unknown) => Promise<unknown>;
const read = async (target: string, headers: Record<string, string> = {}) => {
  const [path = '', query = ''] = target.split('?');
  const { handler }: { handler: (event: unknown) => Promise<Answer> } =
    await import('../../functions/read-api/handler.ts');
  const {
    statusCode,
    headers: sent,
    body,
  } = await handler(anHttpRequest({ method: 'GET', path: `/community-metrics${path}`, query, headers }));
  return {
    status: statusCode,
    headers: sent,
    body: sent['content-type'] === 'application/json' ? JSON.parse(body) : body || undefined,
  };
};
const ingest = async (key: string | undefined, ...events: object[]) => {
  const answer = await world.call(world.ingest, 'POST', '/ingest', { key, body: { events } });
  expect(answer).toMatchObject({ status: 202, body: { rejected: 0 } });
};
const pull = (extension: string, puller: string) => ({
  event: 'extension_pulled',
  distinct_id: 'registry',
  timestamp: '2026-08-20T15:00:00.000Z',
  properties: { extension_name: extension, version: VERSION, username: puller },
});

beforeAll(async () => {
  ({ handler: rollUp } = await import('../../functions/roll-up-metrics/handler.ts'));
  vi.useFakeTimers({ toFake: ['Date'], now: NOON - DAY });
  name = await world.published(world.keys.ada, [VERSION, '2026.08.21.2']);
  shared = await world.published(world.keys.guild);
  const events = ['1', '2'].map((id) => aRawEvent({ insert_id: id, timestamp: '2026-08-20T09:00:00.000Z' }));
  await ingest(world.keys.ada, ...events, aRawEvent({ insert_id: '3', timestamp: '2026-08-19T09:00:00.000Z' }));
  await ingest(
    undefined,
    aRawEvent({ distinct_id: 'device-2', insert_id: '4', timestamp: '2026-08-20T23:59:59.999Z' }),
  );
  await ingest(world.keys.service, pull(name, 'bob'), pull(name, 'bob'), pull(name, 'cy'), pull(shared, 'bob'));
  await ingest(world.keys.service, {
    event: 'award',
    distinct_id: 'jury',
    timestamp: '2026-08-20T10:00:00.000Z',
    properties: { award_id: 'a1', username: 'ada', points: 700, reason: 'help' },
  });
  vi.setSystemTime(NOON);
  expect(await rollUp({})).toMatchObject({ status: 'done', days: 37 });
});

describe('GET /community-metrics', () => {
  it('compares the last two days, with a field for every metric', async () => {
    const { status, headers, body } = await read('?interval=DAY');

    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'cache-control': 'public, max-age=60', 'access-control-allow-origin': '*' });
    expect(Object.keys(body)).toEqual(communityMetrics.map(({ field }) => field));
    const newer = { period_start: YESTERDAY, period_end: MIDNIGHT };
    const older = { period_start: YESTERDAY - DAY, period_end: YESTERDAY };
    expect(body).toMatchObject({
      cli_invocations: {
        older: { ...older, event_count: 1, value_count: 0 },
        newer: { ...newer, event_count: 3, value_count: 0 },
      },
      active_devices: { older: { event_count: 1 }, newer: { event_count: 2, value_count: 0 } },
      active_members: { older: { event_count: 1 }, newer: { event_count: 1 } },
      new_devices: { older: { event_count: 0 }, newer: { event_count: 2 } },
      extensions_published: { newer: { event_count: 3 } },
      distinct_publishers: { newer: { event_count: 2 } },
      extensions_pulled: { newer: { event_count: 3 } },
      awards_granted: { newer: { event_count: 1, value_count: 700 } },
      members: { newer: { event_count: 0, value_count: null } },
    });
    // 700, and 500 for each of ada's versions and for the guild's version to each of its two members.
    expect(body.points_granted.newer).toMatchObject({ event_count: 5, value_count: 2_700 });
  });

  it('compares weeks, whose distinct counts are not sums of days', async () => {
    const { body } = await read('?interval=WEEK');

    expect(body.active_members.newer).toMatchObject({ period_start: MIDNIGHT - 7 * DAY, event_count: 1 });
    expect(body.cli_invocations.newer.event_count).toBe(4);
    expect(body.active_devices.newer.event_count).toBe(2);

    // A late event changes what was counted of every week that has its day.
    await ingest(
      undefined,
      aRawEvent({ distinct_id: 'device-late', insert_id: '5', timestamp: '2026-08-17T09:00:00.000Z' }),
    );
    await rollUp({});
    const { newer, older } = (await read('?interval=WEEK')).body.active_devices;
    expect([newer.event_count, older.event_count]).toEqual([3, 0]);
  });

  it('answers 304 to a matching etag, with or without other etags', async () => {
    const { headers } = await read('?interval=DAY');
    const etag = headers.etag!;

    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      expect(await read('?interval=DAY', { 'if-none-match': known })).toMatchObject({
        status: 304,
        headers: { etag, 'cache-control': 'public, max-age=60' },
        body: undefined,
      });
    }
    expect((await read('?interval=DAY', { 'if-none-match': '"other"' })).status).toBe(200);
    expect((await read('?interval=WEEK')).headers.etag).not.toBe(etag);
  });
});

describe('GET /community-metrics/by-hour', () => {
  it('has the hours of days in which something happened, and refuses what has none', async () => {
    const days = `since=${YESTERDAY - DAY}&to=${YESTERDAY}`;
    const { body } = await read(`/by-hour?${days}`);
    const { body: granted } = await read(`/by-hour?since=${YESTERDAY}&to=${MIDNIGHT}&metric=award_granted`);

    expect(body).toMatchObject({ metric: 'CLI_INVOCATION', steps_start_times: { length: 24 } });
    expect(body.values.reduce((sum: number, value: number) => sum + value)).toBe(1);
    expect(granted.values.reduce((sum: number, value: number) => sum + value)).toBe(700);
    expect((await read(`/by-hour?${days}&metric=members`)).body.error).toMatch(/^metric: expected CLI_INVOCATION, /u);
    expect((await read(`/by-hour?since=${NOON - 93 * DAY}&to=${NOON}`)).body.error).toMatch(
      /^to: expected at most 92 days/u,
    );
    expect((await read(`/by-hour?${days}&format=csv`)).body).toMatch(
      /^hour,value\r\n\d{4}-\d\d-\d\dT00:00:00.000Z,0\r\n/u,
    );
  });
});

describe('GET /community-metrics/series', () => {
  it('has every metric for each day, gauges from their first sample on', async () => {
    const { status, body } = await read(`/series?since=${YESTERDAY - DAY}&to=${NOON + 90 * DAY}`);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      steps_start_times: [YESTERDAY - DAY, YESTERDAY, MIDNIGHT],
      cli_invocations: [1, 3, 0],
      awards_granted: [0, 700, 0],
      members: [null, null, 0], // nobody was refreshed here
      total_score: [null, null, 0],
    });
  });

  it('leaves out the unfinished day on request', async () => {
    const days = `since=${YESTERDAY - DAY}&to=${NOON + 90 * DAY}`;

    expect((await read(`/series?${days}&complete=true`)).body).toMatchObject({
      steps_start_times: [YESTERDAY - DAY, YESTERDAY],
      cli_invocations: [1, 3],
    });
    expect((await read(`/series?${days}&complete=false`)).body.steps_start_times).toHaveLength(3);
  });
});

describe('GET /community-metrics/extensions', () => {
  it('lists all extensions with their versions and pulls, each pull once for any number of credited accounts', async () => {
    const [time, iso] = [NOON - DAY, '2026-08-20T12:00:00.000Z'];
    const times = { first_published: time, first_published_at: iso, last_published: time, last_published_at: iso };

    expect((await read('/extensions?sort=pulls')).body).toEqual({
      count: 2,
      page: 1,
      next: false,
      data: [
        { extension: name, publisher: 'ada', versions: 2, pulls: 2, ...times },
        { extension: shared, publisher: 'guild', versions: 1, pulls: 1, ...times },
      ],
    });
    expect((await read('/extensions?sort=pulls&sort_direction=asc&page_size=1')).body).toMatchObject({
      next: true,
      data: [{ extension: shared }],
    });
    expect((await read('/extensions?page=2&page_size=2000')).body).toMatchObject({ count: 2, next: false, data: [] });
  });
});

describe('an invalid request', () => {
  it.each([
    ['', 'interval'],
    ['?interval=MONTH', 'interval'],
    ['/series', 'since'],
    [`/series?since=${MIDNIGHT}`, 'to'],
    [`/series?since=${MIDNIGHT}&to=${MIDNIGHT - 1}`, 'to'],
    [`/series?since=${MIDNIGHT - 365 * DAY}&to=${MIDNIGHT + 1}`, 'to'],
    [`/series?since=${MIDNIGHT}&to=${MIDNIGHT}`, 'to'],
    [`/series?since=${MIDNIGHT}&to=${NOON}&complete=true`, 'since'],
    [`/series?since=${YESTERDAY}&to=${NOON}&complete=yes`, 'complete'],
    [`/series?since=yesterday&to=${MIDNIGHT}`, 'since'],
    [`/series?since=-1&to=${MIDNIGHT}`, 'since'],
    [`/series?since=1.5&to=${MIDNIGHT}`, 'since'],
    [`/series?since=${MIDNIGHT + 5 * DAY}&to=${MIDNIGHT + 6 * DAY}`, 'since'],
    ['/extensions?page=0', 'page'],
    ['/extensions?page=one', 'page'],
    ['/extensions?page_size=0', 'page_size'],
    ['/extensions?page_size=2001', 'page_size'],
    ['/extensions?sort=name', 'sort'],
    ['/extensions?sort_direction=up', 'sort_direction'],
  ])('as %s is refused, naming %s', async (path, field) => {
    expect(await read(path)).toMatchObject({
      status: 400,
      headers: { 'cache-control': 'no-store' },
      body: { code: 'invalid_query', details: expect.arrayContaining([expect.objectContaining({ field })]) },
    });
  });

  it('at another path is 404', async () => {
    expect((await read('/hours')).status).toBe(404);
  });
});

describe('roll-up-metrics', () => {
  it('explains an invocation with anything but {} or messages', async () => {
    await expect(rollUp({ hour: '2026-08-20T09' })).rejects.toThrow();
  });

  it('returns a message that it cannot read, and handles the others', async () => {
    const Records = [
      { messageId: 'bad', body: '{"hour":"noon"}' },
      { messageId: 'good', body: '{"hour":"2026-08-20T09"}' },
    ];

    expect(await rollUp({ Records })).toEqual({ batchItemFailures: [{ itemIdentifier: 'bad' }] });
  });
});
