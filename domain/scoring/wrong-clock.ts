import { addDays, dateOf, isoOf, type UtcDate } from '../shared/utc.ts';
import type { UserScore } from './score.ts';
import type { StoredUser } from './score-store.port.ts';
import { SEALED_AT_AGE } from './user-metrics.ts';

/** Clocks of machines differ over midnight, by no more than this. */
const MAX_DAYS_AHEAD = 2;

/** The date of the stored metrics and score; null if nothing is stored. */
function dateOfStored({ metrics, score }: StoredUser): UtcDate | null {
  const dates = [metrics && addDays(metrics.metrics.sealedThrough, SEALED_AT_AGE), score?.score.date];
  return dates.flatMap((date) => date ?? []).reduce<UtcDate | null>((a, b) => (a === null || b > a ? b : a), null);
}

const latestDate = (now: number): UtcDate => addDays(dateOf(now), MAX_DAYS_AHEAD);

/** The latest time that a correct clock can have stored, ISO 8601. Later stored times are ignored. */
export const latestCredible = (now: number): string => `${latestDate(now)}T23:59:59.999Z`;

/** The stored date if it is so far ahead that only a wrong clock can have saved it; else undefined. */
export function dateAhead(stored: StoredUser, now: number): UtcDate | undefined {
  const date = dateOfStored(stored);
  return date !== null && date > latestDate(now) ? date : undefined;
}

/**
 * The date that a refresh counts as: today, unless what is stored has seen a later one (clocks differ). A date that
 * only a wrong clock can have saved is ignored: it would freeze the score until then.
 */
export function dateOfRefresh(stored: StoredUser, now: number): UtcDate {
  const [today, date] = [dateOf(now), dateOfStored(stored)];
  return date !== null && date > today && dateAhead(stored, now) === undefined ? date : today;
}

/** A score that a wrong clock saved, without its parts of later times. */
export function withoutTheFuture(score: UserScore, now: number): UserScore {
  const [today, iso] = [dateOf(now), isoOf(now)];
  const notAfterNow = (time: string): string => (time > iso ? iso : time);
  return {
    ...score,
    date: score.date > today ? today : score.date,
    steps: score.steps.filter(({ through }) => through < today),
    standingSince: notAfterNow(score.standingSince),
    tiersReached: score.tiersReached.map((tier) => ({ ...tier, reachedAt: notAfterNow(tier.reachedAt) })),
  };
}
