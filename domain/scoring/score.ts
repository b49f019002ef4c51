import { pointsOfGranted, type Granted } from '../grants/granted.ts';
import type { AccountId } from '../identity/account.ts';
import type { Part } from '../rules/parts.ts';
import { from, type ByDate } from '../shared/by-date.ts';
import { isoOf, type UtcDate } from '../shared/utc.ts';
import { ACTIVITY_KEY, contributionsOn, type Contribution } from './contributions.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';
import { tierOf } from '../rules/tiers.ts';
import { factsOn, firstFactOf, nextChangeAfter, scoresThrough, type DatedFacts } from './score-by-date.ts';
import { stepsOf, toldBefore, type ScoreStep } from './score-steps.ts';
import { tiersReached, type TierReached } from './tiers-reached.ts';
import { firstDateKnown } from './user-metrics.ts';

/** The result of the rules for a user's facts dated on or before a date. */
export type UserScore = {
  readonly username: AccountId;
  /** The UTC date of the score. */
  readonly date: UtcDate;
  readonly contributions: readonly Contribution[];
  /** The sum of all contributions, granted ones included. */
  readonly canonicalScore: number;
  /** The points of `telemetry:activity`. */
  readonly activityScore: number;
  readonly tier: string;
  /** In the order of the tiers; kept even if the score falls below one. */
  readonly tiersReached: readonly TierReached[];
  /** Awards, badges and feed posts, as the ledger has them. */
  readonly granted: Granted;
  /** ISO 8601: when canonicalScore last changed. */
  readonly standingSince: string;
  /**
   * The scores of past dates, by the same facts and rules, oldest first, as far back as the window of a leaderboard
   * reaches.
   */
  readonly steps: readonly ScoreStep[];
  /**
   * What each part adds by date, as far back as steps reach: all before is of the first date. The activity is the rest
   * of the score. Missing in a score of an older release.
   */
  readonly parts?: ReadonlyMap<Part, ByDate>;
  /** Whether the user chose to be on no leaderboard. */
  readonly isHidden: boolean;
  /** Whether it is shown as part of another account's: no board and no gauge counts it. */
  readonly isMerged?: boolean | undefined;
  /** The first later date on which canonicalScore changes although its user does nothing; null if it never does. */
  readonly nextChangeOn: UtcDate | null;
  readonly rulesVersion: string;
  /** The fold of the metrics behind it. */
  readonly foldedBy: string;
  /** ISO 8601 */
  readonly refreshedAt: string;
};

const pointsOfAll = (contributions: readonly Contribution[]): number =>
  contributions.reduce((sum, { points }) => sum + points, 0);

/**
 * Applies the rules to the facts of the date and of each date before it. `previous` is the score that this one will
 * replace; its date is not later (`dateOfRefresh`). `now` is in milliseconds since the epoch.
 */
export function decideScore(
  account: AccountId,
  { metrics, granted }: DatedFacts,
  {
    previous,
    isHidden,
    isMerged = false,
    isTogether = false,
    date,
    now,
    rules,
  }: {
    readonly previous: Pick<UserScore, 'date' | 'canonicalScore' | 'steps' | 'standingSince' | 'tiersReached'> | null;
    readonly isHidden: boolean;
    /** Whether it is shown as part of another account's; whether it counts the facts of merged accounts. */
    readonly isMerged?: boolean;
    readonly isTogether?: boolean;
    readonly date: UtcDate;
    readonly now: number;
    readonly rules: ScoringRules;
  },
): UserScore {
  const facts = { metrics, granted };
  const contributions = contributionsOn(date, factsOn(date, metrics), rules);
  const canonicalScore = pointsOfAll(contributions) + pointsOfGranted(granted);
  const { scores, parts } = scoresThrough(date, facts, rules);
  const isUnchanged = previous !== null && previous.canonicalScore === canonicalScore;
  return {
    username: account,
    date,
    contributions,
    canonicalScore,
    activityScore: contributions.find(({ key }) => key === ACTIVITY_KEY)?.points ?? 0,
    tier: tierOf(canonicalScore, rules).tier,
    tiersReached: tiersReached(previous?.tiersReached ?? [], canonicalScore, isoOf(now), rules, isTogether),
    granted: {
      ...granted,
      byDate: new Map([...granted.byDate].map(([line, additions]) => [line, from(firstDateKnown(date), additions)])),
    },
    standingSince: isUnchanged ? previous.standingSince : isoOf(now),
    parts,
    steps: stepsOf(scores, canonicalScore, {
      firstFact: firstFactOf(facts),
      told: toldBefore(date, previous),
    }),
    isHidden: isHidden || isMerged,
    ...(isMerged ? { isMerged } : {}),
    nextChangeOn: nextChangeAfter(date, canonicalScore, facts, rules),
    rulesVersion: rules.version,
    foldedBy: metrics.foldedBy,
    refreshedAt: isoOf(now),
  };
}
