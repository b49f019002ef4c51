import type { Refresh } from './refresh-score.ts';
import type { StoredUser } from './score-store.port.ts';

/**
 * What a refresh may fold again: a date, `every-day`, `reports`, `registry`, `profile`, which every refresh reads, or `any`
 * for the ledger. It has this name because an older release, whose every refresh read the ledger, takes it for all that
 * is no day.
 */
type FoldPart = string;

/** When the newest stored fold of each part began, in epoch milliseconds. */
export type FoldStarts = ReadonlyMap<FoldPart, number>;

/** A fold counts as after a change only if it began so much later: two machines' clocks differ. */
const MARGIN_MS = 5_000;
/** A day that was folded longer ago is folded again rather than remembered. */
const REMEMBERED_MS = 3_600_000;

const isDay = (part: FoldPart): boolean => /^\d/u.test(part);

/** The parts that a refresh folds, beside its days. */
export function partsBesideDays({
  days,
  reports,
  registry,
  ledger,
}: Pick<Refresh, 'days' | 'reports' | 'registry' | 'ledger'>): FoldPart[] {
  return [
    'profile',
    ...(days === null || ledger !== false ? ['any'] : []),
    ...(days === null || reports === true ? ['reports'] : []),
    ...(days === null || registry === true ? ['registry'] : []),
  ];
}

/** The starts after a fold that began at `startedAt`: of the named days, or of all if it was from nothing. */
export function startsAfter(
  before: FoldStarts,
  refresh: Pick<Refresh, 'days' | 'reports' | 'registry' | 'ledger'>,
  { startedAt, isFromNothing }: { readonly startedAt: number; readonly isFromNothing: boolean },
): FoldStarts {
  const days: readonly FoldPart[] = isFromNothing ? ['every-day'] : (refresh.days ?? []);
  const remembered = [...before].filter(([part, at]) => {
    const isOfWrongClock = at > startedAt + MARGIN_MS;
    const isForgotten = isDay(part) && (isFromNothing || at < startedAt - REMEMBERED_MS);
    return !isOfWrongClock && !isForgotten;
  });
  return new Map([...remembered, ...[...partsBesideDays(refresh), ...days].map((part) => [part, startedAt] as const)]);
}

/**
 * Whether stored metrics and score have seen all changes that a refresh is asked for. Not where a fold claims to begin
 * later than `now`: some clock was wrong. Not where the score is of other metrics, or the badge of a tier is missing:
 * then a refresh has ended before its work was done.
 */
export function isDoneSince({ metrics, score }: StoredUser, refresh: Refresh, now: number): boolean {
  const { days, grants, changedBefore } = refresh;
  if (metrics === null || score === null || changedBefore === undefined || grants === true) return false;
  if (score.metricsRevision !== metrics.revision) return false;
  if (score.score.tiersReached.some(({ hasBadge }) => !hasBadge)) return false;
  const changed = Date.parse(changedBefore);
  const isSeenBy = (part: FoldPart): boolean => {
    const startedAt = metrics.starts.get(part) ?? -Infinity;
    return startedAt > changed + MARGIN_MS && startedAt <= now + MARGIN_MS;
  };
  const areDaysSeen = isSeenBy('every-day') || days?.every(isSeenBy) === true;
  return areDaysSeen && partsBesideDays(refresh).every(isSeenBy);
}
