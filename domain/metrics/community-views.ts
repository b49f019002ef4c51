import * as z from 'zod/mini';
import type { AccountNames } from '../identity/account-names.ts';
import { namesOnPage } from '../leaderboards/row-names.ts';
import { namedPublisher } from '../registry/extension.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { settleAll } from '../shared/settle-all.ts';
import { addDays, dateOf, dateOfDayNumber, dayNumberOf, MILLISECONDS_PER_DAY, type UtcDate } from '../shared/utc.ts';
import { accountsIn, type ExtensionsQuery } from './extension-list.ts';
import { communityMetrics, type Metric, type MetricRollupHourMetric } from './catalog.ts';
import type { DayTotals } from './rolled-up-day.ts';
import type { RollupReader } from './rollup-store.port.ts';
import { DAYS_OF_WEEK, type WeekCounts } from './weeks.ts';

/** The answers about the community, each with its schema: one field for each metric of the registry. */

export const Interval = z.enum(['DAY', 'WEEK'], 'expected DAY or WEEK');
export type Interval = z.infer<typeof Interval>;

/** Telemetry is younger than this; a time in seconds is far older. */
const EARLIEST_SINCE = Date.parse('2020-01-01T00:00:00.000Z');

const DAYS_OF = { DAY: 1, WEEK: DAYS_OF_WEEK } as const satisfies Record<Interval, number>;
export const MAX_DAYS = 365;
const READS_AT_A_TIME = 6;

type CommunityMetric = Metric & { readonly name: MetricRollupHourMetric };

/** Whole numbers, exact at any size: the answer must not turn them into doubles. */
const WholeNumber = z.number();
type WholeNumber = bigint;

const PeriodView = z.object({
  /** Epoch milliseconds; the end is not part of the period. */
  period_start: z.number(),
  period_end: z.number(),
  event_count: WholeNumber,
  value_count: z.nullable(WholeNumber),
});
type Period = {
  readonly period_start: number;
  readonly period_end: number;
  readonly event_count: WholeNumber;
  readonly value_count: WholeNumber | null;
};

/** An object with a field for each metric, described as the registry does. */
const byField = (schemaOf: (metric: CommunityMetric) => z.ZodMiniType) =>
  z.object(
    Object.fromEntries(
      communityMetrics.map((metric) => [metric.field, schemaOf(metric).check(z.describe(metric.description))]),
    ),
  );

export const CommunityMetricsView = byField(() => z.object({ older: PeriodView, newer: PeriodView }));
export type CommunityMetricsView = Readonly<Record<string, { readonly older: Period; readonly newer: Period }>>;

export const SeriesView = z.extend(
  byField(({ kind }) => z.array(kind === 'gauge' ? z.nullable(WholeNumber) : WholeNumber)),
  { steps_start_times: z.array(z.number()) },
);
export type SeriesView = Readonly<Record<string, readonly (number | WholeNumber | null)[]>>;

/** A distinct count or a gauge has no number of a single hour. */
const HOURLY = communityMetrics.filter(({ kind }) => kind === 'counter' || kind === 'sum');
export const HourlyMetric = z.enum(
  HOURLY.map(({ name }) => name),
  `expected ${HOURLY.map(({ name }) => name).join(', ')}`,
);
/** Each day is a read. */
export const MAX_DAYS_OF_HOURS = 92;

export const HoursView = z.object({
  metric: HourlyMetric,
  steps_start_times: z.array(z.number()),
  values: z.array(WholeNumber),
});
export type HoursView = {
  readonly metric: MetricRollupHourMetric;
  readonly steps_start_times: readonly number[];
  readonly values: readonly WholeNumber[];
};

const startOf = (date: UtcDate): number => dayNumberOf(date) * MILLISECONDS_PER_DAY;

type Days = readonly { readonly date: UtcDate; readonly totals: DayTotals }[];

const add = (days: Days, metric: MetricRollupHourMetric, field: 'eventCount' | 'valueSum'): bigint =>
  days.reduce((sum, { totals }) => sum + (totals.get(metric)?.[field] ?? 0n), 0n);

/**
 * The last full day or week that ended at a UTC midnight, beside the one before it. `now` is in milliseconds since the
 * epoch.
 */
export async function compareLastPeriods(
  rollups: RollupReader,
  interval: Interval,
  now: number,
): Promise<CommunityMetricsView> {
  const length = DAYS_OF[interval];
  const today = dateOf(now);
  const periods = {
    older: { from: addDays(today, -2 * length), to: addDays(today, -length - 1) },
    newer: { from: addDays(today, -length), to: addDays(today, -1) },
  };
  const days = await rollups.totalsOf(periods.older.from, periods.newer.to);
  const ends = interval === 'WEEK' ? [periods.older.to, periods.newer.to] : [];
  const weeks = new Map(await settleAll(ends, 2, async (end) => [end, await rollups.weekOf(end)] as const));

  const periodOf = async (metric: CommunityMetric, { from, to }: typeof periods.newer): Promise<Period> => {
    const within = days.filter(({ date }) => from <= date && date <= to);
    const bounds = { period_start: startOf(from), period_end: startOf(addDays(to, 1)) };
    const figures = await figuresOf(rollups, metric, within, { from, to, week: weeks.get(to) });
    return { ...bounds, ...figures };
  };
  const fields = await settleAll(communityMetrics, READS_AT_A_TIME, async (metric) => {
    const older = await periodOf(metric, periods.older);
    return [metric.field, { older, newer: await periodOf(metric, periods.newer) }] as const;
  });
  return Object.fromEntries(fields);
}

async function figuresOf(
  rollups: RollupReader,
  { name, kind }: CommunityMetric,
  days: Days,
  { from, to, week }: { readonly from: UtcDate; readonly to: UtcDate; readonly week: WeekCounts | undefined },
): Promise<Pick<Period, 'event_count' | 'value_count'>> {
  const eventCount = add(days, name, 'eventCount');
  switch (kind) {
    case 'counter':
    case 'sum':
      return { event_count: eventCount, value_count: add(days, name, 'valueSum') };
    case 'distinct': {
      // One day's number is known. Several days need what was counted of them, because who was there twice counts once.
      const isKnown = from === to || days.filter(({ totals }) => totals.has(name)).length < 2;
      const counted = isKnown ? eventCount : (week?.get(name) ?? (await rollups.distinctOf(name, from, to)));
      const distinct = BigInt(counted);
      return { event_count: distinct, value_count: 0n };
    }
    case 'gauge': {
      const newest = days.findLast(({ totals }) => totals.has(name))?.totals.get(name)?.valueSum;
      return { event_count: eventCount, value_count: newest ?? (await rollups.lastSampleBefore(name, from)) };
    }
  }
}

/** Days as the request of a series names them: `from` and `to` are both part of it. */
export type SeriesDays = { readonly from: UtcDate; readonly to: UtcDate };

/**
 * The UTC days that two times in epoch milliseconds name: `since` is rounded down and `to` up to midnight, and a future
 * `to` is cut to the end of today, or of yesterday where only complete days are asked for. An error names the field that is
 * wrong, and how.
 */
export function seriesDays(
  { since, to, isComplete = false }: { readonly since: number; readonly to: number; readonly isComplete?: boolean },
  now: number,
  most = MAX_DAYS,
): Result<SeriesDays, { readonly field: 'since' | 'to'; readonly expected: string }> {
  if (since < EARLIEST_SINCE) {
    return err({ field: 'since', expected: 'expected a time since 2020-01-01 in epoch milliseconds, not seconds' });
  }
  if (to < since) return err({ field: 'to', expected: 'expected a time not before since' });
  const first = Math.floor(since / MILLISECONDS_PER_DAY);
  const today = Math.floor(now / MILLISECONDS_PER_DAY);
  const end = Math.min(Math.ceil(to / MILLISECONDS_PER_DAY), isComplete ? today : today + 1);
  if (first > today) return err({ field: 'since', expected: 'expected a time not after today' });
  if (isComplete && first === today) {
    return err({ field: 'since', expected: 'expected a time before today, which is not complete' });
  }
  if (end <= first) return err({ field: 'to', expected: 'expected at least one day after since' });
  if (end - first > most) return err({ field: 'to', expected: `expected at most ${most} days after since` });
  return ok({ from: dateOfDayNumber(first), to: dateOfDayNumber(end - 1) });
}

/** Each metric's days, one after the other: a day in which nothing happened is 0, a gauge keeps its last sample. */
export async function readSeries(rollups: RollupReader, { from, to }: SeriesDays): Promise<SeriesView> {
  const stored = new Map((await rollups.totalsOf(from, to)).map(({ date, totals }) => [date, totals]));
  const dates: UtcDate[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) dates.push(date);

  const fields = await settleAll(communityMetrics, READS_AT_A_TIME, async ({ name, field, kind }) => {
    const tallies = dates.map((date) => stored.get(date)?.get(name));
    switch (kind) {
      case 'counter':
      case 'distinct':
        return [field, tallies.map((tally) => tally?.eventCount ?? 0n)] as const;
      case 'sum':
        return [field, tallies.map((tally) => tally?.valueSum ?? 0n)] as const;
      case 'gauge': {
        const isKnownAtFirst = tallies[0] !== undefined;
        let last = isKnownAtFirst ? null : await rollups.lastSampleBefore(name, from);
        return [field, tallies.map((tally) => (last = tally?.valueSum ?? last))] as const;
      }
    }
  });
  return { steps_start_times: dates.map(startOf), ...Object.fromEntries(fields) };
}

const HOURS_A_DAY = 24;
const MILLISECONDS_PER_HOUR = MILLISECONDS_PER_DAY / HOURS_A_DAY;

/** A counter, or a sum's sum, by the hours of whole days. */
export async function readHours(
  rollups: RollupReader,
  metric: MetricRollupHourMetric,
  { from, to }: SeriesDays,
): Promise<HoursView> {
  const dates: UtcDate[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) dates.push(date);
  const field = communityMetrics.some(({ name, kind }) => name === metric && kind === 'sum')
    ? 'valueSum'
    : 'eventCount';
  const hours = (await rollups.hoursOf(metric, dates)).flatMap(({ date, hours: known }) =>
    Array.from({ length: HOURS_A_DAY }, (_, hour) => ({
      start: startOf(date) + hour * MILLISECONDS_PER_HOUR,
      value: known.get(hour)?.[field] ?? 0n,
    })),
  );
  return { metric, steps_start_times: hours.map(({ start }) => start), values: hours.map(({ value }) => value) };
}

export const ExtensionsView = z.object({
  /** All extensions, not only the ones on the page. */
  count: z.int(),
  page: z.int(),
  /** Whether there is another page. */
  next: z.boolean(),
  data: z.array(
    z.object({
      extension: z.string(),
      publisher: z.string(),
      versions: z.int(),
      pulls: z.int(),
      /** Epoch milliseconds, and the same in ISO 8601. */
      first_published: z.int(),
      first_published_at: z.iso.datetime(),
      last_published: z.int(),
      last_published_at: z.iso.datetime(),
    }),
  ),
});
export type ExtensionsView = z.infer<typeof ExtensionsView>;

/** A page of all extensions, from 1 on. */
export async function readExtensions(
  rollups: Pick<RollupReader, 'extensionsOf'>,
  readers: Pick<AccountNames, 'namesOf' | 'changedSince'>,
  query: ExtensionsQuery,
): Promise<ExtensionsView> {
  const { page, page_size: size } = query;
  const { count, rows, names } = await rollups.extensionsOf(query);
  const nameOf = await namesOnPage(readers, names, { accounts: accountsIn(rows), rows: rows.length });
  const data = rows.map(({ publisher, firstPublished, lastPublished, ...summary }) => ({
    ...summary,
    publisher: namedPublisher(publisher, nameOf).name,
    first_published: Date.parse(firstPublished),
    first_published_at: firstPublished,
    last_published: Date.parse(lastPublished),
    last_published_at: lastPublished,
  }));
  return { count, page, next: page * size < count, data };
}
