import { afterAll, beforeAll, expect, it } from 'vitest';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { dateOf, MILLISECONDS_PER_HOUR } from '../../domain/shared/utc.ts';
import { accountsNamed, startTestStack, type TestStack } from '../support/stack.ts';

const FLOOD = 500;
const AT_A_TIME = 25;
/** There is one honest request for this many hostile ones. */
const HONEST_EVERY = 25;
/** What the honest ones use of each: at most 10 units. */
const HONEST_UNITS = (10 * FLOOD) / HONEST_EVERY;
const DAY = 86_400_000;

/** The read and write units that the API's functions used since the last look. */
let units = { read: 0, write: 0 };
let stack: TestStack;
let ada: string;
beforeAll(async () => {
  stack = await startTestStack({
    countsCapacity: true,
    observe({ caller, operation, consumedCapacity }) {
      if (!['ingest-telemetry', 'read-api'].includes(caller)) return;
      const used = [consumedCapacity ?? []].flat().reduce((sum: number, each: any) => sum + each.CapacityUnits, 0);
      units[/Get|Query|Scan/u.test(operation) ? 'read' : 'write'] += used;
    },
  });
  await accountsNamed(stack, 'ada');
  const key = await send('POST', '/v1/keys', { kind: 'personal', username: 'ada' }, stack.adminKey);
  ada = (await key.json()).key;
});
afterAll(() => stack.stop());

const send = (method: string, path: string, body?: unknown, key?: string) =>
  fetch(stack.baseUrl + path, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
/** Within the hour before this one, so that no hour ends meanwhile. */
const NOW = Math.floor(Date.now() / MILLISECONDS_PER_HOUR) * MILLISECONDS_PER_HOUR - 1_000;
const eventOf = (device: string, id: string, hoursAgo = 0) => ({
  ...{ event: 'cli_invocation', distinct_id: device, insert_id: id, properties: {} },
  timestamp: new Date(NOW - hoursAgo * MILLISECONDS_PER_HOUR).toISOString(),
});

let honest = 0;
let invented = 0;
/**
 * The most that a request without a key may write. One costs as much as 25 of the others, so there are fewer, but with
 * `LAUREL_WHOLE_FLOOD=1`, which takes minutes.
 */
const DEVICES = 10;
const HOURS = 10;
const WIDEST = process.env.LAUREL_WHOLE_FLOOD === '1' ? FLOOD : FLOOD / 50;
let spread = 0;

/** The most expensive request of each public route: `bench/public-reads.ts` counts them with the worst data. */
const READS = [
  '/v1/leaderboards/alltime?limit=1000&compare=month',
  '/v1/leaderboards/season/users/ada',
  '/v1/scores/ada',
  '/v1/scores/ada/explain',
  '/v1/scores/ada/grants?limit=1000',
  '/v1/scores/ada/audit',
  '/v1/scores/ada/history?from=2026-01-01&to=2026-12-31',
  '/v1/users?prefix=a&limit=50',
  '/community-metrics?interval=WEEK',
  `/community-metrics/series?since=${NOW - 364 * DAY}&to=${NOW}`,
  `/community-metrics/by-hour?since=${NOW - 91 * DAY}&to=${NOW}`,
  '/community-metrics/extensions?page=2&page_size=2000',
];

type Hostile = (n: number) => Promise<Response>;
it.each<[kind: string, statuses: readonly number[], most: typeof units, hostile: Hostile, count?: number]>([
  [
    'invented devices in two hours',
    [202],
    { read: 8, write: 8 }, // two devices and two chunks, each with an entry in the index
    (n) => {
      invented += 1;
      const events = [
        eventOf(`bot-${n}`, `now-${n}`),
        eventOf(`old-${n}`, `then-${n}`, 30),
        { event: 'Nothing valid' },
      ];
      return send('POST', '/ingest', { events });
    },
  ],
  [
    'keys that nobody has',
    [401],
    { read: 1, write: 0 },
    (n) => send('POST', '/ingest', {}, `lrl_${'k'.repeat(39)}${1_000 + n}`),
  ],
  ['bodies that are no JSON', [400], { read: 0, write: 0 }, () => send('POST', '/ingest', '{'.repeat(5_000))],
  ['ledgers of nobody', [404], { read: 2, write: 0 }, (n) => send('GET', `/v1/scores/nobody-${n}/audit`)],
  [
    'the most expensive reads in turn',
    [200, 404], // nobody is on a board yet
    { read: 60, write: 0 },
    (n) => send('GET', READS[n % READS.length]!),
  ],
  [
    'the most devices and hours of one body',
    [202],
    { read: 60, write: 230 }, // docs/operating/limits.md: 220 and 55
    (n) => {
      spread += 1;
      const events = Array.from({ length: DEVICES * HOURS }, (_, place) => {
        const hour = Math.floor(place / DEVICES);
        return {
          ...eventOf(`wide-${n}-${place % DEVICES}`, `wide-${n}-${place}`, hour),
          properties: { pad: 'p'.repeat(30_000) },
        };
      });
      return send('POST', '/ingest', { events });
    },
    WIDEST,
  ],
])(
  `requests by the hundred with %s cost what one costs so often, and nobody else is refused`,
  async (_kind, statuses, most, hostile, count = FLOOD) => {
    units = { read: 0, write: 0 };
    const hostileAnswers = new Set<number>();
    await settleAll(
      Array.from({ length: count }, (_, n) => n),
      AT_A_TIME,
      async (n) => {
        hostileAnswers.add((await hostile(n)).status);
        if (n % HONEST_EVERY !== 0) return;
        honest += 1;
        const answer = await send('POST', '/ingest', eventOf('laptop', `event-${honest}`), ada);
        const { accepted, ...told } = await answer.json();
        expect([answer.status, accepted], JSON.stringify(told)).toEqual([202, 1]);
      },
    );

    expect([...hostileAnswers].filter((status) => !statuses.includes(status))).toEqual([]);
    expect(units.read).toBeLessThanOrEqual(count * most.read + HONEST_UNITS);
    expect(units.write).toBeLessThanOrEqual(count * most.write + HONEST_UNITS);
  },
);

it('afterwards the metrics of the hour are right, and the honest events count', async () => {
  await stack.drain();
  const url = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions['roll-up-metrics']}/invocations`;
  await fetch(url, { method: 'POST', body: '{}' }); // its messages are delayed by a minute

  const from = Date.parse(dateOf(NOW)) - 2 * DAY;
  const { values, steps_start_times: starts } = await (
    await send('GET', `/community-metrics/by-hour?since=${from}&to=${NOW + DAY}`)
  ).json();
  const at = (hoursAgo: number) =>
    values[starts.findLastIndex((start: number) => start <= NOW - hoursAgo * MILLISECONDS_PER_HOUR)];
  expect([at(0), at(30)]).toEqual([honest + invented + spread * DEVICES, invented]);
  expect(values.reduce((sum: number, value: number) => sum + value)).toBe(
    honest + 2 * invented + spread * DEVICES * HOURS,
  );
  const stats = await (await send('GET', '/v1/stats?username=ada')).json();
  expect([stats.totalEvents, stats.devices]).toEqual([honest, 1]);
});
