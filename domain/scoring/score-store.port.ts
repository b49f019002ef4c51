import type { AccountId } from '../identity/account.ts';
import type { UtcDate } from '../shared/utc.ts';
import type { DayScore } from './score-steps.ts';
import type { UserScore } from './score.ts';
import type { FoldStarts } from './fold-starts.ts';
import type { Turn } from './turns.ts';
import type { UserMetrics } from './user-metrics.ts';

/** A revision rises by one with every save, also when nothing changed. */
export type Revision = number;

export type StoredMetrics = {
  readonly metrics: UserMetrics;
  /** ISO 8601 */
  readonly foldedAt: string;
  readonly starts: FoldStarts;
  readonly revision: Revision;
};

/** Metrics to save. */
export type NextMetrics = Omit<StoredMetrics, 'revision'>;

export type StoredScore = {
  readonly score: UserScore;
  readonly revision: Revision;
  /** Of the metrics that it was made of. */
  readonly metricsRevision: Revision;
};

/** The values that a save will overwrite: the guard of a refresh. Null if nothing is stored yet. */
export type StoredUser = {
  readonly metrics: StoredMetrics | null;
  readonly score: StoredScore | null;
  /** The newest turn of a refresh; missing if nobody took one. */
  readonly turn?: Turn;
  /** Whether the user chose to be on no leaderboard: their own choice, which no save overwrites. */
  readonly isHidden: boolean;
  /** The accounts that are shown as part of this one: their facts count for it as well. */
  readonly merged?: readonly AccountId[];
  /** The account that this one is shown as part of: no board lists this one. */
  readonly mergedInto?: AccountId | undefined;
  /** The account that it was part of before: what of its balance went there comes back. */
  readonly mergedBefore?: AccountId | undefined;
  /** When the account was erased, ISO 8601: nothing is computed or saved for it any more. */
  readonly erasedAt?: string | undefined;
};

/** A past date's score, by the rules of that time. Later dates without a row have the same score. */
export type DayRow = DayScore & { readonly rulesVersion: string | null };

/** The refolded scores of a month, `2026-08`: rows as above, without those that were saved on their own days. */
export type PastMonth = {
  readonly month: string;
  readonly days: readonly DayScore[];
  /** 0 if nothing is stored. */
  readonly revision: Revision;
};
export const monthOf = (date: UtcDate): string => date.slice(0, '2026-08'.length);

/** The past of a score as a backfill refolds it. */
export type HistoryStore = {
  /** Rows that were saved on their own days, from `from` to `to`, and the last earlier one; in order. */
  ownRows(account: AccountId, from: UtcDate, to: UtcDate): Promise<readonly DayRow[]>;
  /** The refolded months from that of `from` to that of `to`, and the last earlier one. */
  pastMonths(account: AccountId, from: UtcDate, to: UtcDate): Promise<readonly PastMonth[]>;
  /** Saves a month if its revision is unchanged, and raises it. */
  savePastMonth(account: AccountId, month: PastMonth, rulesVersion: string): Promise<'saved' | 'stale'>;
};

export type ScoreStore = {
  /** Strongly consistent. */
  load(account: AccountId): Promise<StoredUser>;
  /**
   * Saves both on condition that the revisions in `guard` are unchanged, the metrics first; then, before the score, as
   * day rows what of the stored one is `leaving`: the new one knows it no more. `stale` means that another refresh came
   * first: start again from `load`. A save that stops between the two is completed by the next refresh.
   */
  save(
    guard: StoredUser,
    next: NextMetrics & { readonly score: UserScore; readonly leaving: readonly DayScore[] },
  ): Promise<'saved' | 'stale'>;
  /** Takes a turn if the turn of `before` is unchanged, or if there is none. False if another refresh was faster. */
  takeTurn(account: AccountId, turn: Turn, before: Turn | undefined): Promise<boolean>;
  /** Ends a turn if it is still this refresh's. */
  endTurn(account: AccountId, by: string): Promise<void>;
  /**
   * The day rows from `from` to `to`, both included, in order, and before them the last earlier one, if any. A row that
   * was saved on its own day goes before a refolded one.
   */
  dayRows(account: AccountId, from: UtcDate, to: UtcDate): Promise<readonly DayRow[]>;
};

/** The metrics alone, which a backfill recomputes. */
export type MetricsStore = Pick<ScoreStore, 'load'> & {
  /** Saves metrics on condition that the revision of `guard` is unchanged, and raises it. */
  saveMetrics(account: AccountId, guard: StoredUser, next: NextMetrics): Promise<'saved' | 'stale'>;
};
