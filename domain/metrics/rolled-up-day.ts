import type { UtcDate, UtcHour } from '../shared/utc.ts';
import { dateOfHour } from '../shared/utc.ts';
import { communityMetrics, type MetricRollupHourMetric } from './catalog.ts';
import type { CommunityHourFold, MemberHash } from './hour-fold.ts';
import type { ScoreTotals } from './score-totals.port.ts';
import { countOf, idOfSeries, type Series, type Tally } from './tally.ts';

/** The count of a series in one hour. A gauge's slot is its newest sample, with the time at which it was read. */
export type Slot = Tally & { readonly at?: string };

/** A series over the hours of one day, by their number from 0 to 23; an hour in which nothing happened is missing. */
export type DayOfSeries = { readonly series: Series; readonly hours: ReadonlyMap<number, Slot> };

/**
 * Who was there on a day, in the order of their hashes: for each the hours in which, one bit for each from the lowest on. So
 * a day's number is exact, an hour can be folded again by itself, and the sets of several days join to the exact number of
 * all of them. A set may be larger than memory: it is read from its sources, each time that somebody asks.
 */
export type DaySet = { readonly size: number; entries(): Iterable<readonly [MemberHash, number]> };

/** Everything that is rolled up of one day. */
export type RolledUpDay = {
  readonly date: UtcDate;
  readonly series: ReadonlyMap<string, DayOfSeries>;
  readonly sets: ReadonlyMap<MetricRollupHourMetric, DaySet>;
  /** By hour of the day: when the run began that rolled it up last, ISO 8601. */
  readonly rolledUpAt: ReadonlyMap<number, string>;
  /** By hour of the day: how many milliseconds that run took. Runs of older releases have none. */
  readonly tookMs?: ReadonlyMap<number, number>;
};

export const numberOfHour = (hour: UtcHour): number => Number(hour.slice(11));

const withSlot = (day: Map<string, DayOfSeries>, series: Series, hour: number, slot: Slot): void => {
  const id = idOfSeries(series);
  day.set(id, { series, hours: new Map([...(day.get(id)?.hours ?? []), [hour, slot]]) });
};

/**
 * Sets the counts of an hour's facts. It replaces earlier counts and never adds. Gauges stay as they are. Where facts of
 * telemetry may have expired (`isWhole` is false), its counts never fall.
 */
export function setHour(
  day: RolledUpDay,
  hour: UtcHour,
  fold: CommunityHourFold,
  startedAt: string,
  { isWhole }: { readonly isWhole: boolean } = { isWhole: true },
): RolledUpDay {
  if (dateOfHour(hour) !== day.date) throw new Error(`${hour} is no hour of ${day.date}`);
  const number = numberOfHour(hour);
  const stays = new Set(
    communityMetrics.flatMap(({ kind, name, source }) =>
      kind === 'gauge' || (!isWhole && source === 'telemetry') ? [name] : [],
    ),
  );
  const series = new Map(
    [...day.series].map(([id, { series: of, hours }]) => {
      const isFolded = hours.has(number) && !stays.has(of.metric);
      return [id, { series: of, hours: isFolded ? new Map([...hours].filter(([at]) => at !== number)) : hours }];
    }),
  );
  for (const { series: of, tally } of fold.tallies) {
    const before = series.get(idOfSeries(of))?.hours.get(number);
    if (before === undefined || before.eventCount < tally.eventCount) withSlot(series, of, number, tally);
  }

  const sets = new Map(day.sets);
  for (const [metric, members] of fold.members) {
    const bit = 1 << number;
    sets.set(metric, joined(sets.get(metric) ?? new Map(), members, { bit, kept: stays.has(metric) ? -1 : ~bit }));
  }
  return { ...day, series, sets, rolledUpAt: new Map([...day.rolledUpAt, [number, startedAt]]) };
}

/** A day's set with the members of one hour: of earlier members of that hour, those stay that `kept` allows. */
function joined(
  before: DaySet,
  members: Iterable<MemberHash>,
  { bit, kept }: { readonly bit: number; readonly kept: number },
): DaySet {
  function* entries(): Generator<readonly [MemberHash, number]> {
    const hour = members[Symbol.iterator]();
    let next = hour.next();
    for (const [member, hours] of before.entries()) {
      for (; next.done !== true && next.value < member; next = hour.next()) yield [next.value, bit];
      const isInHour = next.done !== true && next.value === member;
      if (isInHour) next = hour.next();
      const all = (hours & kept) | (isInHour ? bit : 0);
      if (all !== 0) yield [member, all];
    }
    for (; next.done !== true; next = hour.next()) yield [next.value, bit];
  }
  return daySet(entries);
}

/** A set whose size is counted once, if somebody asks. */
export function daySet(entries: () => Iterable<readonly [MemberHash, number]>): DaySet {
  let size: number | undefined;
  return {
    entries,
    get size() {
      size ??= countOf(entries());
      return size;
    },
  };
}

/** Sets the gauges' samples that were read at a time of this day. A newer sample of the hour stays. */
export function setSamples(day: RolledUpDay, totals: ScoreTotals, at: string): RolledUpDay {
  const number = Number(at.slice(11, 13));
  const series = new Map(day.series);
  for (const metric of communityMetrics) {
    if (metric.kind !== 'gauge') continue;
    const of = { metric: metric.name, scope: 'community' } as const;
    const stored = series.get(idOfSeries(of))?.hours.get(number);
    if (stored?.at !== undefined && stored.at > at) continue;
    withSlot(series, of, number, { eventCount: 1n, valueSum: metric.fold(totals), at });
  }
  return { ...day, series };
}

/** When the gauges were last sampled on this day, and how many members there were then; null if they never were. */
export function lastSampleOf(day: RolledUpDay): { readonly at: string; readonly members: number } | null {
  const slots = day.series.get(idOfSeries({ metric: 'MEMBER_COUNT', scope: 'community' }))?.hours.values() ?? [];
  const newest = [...slots].sort((a, b) => ((a.at ?? '') < (b.at ?? '') ? -1 : 1)).at(-1);
  return newest?.at === undefined ? null : { at: newest.at, members: Number(newest.valueSum) };
}

/** A community metric's day: of a distinct one how many there were, of a gauge the newest sample. */
export type DayTotals = ReadonlyMap<MetricRollupHourMetric, Tally>;

/** The day totals of the metrics that have any. */
export function totalsOf(day: RolledUpDay): DayTotals {
  const totals = new Map<MetricRollupHourMetric, Tally>();
  for (const { name, kind } of communityMetrics) {
    const slots = [...(day.series.get(idOfSeries({ metric: name, scope: 'community' }))?.hours.values() ?? [])];
    const isDistinct = kind === 'distinct';
    const count = isDistinct ? (day.sets.get(name)?.size ?? 0) : slots.length;
    if (count === 0) continue;
    const eventCount = isDistinct ? BigInt(count) : slots.reduce((sum, slot) => sum + slot.eventCount, 0n);
    const sum = slots.reduce((total, slot) => total + slot.valueSum, 0n);
    const newest = slots.toSorted((a, b) => ((a.at ?? '') < (b.at ?? '') ? -1 : 1)).at(-1);
    const valueSum = kind === 'gauge' ? (newest?.valueSum ?? 0n) : sum;
    totals.set(name, { eventCount, valueSum });
  }
  return totals;
}
