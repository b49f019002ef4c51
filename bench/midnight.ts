import { AccountId } from '../domain/identity/account.ts';
import { refreshScore } from '../domain/scoring/refresh-score.ts';
import { settleAll } from '../domain/shared/settle-all.ts';
import { addDays } from '../domain/shared/utc.ts';
import { withEngine } from './engine.ts';
import { BATCH, eventOf } from './events.ts';
import { sendNew } from './ingest.ts';
import { cost, median, ratioAtLeast, type Measurements } from './measurements.ts';
import { ingestHandler, personalKey, refreshDeps } from './wiring.ts';

/** After midnight every score whose streak or window moves is refreshed: in a large community, all of them. */
const USERS = 100;
const FIRST_DATE = '2026-08-21';
const DATES = 5;
/** As in a message of the backfill of stale scores, four users at a time. */
const PARALLEL = 4;
const OF_STALE = { days: [], grants: true } as const;

/** Lambda gives a whole processor for this many megabytes. Its processors are assumed half as fast as this machine's. */
const MEGABYTES_A_PROCESSOR = 1_769;
const SLOWER = 2;
/** Settings for a million accounts (`docs/operating/limits.md`), and the memory of `refresh-score`. */
const REFRESHES_AT_ONCE = 200;
const MEGABYTES = 512;
const USERS_A_SECOND = 2_000;
/** Messages of a batch, and half of the function's time for them. */
const MESSAGES = 100;
const HALF_OF_TIMEOUT = 30;
const MILLION = 1_000_000;
const SECONDS_A_MINUTE = 60;

/** Milliseconds of CPU of one refresh after midnight, and so how many users a second are refreshed. */
export const measureMidnight = (): Promise<Measurements> =>
  withEngine(async (engine) => {
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
    const all = () => settleAll(users, PARALLEL, (username) => refreshScore(deps, { username, ...OF_STALE }));
    await settleAll(users, PARALLEL, (username) => refreshScore(deps, { username, days: null }));
    const measured: number[] = [];
    for (let day = 1; day <= DATES; day += 1) {
      now = Date.parse(`${addDays(FIRST_DATE, day)}T00:05:00.000Z`);
      const before = process.cpuUsage();
      await all();
      const { user, system } = process.cpuUsage(before);
      measured.push((user + system) / 1_000 / USERS);
    }
    const ofOne = median(measured);
    const onLambda = (ofOne * SLOWER * MEGABYTES_A_PROCESSOR) / MEGABYTES;
    const aSecond = (REFRESHES_AT_ONCE * 1_000) / onLambda;
    return {
      costs: [
        cost('refresh after midnight, CPU', 'ms', ofOne),
        cost(`a batch of ${MESSAGES} of them in ${MEGABYTES} MB`, 's', (MESSAGES * onLambda) / 1_000, {
          budget: HALF_OF_TIMEOUT,
        }),
        cost(
          `a million of them, ${REFRESHES_AT_ONCE} invocations at a time`,
          'min',
          MILLION / aSecond / SECONDS_A_MINUTE,
          {
            budget: 10,
          },
        ),
      ],
      ratios: [ratioAtLeast(`users a second after midnight, refreshes=${REFRESHES_AT_ONCE}`, aSecond, USERS_A_SECOND)],
    };
  });
