import { LONGEST_WINDOW_DATES } from '../rules/windows.ts';
import { addDays, type UtcDate } from '../shared/utc.ts';

/** A score that once stood: `through` is the last UTC date at whose end it did. */
export type ScoreStep = { readonly through: UtcDate; readonly score: number };

type Standing = { readonly canonicalScore: number; readonly steps: readonly ScoreStep[] };

const beforeTheFirst: Standing = { canonicalScore: 0, steps: [] };

/**
 * The steps of a score that replaces `previous`, which is null for a user's first: before that, the score was 0. Kept are
 * those that some window of `date` or of a later one may begin after.
 */
export function stepsAfter(
  previous: Standing | null,
  { date, canonicalScore }: { readonly date: UtcDate; readonly canonicalScore: number },
): readonly ScoreStep[] {
  const { steps, canonicalScore: standing } = previous ?? beforeTheFirst;
  const yesterday = addDays(date, -1);
  // By the steps, not by the date of the score before: that moves on with every save, also with those that change nothing.
  const isFirstChangeOfDate = standing !== canonicalScore && (steps.at(-1)?.through ?? '') < yesterday;
  if (!isFirstChangeOfDate) return steps; // dropping what is too old can wait: until then nothing needs to be written
  const oldest = addDays(date, -LONGEST_WINDOW_DATES);
  return [...steps, { through: yesterday, score: standing }].filter(({ through }) => through >= oldest);
}

/** The last score of `date` or, where none was saved on it, the last one before; 0 before a user's first. */
export const scoreAtEndOf = (
  date: UtcDate,
  { steps, canonicalScore }: { readonly steps: readonly ScoreStep[]; readonly canonicalScore: number },
): number => steps.find(({ through }) => through >= date)?.score ?? canonicalScore;
