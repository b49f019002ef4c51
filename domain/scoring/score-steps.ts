import { LONGEST_WINDOW_DATES } from '../leaderboards/board.ts';
import { addDays, type UtcDate } from '../shared/utc.ts';

/** A score that once stood: `through` is the last UTC date at whose end it did. */
export type ScoreStep = { readonly through: UtcDate; readonly score: number };

type DatedScore = { readonly date: UtcDate; readonly canonicalScore: number };

/**
 * The steps of a score that replaces `previous`, which is null for a user's first: before that, the score was 0. Kept are
 * those that some window of `date` or of a later one may begin after.
 */
export function stepsAfter(
  previous: (DatedScore & { readonly steps: readonly ScoreStep[] }) | null,
  { date, canonicalScore }: DatedScore,
): readonly ScoreStep[] {
  const { steps, canonicalScore: standing } = previous ?? { steps: [], canonicalScore: 0 };
  const isStep = standing !== canonicalScore && (previous === null || previous.date < date);
  if (!isStep) return steps; // dropping what is too old can wait: until then nothing needs to be written
  const oldest = addDays(date, -LONGEST_WINDOW_DATES);
  return [...steps, { through: addDays(date, -1), score: standing }].filter(({ through }) => through >= oldest);
}

/** The last score of `date` or, where none was saved on it, the last one before; 0 before a user's first. */
export const scoreAtEndOf = (
  date: UtcDate,
  { steps, canonicalScore }: { readonly steps: readonly ScoreStep[]; readonly canonicalScore: number },
): number => steps.find(({ through }) => through >= date)?.score ?? canonicalScore;
