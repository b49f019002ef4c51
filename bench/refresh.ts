import { AccountId } from '../domain/identity/account.ts';
import { coalesce, refreshScore } from '../domain/scoring/refresh-score.ts';
import { SEALED_AT_AGE } from '../domain/scoring/user-metrics.ts';
import { addDays } from '../domain/shared/utc.ts';
import { meterCapacity, type Usage } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { BATCH, eventOf } from './events.ts';
import { sendNew } from './ingest.ts';
import { BYTES_PER_READ_UNIT, itemSize } from './item-size.ts';
import { apart, cost, ratioAtMost, type Cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { storedItems } from './stored-items.ts';
import { ingestHandler, personalKey, refreshDeps } from './wiring.ts';

const LAST_DATE = '2026-08-21';
const USERNAME = AccountId.parse('ada');
const BUDGET = { reads: 8, writes: 6 };
/** A refresh that lifts a score into a tier also grants the tier's badge, in the same invocation. */
const GRANT_WRITES = 6;
const EQUAL_WITHIN = 1.2;

/** The user's activity on each active date. */
type Habit = { readonly devices: number; readonly eventsOfEach: number };

/** 25 events a day of five commands. */
const USUAL: Habit = { devices: 1, eventsOfEach: BATCH };
/** 1,000 events a day from 15 devices, and a few more. */
const HEAVY: Habit = { devices: 15, eventsOfEach: 67 };

/** The events of a date are spread over several hours. */
const FIRST_HOUR = 9;
const HOURS = 4;
const LATE_DAYS = 30;
const EVENING = 'T20:00:00.000Z';

type History = {
  /** The first refresh of the last date. It writes the day row of the date before, and seals the day that is due. */
  readonly first: Usage;
  /** A further refresh of that date, after one more event that is not scored. */
  readonly later: Usage;
  /** A refresh after a late event of 30 days ago, which changes the scores of all dates since. */
  readonly late: Usage;
  /** A refresh that folds everything from nothing, as after a bind. */
  readonly fromNothing: Usage;
  /** Write units of the most expensive refresh: one that reached a tier, if there was one. */
  readonly mostWrites: number;
  /** The size of the facts that the first refresh read: of the last date, and of the date that it sealed. */
  readonly refoldedBytes: number;
};

function eventsOfDate(date: string, index: number, { devices, eventsOfEach }: Habit): readonly object[] {
  return Array.from({ length: devices * eventsOfEach }, (_, place) => {
    const number = index * 1_000 + Math.floor(place / devices);
    const hour = String(FIRST_HOUR + (number % HOURS)).padStart(2, '0');
    return eventOf({ device: `device-${place % devices}`, number, at: `${date}T${hour}:30:00.000Z` });
  });
}

/** Plays the dates as the stack would: each date's events are announced, and refreshed once. */
async function liveThrough(engine: BenchEngine, dates: readonly string[], habit: Habit): Promise<History> {
  let now = Date.parse(`${dates[0] ?? LAST_DATE}${EVENING}`);
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => now };
  const handler = ingestHandler(surroundings);
  const key = await personalKey(surroundings, USERNAME);
  const refreshClient = engine.client();
  const dependencies = refreshDeps({ ...surroundings, client: refreshClient });
  const meter = meterCapacity(refreshClient);
  const refresh = (date: string) =>
    meter.during(() => refreshScore(dependencies, coalesce([{ username: USERNAME, days: [date] }])));

  let first: Usage | undefined;
  let mostWrites = 0;
  for (const [index, date] of dates.entries()) {
    now = Date.parse(`${date}${EVENING}`);
    await sendNew(handler, key, eventsOfDate(date, index, habit));
    first = await refresh(date);
    mostWrites = Math.max(mostWrites, first.writeUnits);
  }
  if (first === undefined) throw new Error('a history without dates');

  const refolded = [LAST_DATE, addDays(LAST_DATE, -SEALED_AT_AGE)].map((date) => `HOUR#${date}`);
  const facts = await storedItems(surroundings.client, surroundings.tables('telemetry'), ({ sk }) =>
    refolded.some((hours) => sk.startsWith(hours)),
  );
  // An event that is counted but not scored: a long history has reached its caps, and the comparison needs a score that
  // does not move.
  const oneMore = eventOf({
    device: 'device-0',
    number: dates.length * 1_000,
    at: `${LAST_DATE}${EVENING}`,
    event: 'page_viewed',
  });
  await sendNew(handler, key, [oneMore]);
  const later = await refresh(LAST_DATE);
  const lateDate = addDays(LAST_DATE, -LATE_DAYS);
  const isLate = { device: 'device-0', number: dates.length * 1_000 + 1, at: `${lateDate}${EVENING}` };
  await sendNew(handler, key, [eventOf(isLate)]);
  return {
    first,
    mostWrites,
    later,
    late: await refresh(lateDate),
    fromNothing: await meter.during(() => refreshScore(dependencies, { username: USERNAME, days: null })),
    refoldedBytes: facts.reduce((sum, item) => sum + itemSize(item), 0),
  };
}

/** `count` dates up to the last one, `step` days apart. */
const datesBefore = (count: number, step: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => addDays(LAST_DATE, -step * (count - 1 - index)));

/**
 * Measures refreshes, each the most expensive one of its kind: the first of a date.
 *
 * The short history has ten dates that are four days apart, so that it also has a day to seal on the last one.
 */
export const measureRefreshes = ({ longHistoryDays }: Pick<Sizes, 'longHistoryDays'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const shortHistory = datesBefore(10, SEALED_AT_AGE / 9);
    const short = await liveThrough(engine, shortHistory, USUAL);
    const long = await liveThrough(engine, datesBefore(longHistoryDays, 1), USUAL);
    const heavy = await liveThrough(engine, shortHistory, HEAVY);

    const usualRows = (days: number, { first }: History): readonly Cost[] => [
      cost(`refresh, usual user, ${days} active days`, 'RRU', first.readUnits, { budget: BUDGET.reads }),
      cost(`refresh, usual user, ${days} active days`, 'WRU', first.writeUnits, { budget: BUDGET.writes }),
    ];
    const rareRows = (days: number, { late, fromNothing }: History): readonly Cost[] => [
      cost(`refresh after an event of ${LATE_DAYS} days ago, ${days} active days`, 'RRU', late.readUnits, {
        budget: BUDGET.reads,
      }),
      cost(`refresh after an event of ${LATE_DAYS} days ago, ${days} active days`, 'WRU', late.writeUnits, {
        budget: BUDGET.writes,
      }),
      cost(`refresh from nothing, ${days} active days`, 'RRU', fromNothing.readUnits),
      cost(`refresh from nothing, ${days} active days`, 'WRU', fromNothing.writeUnits, { budget: BUDGET.writes }),
    ];
    const deviceDays = 2 * HEAVY.devices; // those of the last date and of the sealed date
    const heavyBudget = BUDGET.reads + deviceDays + Math.ceil(heavy.refoldedBytes / BYTES_PER_READ_UNIT);
    const against = `${longHistoryDays} against ${shortHistory.length} active days`;
    const ratioOf = (kind: 'first' | 'later', unit: 'readUnits' | 'writeUnits') =>
      ratioAtMost(
        `refresh, usual user, ${kind} of a date, ${against}, ${unit === 'readUnits' ? 'RRU' : 'WRU'}`,
        apart(long[kind][unit], short[kind][unit]),
        EQUAL_WITHIN,
      );
    return {
      costs: [
        ...usualRows(shortHistory.length, short),
        ...usualRows(longHistoryDays, long),
        ...rareRows(shortHistory.length, short),
        ...rareRows(longHistoryDays, long),
        cost(
          `refresh, usual user, the most expensive of ${longHistoryDays} (with a tier's badge)`,
          'WRU',
          long.mostWrites,
          {
            budget: BUDGET.writes + GRANT_WRITES,
          },
        ),
        cost(`refresh, heavy user, ${deviceDays} device-days refolded`, 'RRU', heavy.first.readUnits, {
          budget: heavyBudget,
        }),
        cost('refresh, heavy user', 'WRU', heavy.first.writeUnits),
      ],
      ratios: [
        ratioOf('first', 'readUnits'),
        ratioOf('first', 'writeUnits'),
        ratioOf('later', 'readUnits'),
        ratioOf('later', 'writeUnits'),
      ],
    };
  });
