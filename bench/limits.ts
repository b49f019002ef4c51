import { auditOf, linesToAudit, MAX_AUDITED } from '../domain/grants/audit.ts';
import { grantOf, type GrantRequest } from '../domain/grants/grant.ts';
import { grantPoints } from '../domain/grants/grant-points.ts';
import { linesUpTo, pageOfLines } from '../domain/grants/read-lines.ts';
import { AccountId as Username } from '../domain/identity/account.ts';
import { rulebook } from '../domain/rules/current-rules.ts';
import { isoOf, MILLISECONDS_PER_HOUR } from '../domain/shared/utc.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { eventOf, ingestRequest } from './events.ts';
import { assertAllNew } from './ingest.ts';
import { cost, type Cost, type Measurements } from './measurements.ts';
import { PRICES } from './prices.ts';
import { grantDeps, ingestHandler, personalKey } from './wiring.ts';

const NOW = Date.parse('2026-08-21T12:30:00.000Z');
const MILLION = 1_000_000;
/** The largest page of a ledger. */
const MAX_LINES = 1_000;

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
  const name = `the dearest /ingest ${kind}, ${devices} devices × ${hours} hours`;
  return [
    cost(name, 'WRU', writeUnits),
    cost(name, 'RRU', readUnits),
    cost(`a million of them, without Lambda`, 'USD', dollars * MILLION),
  ];
}

/** The ledger's dearest reads: its largest page, and one request of an audit. */
async function measureLedgerReads(engine: BenchEngine): Promise<readonly Cost[]> {
  const username = Username.parse('ada');
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => NOW };
  const deps = grantDeps(surroundings);
  const unmetered = grantDeps({ ...surroundings, client: engine.client() });
  const reason = 'for helping others in the forum';
  const grants = Array.from({ length: MAX_AUDITED + 1 }, (_, n): GrantRequest =>
    grantOf(
      { kind: 'award', awardId: `${n}`, username, points: 5, reason, grantedBy: 'the forum' },
      isoOf(NOW),
      rulebook,
    ),
  );
  for (let from = 0; from < grants.length; from += MAX_LINES) {
    await grantPoints(unmetered, grants.slice(from, from + MAX_LINES));
  }
  const meter = meterCapacity(surroundings.client);
  const page = await meter.during(() => pageOfLines(deps, username, { limit: MAX_LINES, before: undefined }));
  const audit = await meter.during(async () => {
    const { ok, next } = auditOf(username, await linesUpTo(deps, username, linesToAudit(1)), sha256);
    if (!ok || next !== MAX_AUDITED + 1) throw new Error('the audit did not stop where it should');
  });
  return [
    cost(`a page of ${MAX_LINES} lines`, 'RRU', page.readUnits),
    cost(`an audit of ${MAX_AUDITED} lines, the most for one request`, 'RRU', audit.readUnits),
  ];
}

/** Measures the most that one request can cost: what a flood at the throttle is multiplied with. */
export const measureLimits = (): Promise<Measurements> =>
  withEngine(async (engine) => ({
    costs: [
      ...(await measureRequest(engine, 'without a key', 10, 10, false)),
      ...(await measureRequest(engine, 'of a personal key', 25, 8, true)),
      ...(await measureLedgerReads(engine)),
    ],
    ratios: [],
  }));
