import { pointsOfGranted, type Granted } from '../grants/granted.ts';
import type { Username } from '../identity/username.ts';
import { addDays, dateOfDayNumber, isoOf, type UtcDate } from '../shared/utc.ts';
import { ACTIVITY_KEY, contributionsOn, type Contribution, type ScoreFacts } from './contributions.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';
import { tierOf } from '../rules/tiers.ts';
import { stepsAfter, type ScoreStep } from './score-steps.ts';
import { tiersReached, type TierReached } from './tiers-reached.ts';

/** What the rules make of a user's facts on a date. */
export type UserScore = {
  readonly username: Username;
  /** The UTC date that the score is of. */
  readonly date: UtcDate;
  readonly contributions: readonly Contribution[];
  /** The sum of all contributions, granted ones included. */
  readonly canonicalScore: number;
  /** The points of `telemetry:activity`. */
  readonly activityScore: number;
  readonly tier: string;
  /** In the order of the tiers; kept also where the score falls below one. */
  readonly tiersReached: readonly TierReached[];
  /** Awards, badges and feed posts, as the ledger has them. */
  readonly granted: Granted;
  /** ISO 8601: since when canonicalScore has stood unchanged. */
  readonly standingSince: string;
  /** The scores before this one, oldest first, as far back as the window of a leaderboard reaches. */
  readonly steps: readonly ScoreStep[];
  /** Whether the user chose to be on no leaderboard. */
  readonly isHidden: boolean;
  /** The first later date on which canonicalScore changes although its user does nothing; null where it never does. */
  readonly nextChangeOn: UtcDate | null;
  readonly rulesVersion: string;
  /** ISO 8601 */
  readonly refreshedAt: string;
};

const totalOf = (contributions: readonly Contribution[]): number =>
  contributions.reduce((sum, { points }) => sum + points, 0);

/**
 * Applies the rules. `previous` is the score that this one will replace; its date is not later (`dateOfRefresh`).
 * `now` is in milliseconds since the epoch.
 */
export function decideScore(
  username: Username,
  facts: ScoreFacts,
  {
    previous,
    isHidden,
    date,
    now,
    rules,
  }: {
    readonly previous: Pick<UserScore, 'date' | 'canonicalScore' | 'standingSince' | 'steps' | 'tiersReached'> | null;
    readonly isHidden: boolean;
    readonly date: UtcDate;
    readonly now: number;
    readonly rules: ScoringRules;
  },
): UserScore {
  const contributions = contributionsOn(date, facts, rules);
  const canonicalScore = totalOf(contributions) + pointsOfGranted(facts.granted);
  const stands = previous !== null && previous.canonicalScore === canonicalScore;
  return {
    username,
    date,
    contributions,
    canonicalScore,
    activityScore: contributions.find(({ key }) => key === ACTIVITY_KEY)?.points ?? 0,
    tier: tierOf(canonicalScore, rules).tier,
    tiersReached: tiersReached(previous?.tiersReached ?? [], canonicalScore, isoOf(now), rules),
    granted: facts.granted,
    standingSince: stands ? previous.standingSince : isoOf(now),
    steps: stepsAfter(previous, { date, canonicalScore }),
    isHidden,
    nextChangeOn: nextChangeAfter(date, totalOf(contributions), facts, rules),
    rulesVersion: rules.version,
    refreshedAt: isoOf(now),
  };
}

/** Looks at each date until the last active one has left both the streak and the window: nothing moves after that. */
function nextChangeAfter(date: UtcDate, total: number, facts: ScoreFacts, rules: ScoringRules): UtcDate | null {
  const lastActiveDay = facts.telemetry.activeDays.at(-1);
  if (lastActiveDay === undefined) return null;
  const settled = addDays(dateOfDayNumber(lastActiveDay), Math.max(rules.activity.window.days, 2));
  for (let day = addDays(date, 1); day <= settled; day = addDays(day, 1)) {
    if (totalOf(contributionsOn(day, facts, rules)) !== total) return day;
  }
  return null;
}
