import * as z from 'zod/mini';
import { contributionOf, nothingGranted, pointsOfSingle, type SingleGrant } from '../grants/granted.ts';
import { totalOf } from '../shared/by-date.ts';
import { addDays, dateOfDayNumber, startOfHour, type UtcDate } from '../shared/utc.ts';
import { byPlainName, plusCommand, plusNumber } from './fold.ts';
import { explainContribution, namedCommandsOf, type Contribution } from './contributions.ts';
import { currentRules, rulesOf } from '../rules/current-rules.ts';
import { tierOf } from '../rules/tiers.ts';
import type { UserScore } from './score.ts';
import type { DayRow, StoredMetrics } from './score-store.port.ts';
import { scoreAtEndOf } from './score-steps.ts';
import { devicesOf, firstDateKnown, sumOf } from './user-metrics.ts';

/** The answers about one user, each with its schema: the documentation and the handlers use the same. */

const Count = z.int().check(z.nonnegative());
const CountsByName = z.record(z.string(), Count);

export const StatsView = z.object({
  accountId: z.string(),
  username: z.string(),
  totalEvents: Count,
  eventCounts: CountsByName,
  commandCounts: CountsByName,
  activeDates: z.array(z.iso.date()),
  /** The sum of the ledger's awards; a reversed one is 0. */
  awardPoints: z.int(),
  devices: Count,
  /** The start of the newest event's hour. No more of an event's time is kept. */
  lastEventAt: z.nullable(z.iso.datetime()),
  /** How exact `lastEventAt` is. */
  precision: z.literal('hour'),
  foldedAt: z.iso.datetime(),
});
export type StatsView = z.infer<typeof StatsView>;

/**
 * An object of the entries, sorted by name. `fromEntries` makes own fields, so `__proto__` is a name like any other.
 */
const objectOf = <Value>(entries: Iterable<readonly [string, Value]>): Record<string, Value> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));

/** The account that an answer is about, and its name now. */
type Whom = { readonly account: string; readonly username: string };

export function statsView(
  { account: accountId, username }: Whom,
  { metrics, foldedAt }: StoredMetrics,
  { granted: { balance } }: Pick<UserScore, 'granted'> = { granted: nothingGranted },
): StatsView {
  const sum = sumOf(metrics, namedCommandsOf(currentRules));
  const reported = [...metrics.reports].map(([event, { byDate }]) => [event, totalOf(byDate)] as const);
  const sent = byPlainName(sum.events, plusNumber);
  // Of a kind that was sent before the rules named it, there are events, too.
  const events = [
    ...new Map([...sent, ...reported.map(([event, count]) => [event, count + (sent.get(event) ?? 0)] as const)]),
  ].filter(([, count]) => count > 0);
  const lastHour = [sum.lastHour, ...[...metrics.reports.values()].map((each) => each.lastHour)]
    .filter((hour) => hour !== null)
    .sort()
    .at(-1);
  return {
    accountId,
    username,
    totalEvents: events.reduce((total, [, count]) => total + count, 0),
    eventCounts: objectOf(events),
    commandCounts: objectOf(
      [...byPlainName(sum.commands, plusCommand)].map(([name, { total }]) => [name, total] as const),
    ),
    activeDates: sum.activeDays.map(dateOfDayNumber),
    awardPoints: balance.sourceTotals.get('award') ?? 0,
    devices: devicesOf(metrics),
    lastEventAt: lastHour === undefined ? null : startOfHour(lastHour),
    precision: 'hour',
    foldedAt,
  };
}

const Points = z.int();
const PointsByName = z.record(z.string(), Points);

const Older = z.object({ count: Count, points: Points });

export const ScoreView = z.object({
  accountId: z.string(),
  username: z.string(),
  canonicalScore: Points,
  activityScore: Points,
  tier: z.string(),
  tiersReached: z.array(z.object({ tier: z.string(), reachedAt: z.iso.datetime() })),
  nextTier: z.nullable(z.object({ name: z.string(), missing: Points })),
  /** On the board `alltime`, in its newest snapshot; null if that does not list the user. */
  rank: z.nullable(z.int().check(z.positive())),
  /** When that snapshot's build began to read; null without a rank. */
  asOf: z.nullable(z.iso.datetime()),
  scoreSources: z.record(z.string(), z.object({ category: z.string(), source: z.string(), points: Points })),
  balance: z.object({
    totalScore: Points,
    categoryTotals: PointsByName,
    sourceTotals: PointsByName,
    grants: Count,
  }),
  /** Awards, badges and feed posts beyond the newest hundred, which `scoreSources` lists. */
  older: Older,
  rulesVersion: z.string(),
  refreshedAt: z.iso.datetime(),
});
export type ScoreView = z.infer<typeof ScoreView>;

/** The rules that computed a score, or today's rules if no release knows its version any more. */
const rulesOfScore = ({ rulesVersion }: UserScore) => rulesOf(rulesVersion) ?? currentRules;

const olderOf = ({ granted: { older } }: UserScore): z.infer<typeof Older> => ({
  count: older.count,
  points: [...older.points.values()].reduce((sum, points) => sum + points, 0),
});

export function scoreView(
  { account: accountId, username }: Whom,
  score: UserScore,
  standing: { readonly rank: number; readonly asOf: string } | null,
): ScoreView {
  const { balance, listed } = score.granted;
  const sources = [...score.contributions, ...listed.map(contributionOf)].map(
    ({ key, category, source, points }) => [key, { category, source, points }] as const,
  );
  return {
    accountId,
    username,
    canonicalScore: score.canonicalScore,
    activityScore: score.activityScore,
    tier: score.tier,
    tiersReached: score.tiersReached.map(({ tier, reachedAt }) => ({ tier, reachedAt })),
    nextTier: tierOf(score.canonicalScore, rulesOfScore(score)).nextTier,
    rank: standing?.rank ?? null,
    asOf: standing?.asOf ?? null,
    scoreSources: objectOf(sources),
    balance: {
      totalScore: balance.totalScore,
      categoryTotals: objectOf(balance.categoryTotals),
      sourceTotals: objectOf(balance.sourceTotals),
      grants: balance.seq,
    },
    older: olderOf(score),
    rulesVersion: score.rulesVersion,
    refreshedAt: score.refreshedAt,
  };
}

export const ExplainView = z.object({
  username: z.string(),
  /** The UTC date that the score is of: streak and window end on it. */
  date: z.iso.date(),
  rulesVersion: z.string(),
  canonicalScore: Points,
  /** The sum of the contributions, ready to show. */
  arithmetic: z.string(),
  contributions: z.array(
    z.object({
      key: z.string(),
      category: z.string(),
      source: z.string(),
      points: Points,
      inputs: z.record(z.string(), z.int()),
      /** In the order of the computation; `cappedAt` if a cap took points away. */
      steps: z.array(
        z.object({ label: z.string(), arithmetic: z.string(), value: z.int(), cappedAt: z.optional(z.int()) }),
      ),
    }),
  ),
  /** Awards, badges and feed posts beyond the newest hundred, which `contributions` has one by one. */
  older: Older,
  nextChangeOn: z.nullable(z.iso.date()),
});
export type ExplainView = z.infer<typeof ExplainView>;

/** How the stored score came about: from the counts that were stored with it, by the rules that it names. */
export function explainView(username: string, score: UserScore): ExplainView {
  const explained = ({ inputs, ...contribution }: Contribution) => ({
    ...contribution,
    inputs: objectOf(inputs),
    steps: [...explainContribution({ ...contribution, inputs }, rulesOfScore(score))],
  });
  const explainedSingle = (single: SingleGrant) => ({
    ...contributionOf(single),
    inputs: { granted: single.granted, reversed: single.isReversed ? 1 : 0 },
    steps: [
      {
        label: single.isReversed ? 'points, reversed' : 'points',
        arithmetic: single.isReversed ? `${single.granted} - ${single.granted}` : String(single.granted),
        value: pointsOfSingle(single),
      },
    ],
  });
  const contributions = [...score.contributions.map(explained), ...score.granted.listed.map(explainedSingle)];
  const older = olderOf(score);
  const parts = [...contributions.map(({ points }) => points), ...(older.count > 0 ? [older.points] : [])];
  return {
    username,
    date: score.date,
    rulesVersion: score.rulesVersion,
    canonicalScore: score.canonicalScore,
    arithmetic: `${parts.join(' + ')} = ${score.canonicalScore}`,
    contributions,
    older,
    nextChangeOn: score.nextChangeOn,
  };
}

export const HistoryView = z.object({
  days: z.array(z.object({ date: z.iso.date(), canonicalScore: Points })),
});
export type HistoryView = z.infer<typeof HistoryView>;

/**
 * The score of each date from `from` to `to`, both included, as far as one is known and not later than today. What the
 * score itself knows of its past comes from its steps, by the same facts and rules; what lies before, from `rows`: each
 * until the next.
 */
export function historyView(
  rows: readonly DayRow[],
  score: Pick<UserScore, 'date' | 'canonicalScore' | 'steps'>,
  { from, to, today }: { readonly from: UtcDate; readonly to: UtcDate; readonly today: UtcDate },
): HistoryView {
  const end = [today, score.date].reduce((a, b) => (a > b ? a : b));
  const firstKnown = firstDateKnown(score.date);
  const [firstStep] = score.steps;
  const hasNoPast = firstStep === undefined && score.canonicalScore === 0;
  const beginsAfter = firstStep?.score === 0 ? firstStep.through : '';
  const isInSteps = (date: UtcDate): boolean => date >= score.date || (!hasNoPast && date > beginsAfter);
  const days: z.infer<typeof HistoryView>['days'] = [];
  for (let date = from; date <= to && date <= end; date = addDays(date, 1)) {
    const row = rows.findLast((each) => each.date <= date);
    if (date >= firstKnown && (isInSteps(date) || row !== undefined)) {
      days.push({ date, canonicalScore: scoreAtEndOf(date, score) });
    } else if (date < firstKnown && row !== undefined) days.push({ date, canonicalScore: row.canonicalScore });
  }
  return { days };
}
