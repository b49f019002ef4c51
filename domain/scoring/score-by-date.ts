import type { Granted } from '../grants/granted.ts';
import { atEndOf, datesFrom } from '../shared/by-date.ts';
import { addDays, dateOfDayNumber, type UtcDate } from '../shared/utc.ts';
import { namedCommandsOf, pointsOfCounts, type ScoreFacts } from './contributions.ts';
import { telemetryByDate } from './fold.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';
import { activityByDate, countsOn, firstDateKnown, sumOf, type UserMetrics } from './username-metrics.ts';

/** A user's facts by their dates: the inputs of the score of any date. */
export type DatedFacts = { readonly metrics: UserMetrics; readonly granted: Granted };

const datesOfReports = ({ reports }: Pick<UserMetrics, 'reports'>) => [...reports.values()].map((each) => each.byDate);

/** The facts dated on or before a date, which is not sealed. */
export function factsOn(date: UtcDate, metrics: UserMetrics): ScoreFacts {
  const [telemetry] = telemetryByDate(metrics, [date]);
  if (telemetry === undefined) throw new Error(`no telemetry by ${date}`);
  return { telemetry, counts: countsOn(date, metrics) };
}

/** The score on each of these dates, with that date as today; none is earlier than `firstDateKnown`. */
export function* scoresOn(
  dates: Iterable<UtcDate>,
  { metrics, granted }: DatedFacts,
  rules: ScoringRules,
): Generator<readonly [UtcDate, number], void> {
  const all = [...dates];
  const rest = (date: UtcDate) => pointsOfCounts(date, countsOn(date, metrics), rules) + atEndOf(date, granted.byDate);
  for (const date of all.filter((each) => each <= metrics.sealedThrough)) {
    yield [date, atEndOf(date, metrics.activity.points) + rest(date)];
  }
  const open = all.filter((each) => each > metrics.sealedThrough);
  for (const [date, points] of activityByDate(metrics, open, rules)) yield [date, points + rest(date)];
}

/** The score on each date before `date` that is known of. */
export const scoresBefore = (date: UtcDate, facts: DatedFacts, rules: ScoringRules) =>
  scoresOn(datesFrom(firstDateKnown(date), addDays(date, -1)), facts, rules);

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
    ...[granted.byDate, ...datesOfReports(metrics)].flatMap((dates) => [...dates.keys()]),
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
    ...[granted.byDate, ...datesOfReports({ reports }), registry.publishes, registry.pulls].flatMap((dates) =>
      [...dates.keys()].slice(0, 1),
    ),
  ];
  return firsts.length === 0 ? null : firsts.reduce((a, b) => (b < a ? b : a));
}
