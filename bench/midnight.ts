import { AccountId } from '../domain/identity/account.ts';
import { refreshScore } from '../domain/scoring/refresh-score.ts';
import { settleAll } from '../domain/shared/settle-all.ts';
import { addDays } from '../domain/shared/utc.ts';
import { functionOf, handlerOf, withDeployed } from './deployed.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { BATCH, eventOf } from './events.ts';
import { sendNew } from './ingest.ts';
import { cost, median, ratioAtLeast, type Measurements } from './measurements.ts';
import { saveScores, simulatedScore } from './simulated-scores.ts';
import { ingestHandler, personalKey, refreshDeps } from './wiring.ts';
import { secondsOnLambda } from './yardstick.ts';

/** After midnight every score whose streak or window moves is refreshed: in a large community, all of them. */
const USERS = 100;
const FIRST_DATE = '2026-08-21';
const DATES = 5;
/** As in a message of the backfill of stale scores, four users at a time. */
const PARALLEL = 4;
const OF_STALE = { days: [], grants: true } as const;
const ASKED_FOR = 10_000;

/** Settings for a million accounts: `docs/operating/limits.md`. */
const SETTINGS = { refreshes: 200, tableWrites: 10_000 };
const WRITE_UNITS_A_REFRESH = 3;
/** Lambda begins with five pollers of a queue, and adds 300 invocations a minute. */
const [FIRST_INVOCATIONS, MORE_A_SECOND] = [5, 5];
const USERS_A_SECOND = 2_000;
/** Messages of a batch, and half of the function's time for them. */
const MESSAGES = 100;
const HALF_OF_TIMEOUT = 30;
const MILLION = 1_000_000;
const MAX_SECONDS = 36_000;

/** Seconds on Lambda of one refresh after midnight. */
async function measureRefresh(engine: BenchEngine): Promise<number> {
  let now = Date.parse(`${FIRST_DATE}T20:00:00.000Z`);
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => now };
  const handler = ingestHandler(surroundings);
  const users = Array.from({ length: USERS }, (_, n) => AccountId.parse(`user${n}`));
  await settleAll(users, PARALLEL, async (user) => {
    const events = Array.from({ length: BATCH }, (_, number) =>
      eventOf({ device: user, number, at: `${FIRST_DATE}T19:30:00.000Z` }),
    );
    await sendNew(handler, await personalKey(surroundings, user), events);
  });
  const deps = refreshDeps(surroundings);
  await settleAll(users, PARALLEL, (username) => refreshScore(deps, { username, days: null }));
  const { memoryMb } = await functionOf('refresh-score');
  const measured: number[] = [];
  for (let day = 1; day <= DATES; day += 1) {
    now = Date.parse(`${addDays(FIRST_DATE, day)}T00:05:00.000Z`);
    const all = () => settleAll(users, PARALLEL, (username) => refreshScore(deps, { username, ...OF_STALE }));
    measured.push((await secondsOnLambda(memoryMb, all)) / USERS);
  }
  return median(measured);
}

/** Seconds on Lambda in which one invocation of the backfill asks for a refresh of one account, and its calls. */
const measureAsking = (engine: BenchEngine) =>
  withDeployed(engine, async ({ client, tables, clock, callsDuring }) => {
    const all = Array.from({ length: ASKED_FOR }, (_, index) => index);
    await saveScores(client, tables('user_scores'), all, (index) => ({
      ...simulatedScore(index, clock()),
      rulesVersion: 'other',
    }));
    const handler = await handlerOf('backfill');
    const context = { getRemainingTimeInMillis: () => Infinity };
    const { memoryMb } = await functionOf('backfill');
    const measured: number[] = [];
    let calls = 0;
    for (let round = 0; round <= DATES; round += 1) {
      calls = await callsDuring(async () => {
        measured.push((await secondsOnLambda(memoryMb, () => handler({ mode: 'stale' }, context))) / ASKED_FOR);
      });
    }
    return { seconds: median(measured.slice(1)), calls: calls / ASKED_FOR };
  });

type Rates = Readonly<Record<'asked for' | 'refreshed' | 'written', number>>;

/** Minutes until a million accounts are refreshed, second by second: what is asked for waits for an invocation. */
function minutesOf(rates: Rates): number {
  let [asked, done] = [0, 0];
  for (let second = 1; second <= MAX_SECONDS; second += 1) {
    asked = Math.min(MILLION, asked + rates['asked for']);
    const invocations = Math.min(SETTINGS.refreshes, FIRST_INVOCATIONS + MORE_A_SECOND * second);
    const refreshed = (rates.refreshed * invocations) / SETTINGS.refreshes;
    done = Math.min(asked, done + Math.min(refreshed, rates.written));
    if (done >= MILLION) return second / 60;
  }
  return Infinity;
}

/** How many users a second are asked for, refreshed and written after midnight, and when a million of them are done. */
export const measureMidnight = (): Promise<Measurements> =>
  withEngine(async (engine) => {
    const refresh = await measureRefresh(engine);
    const asking = await measureAsking(engine);
    const { refreshes, tableWrites } = SETTINGS;
    const rates: Rates = {
      'asked for': 1 / asking.seconds,
      refreshed: refreshes / refresh,
      written: tableWrites / WRITE_UNITS_A_REFRESH,
    };
    const least = Math.min(...Object.values(rates));
    const first = Object.entries(rates).find(([, rate]) => rate === least)?.[0] ?? '';
    const settings = `refreshes=${refreshes} tableWrites=${tableWrites}`;
    return {
      costs: [
        cost('refresh after midnight', 'ms', 1_000 * refresh),
        cost(`a batch of ${MESSAGES} of them`, 's', MESSAGES * refresh, { budget: HALF_OF_TIMEOUT }),
        cost('backfill of stale scores, calls for 1,000 accounts', 'calls', 1_000 * asking.calls),
        cost(`a million accounts after midnight, ${settings}`, 'min', minutesOf(rates), { budget: 10 }),
        cost(`what comes first after midnight, ${settings}: users ${first}`, 'a second', least),
      ],
      ratios: Object.entries(rates).map(([what, rate]) =>
        ratioAtLeast(`users a second after midnight, ${what}`, rate, USERS_A_SECOND),
      ),
    };
  });
