import { isoOf, MILLISECONDS_PER_HOUR } from '../domain/shared/utc.ts';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { eventOf, ingestRequest } from './events.ts';
import { assertAllNew } from './ingest.ts';
import { LEGAL, unitsOfLargestPage } from './largest-board.ts';
import { cost, type Cost, type Measurements } from './measurements.ts';
import { PRICES } from './prices.ts';
import { measurePublicReads } from './public-reads.ts';
import { ingestHandler, personalKey } from './wiring.ts';

const NOW = Date.parse('2026-08-21T12:30:00.000Z');
const MILLION = 1_000_000;

/** One new event in each device-hour: the most writes that the write budget of a request allows. */
const spread = (devices: number, hours: number): readonly object[] =>
  Array.from({ length: devices * hours }, (_, n) =>
    eventOf({
      device: `device-${devices}-${n % devices}`,
      number: n,
      at: isoOf(NOW - Math.floor(n / devices) * MILLISECONDS_PER_HOUR),
    }),
  );

async function measureRequest(engine: BenchEngine, kind: string, devices: number, hours: number, hasKey: boolean) {
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => NOW };
  const key = hasKey ? await personalKey(surroundings, 'ada') : undefined;
  const handler = ingestHandler(surroundings);
  const meter = meterCapacity(surroundings.client);
  const events = spread(devices, hours);
  const { readUnits, writeUnits } = await meter.during(async () =>
    assertAllNew(await handler(ingestRequest(events, key)), events.length),
  );
  const dollars = readUnits * PRICES.readRequestUnit + writeUnits * PRICES.writeRequestUnit + PRICES.apiRequest;
  const name = `the most expensive /ingest ${kind}, ${devices} devices × ${hours} hours`;
  return [
    cost(name, 'WRU', writeUnits),
    cost(name, 'RRU', readUnits),
    cost(`a million of them, without Lambda`, 'USD', dollars * MILLION),
  ];
}

/** Computed from the sizes of items: a past board of a million takes too long to build here. */
const ofMillion = (names: number): Cost =>
  cost(
    `a page of a past board of a million with names of ${names} characters, computed`,
    'RRU',
    unitsOfLargestPage({
      ...{ seed: 1, ids: 20, names, characters: LEGAL },
      points: MILLION,
      tiers: 7,
      hasTies: false,
    }),
  );

/** Measures the most that one request can cost: what a flood at the throttle is multiplied with. */
export const measureLimits = (): Promise<Measurements> =>
  withEngine(async (engine) => ({
    costs: [
      ...(await measureRequest(engine, 'without a key', 10, 10, false)),
      ...(await measureRequest(engine, 'of a personal key', 25, 8, true)),
      ...(await measurePublicReads(engine)),
      ...[12, 64].map(ofMillion),
    ],
    ratios: [],
  }));
