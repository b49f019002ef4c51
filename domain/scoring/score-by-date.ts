import { kindOfKey, type Granted } from '../grants/granted.ts';
import { additionsOf, atEndOf, datesFrom, type ByDate } from '../shared/by-date.ts';
import { ACTIVITY_PART, partOf, type Part } from '../rules/parts.ts';
import { addDays, dateOfDayNumber, type UtcDate } from '../shared/utc.ts';
import { namedCommandsOf, pointsOfCounts, type ScoreFacts } from './contributions.ts';
import { telemetryByDate } from './fold.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';
import { activityByDate, countsOn, firstDateKnown, sumOf, type UserMetrics } from './user-metrics.ts';

/** A user's facts by their dates: the inputs of the score of any date. */
export type DatedFacts = { readonly metrics: UserMetrics; readonly granted: Granted };

const datesOfReports = ({ reports }: Pick<UserMetrics, 'reports'>) => [...reports.values()].map((each) => each.byDate);
const datesOfLines = ({ byDate }: Granted): readonly ByDate[] => [...byDate.values()];

/** The facts dated on or before a date, which is not sealed. */
export function factsOn(date: UtcDate, metrics: UserMetrics): ScoreFacts {
  const [telemetry] = telemetryByDate(metrics, [date]);
  if (telemetry === undefined) throw new Error(`no telemetry by ${date}`);
  return { telemetry, counts: countsOn(date, metrics) };
}

/** The points of a date by their parts; a part may be there more than once. */
type PartPoints = readonly (readonly [Part, number])[];

/** What makes the score on each of these dates, with that date as today; none is earlier than `firstDateKnown`. */
function* pointsOn(
  dates: Iterable<UtcDate>,
  { metrics, granted }: DatedFacts,
  rules: ScoringRules,
): Generator<readonly [UtcDate, PartPoints], void> {
  const all = [...dates];
  const lines = [...granted.byDate].map(([line, additions]) => [partOf(kindOfKey(line)), additions] as const);
  const rest = (date: UtcDate): PartPoints => [
    ...pointsOfCounts(date, countsOn(date, metrics), rules),
    ...lines.map(([part, additions]) => [part, atEndOf(date, additions)] as const),
  ];
  for (const date of all.filter((each) => each <= metrics.sealedThrough)) {
    yield [date, [[ACTIVITY_PART, atEndOf(date, metrics.activity.points)], ...rest(date)]];
  }
  const open = all.filter((each) => each > metrics.sealedThrough);
  for (const [date, points] of activityByDate(metrics, open, rules))
    yield [date, [[ACTIVITY_PART, points], ...rest(date)]];
}

const sum = (points: PartPoints): number => points.reduce((total, [, each]) => total + each, 0);

/** The score on each of these dates. */
export function* scoresOn(
  dates: Iterable<UtcDate>,
  facts: DatedFacts,
  rules: ScoringRules,
): Generator<readonly [UtcDate, number], void> {
  for (const [date, points] of pointsOn(dates, facts, rules)) yield [date, sum(points)];
}

/**
 * The score on each date before `date` that is known of; and by date what each part brings, through `date`, without the
 * activity: that is the rest of the score.
 */
export function scoresThrough(
  date: UtcDate,
  facts: DatedFacts,
  rules: ScoringRules,
): { readonly scores: readonly (readonly [UtcDate, number])[]; readonly parts: ReadonlyMap<Part, ByDate> } {
  const known = [...pointsOn(datesFrom(firstDateKnown(date), date), facts, rules)];
  const sums = new Map<Part, Map<UtcDate, number>>();
  for (const [day, points] of known) {
    for (const [part, each] of points) {
      if (part === ACTIVITY_PART) continue;
      const byDay = sums.get(part) ?? new Map<UtcDate, number>();
      sums.set(part, byDay.set(day, (byDay.get(day) ?? 0) + each));
    }
  }
  return {
    scores: known.filter(([day]) => day < date).map(([day, points]) => [day, sum(points)] as const),
    parts: new Map(
      [...sums]
        .sort(([a], [b]) => (a < b ? -1 : 1)) // the order of facts is not the score's
        .map(([part, byDay]) => [part, additionsOf(byDay)] as const)
        .filter(([, additions]) => additions.size > 0),
    ),
  };
}

/** The first date after `date` on which the score changes although the user does nothing; null if it never does. */
export function nextChangeAfter(date: UtcDate, score: number, facts: DatedFacts, rules: ScoringRules): UtcDate | null {
  const { metrics, granted } = facts;
  const lastActiveDay = sumOf(metrics, namedCommandsOf(rules)).activeDays.at(-1);
  // Nothing moves once the last active date has left both the streak and the window, and the last fact has come due.
  const settled = [
    ...(lastActiveDay === undefined
      ? []
      : [addDays(dateOfDayNumber(lastActiveDay), Math.max(rules.activity.window.days, 2))]),
    ...metrics.open.keys(),
    ...[...datesOfLines(granted), ...datesOfReports(metrics)].flatMap((dates) => [...dates.keys()]),
    ...[metrics.registry.publishes, metrics.registry.pulls].flatMap((dates) => [...dates.keys()]),
  ].reduce((a, b) => (b > a ? b : a), date);
  for (const [day, total] of scoresOn(datesFrom(addDays(date, 1), settled), facts, rules)) {
    if (total !== score) return day;
  }
  return null;
}

/** The earliest date of a fact, as far as dates are known; null if no fact counts. */
export function firstFactOf({ metrics, granted }: DatedFacts): UtcDate | null {
  const { sealed, open, reports, registry } = metrics;
  const [firstActiveDay] = sealed.activeDays;
  const firsts = [
    ...(firstActiveDay === undefined ? [] : [dateOfDayNumber(firstActiveDay)]),
    ...open.keys(),
    ...[...datesOfLines(granted), ...datesOfReports({ reports }), registry.publishes, registry.pulls].flatMap((dates) =>
      [...dates.keys()].slice(0, 1),
    ),
  ];
  return firsts.length === 0 ? null : firsts.reduce((a, b) => (b < a ? b : a));
}
