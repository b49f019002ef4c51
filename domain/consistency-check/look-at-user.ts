import { grantedTogether, type WholeLedger } from '../grants/granted-together.ts';
import { settleAll } from '../shared/settle-all.ts';
import { auditOf } from '../grants/audit.ts';
import { applyLine, emptyBalance, type Balance } from '../grants/balance.ts';
import type { GrantLine } from '../grants/grant.ts';
import { grantedOf } from '../grants/granted.ts';
import { linesUpTo, type LedgerRead, type LinesDeps } from '../grants/read-lines.ts';
import type { AccountId } from '../identity/account.ts';
import type { UserRegistry } from '../registry/user-registry.port.ts';
import { foldMetrics, linksOfAll, shownAs } from '../scoring/refresh-score.ts';
import { currentRules } from '../rules/current-rules.ts';
import { decideScore, type UserScore } from '../scoring/score.ts';
import type { ScoreStore, StoredUser } from '../scoring/score-store.port.ts';
import { computedByNow, isKnown, SEALED_AT_AGE, type UserMetrics } from '../scoring/user-metrics.ts';
import type { Clock, Sha256OfBytes } from '../shared/environment.ts';
import { addDays, dateOf, type UtcDate } from '../shared/utc.ts';
import type { UserTelemetry } from '../telemetry/user-telemetry.port.ts';
import {
  differencesOf,
  eventsIn,
  figuresOfBalance,
  figuresOfMetrics,
  figuresOfScore,
  type Difference,
} from './figures.ts';

export type LookDeps = {
  readonly telemetry: UserTelemetry;
  readonly registry: UserRegistry;
  readonly scores: Pick<ScoreStore, 'load'>;
  readonly ledger: LinesDeps;
  readonly clock: Clock;
  readonly sha256: Sha256OfBytes;
};

export type Look = {
  /** False if nothing is stored or known of the user: there is nothing to compare. */
  readonly isCompared: boolean;
  /** Whether the score follows other rules, or another release folded it: a difference is then no fault. */
  readonly isOfOtherRules: boolean;
  readonly differences: readonly Difference[];
};

const rules = currentRules;

/**
 * Compares all that is stored of a user with a fold of the facts from nothing, and the balance with the ledger's lines.
 *
 * It reads the stored values first and the facts after them, as a refresh does. A refresh that runs meanwhile can cause
 * a difference here, but never hide one. So a difference counts only if it persists.
 */
export async function lookAtUser(deps: LookDeps, account: AccountId): Promise<Look> {
  const stored = await deps.scores.load(account);
  const read = await linesUpTo(deps.ledger, account);
  const { balance, lines } = read;
  const proven = lines.reduce(applyLine, emptyBalance);
  const ofLedger = differencesOfLedger(account, read, proven, deps.sha256);

  // Of an erased account only the ledger stays.
  if (stored.erasedAt !== undefined) return { isCompared: true, isOfOtherRules: false, differences: ofLedger };

  const now = computedByNow(deps.sha256);
  const then = stored.score?.score ?? now;
  const isOfOtherRules = then.rulesVersion !== now.rulesVersion || then.foldedBy !== now.foldedBy;
  if (isOfOtherRules) return { isCompared: true, isOfOtherRules, differences: ofLedger };

  const today = dateOf(deps.clock());
  const foldedOn = stored.metrics === null ? today : addDays(stored.metrics.metrics.sealedThrough, SEALED_AT_AGE);
  const { merged = [] } = stored;
  const links = await linksOfAll(deps.telemetry, [account, ...merged]);
  const others = await settleAll(merged, 4, (part) => linesUpTo(deps.ledger, part));
  const { metrics } = await foldMetrics(deps, { username: account, days: null }, stored, { date: foldedOn, links });
  const isExpected = isKnown(metrics) || lines.length > 0;
  const isStored = stored.metrics !== null || stored.score !== null;
  const scoreOn = (date: UtcDate) =>
    scoreOf(account, { metrics, proven, lines, others, stored, date, now: deps.clock() });
  return {
    isCompared: isExpected || isStored || balance.seq > 0,
    isOfOtherRules,
    differences: [
      ...ofLedger,
      ...differencesOfMetrics(metrics, stored, isExpected),
      ...differencesOfScore(scoreOn, stored, { isExpected, today }),
    ],
  };
}

function differencesOfLedger(
  account: AccountId,
  read: LedgerRead,
  proven: Balance,
  sha256: Sha256OfBytes,
): readonly Difference[] {
  const ofLines = auditOf(account, read, sha256).problems.flatMap(({ code, seq, error }) =>
    seq === undefined ? [] : [{ what: `line ${seq}: ${code}`, expected: null, found: error }],
  );
  return [...differencesOf(figuresOfBalance(proven), figuresOfBalance(read.balance)), ...ofLines];
}

function differencesOfMetrics(
  expected: UserMetrics,
  { metrics: found }: StoredUser,
  isExpected: boolean,
): readonly Difference[] {
  if (found !== null) {
    const { links: _, ...others } = expected;
    const comparable = found.metrics.links === undefined ? others : expected; // an older release keeps no devices
    return differencesOf(figuresOfMetrics(comparable), figuresOfMetrics(found.metrics));
  }
  return isExpected ? [{ what: 'events, of which nothing is folded', expected: eventsIn(expected), found: null }] : [];
}

/** The stored score is compared on its own date: to take it on to today is a refresh's work. */
function differencesOfScore(
  scoreOn: (date: UtcDate) => UserScore,
  { score: found }: StoredUser,
  { isExpected, today }: { readonly isExpected: boolean; readonly today: UtcDate },
): readonly Difference[] {
  if (found !== null) return differencesOf(figuresOfScore(scoreOn(found.score.date)), figuresOfScore(found.score));
  return isExpected
    ? [{ what: 'canonicalScore, of which nothing is stored', expected: scoreOn(today).canonicalScore, found: null }]
    : [];
}

/** From the lines, not from the balance: a wrong balance is a finding of its own. */
function scoreOf(
  account: AccountId,
  given: {
    readonly metrics: UserMetrics;
    readonly proven: Balance;
    readonly lines: readonly GrantLine[];
    /** The ledgers of the accounts merged into it. */
    readonly others: readonly WholeLedger[];
    readonly stored: StoredUser;
    readonly date: UtcDate;
    readonly now: number;
  },
): UserScore {
  const { metrics, proven, lines, others, stored, date, now } = given;
  const granted =
    others.length > 0
      ? grantedTogether([{ balance: proven, lines }, ...others], date)
      : grantedOf(proven, lines.toReversed(), { date, known: null });
  const facts = { metrics, granted };
  const previous = stored.score?.score ?? null;
  return decideScore(account, facts, { previous, ...shownAs(stored), date, now, rules });
}
