import { addDays, type UtcDate } from '../shared/utc.ts';
import { firstDateKnown } from './user-metrics.ts';

/** A score of past dates: `through` is the last UTC date with this score. */
export type ScoreStep = { readonly through: UtcDate; readonly score: number };

/**
 * The scores of past dates, in order and each known date, as steps: one for each date after which the score is another.
 * A first fact that brings no points is told by a step of 0 before it. `told` is what history tells of the date before
 * the first of them, by the facts and rules of its time: if that is another score, a step holds it, so that the first
 * date gets a row of its own when it leaves.
 */
export function stepsOf(
  scores: Iterable<readonly [UtcDate, number]>,
  canonicalScore: number,
  { firstFact, told }: { readonly firstFact: UtcDate | null; readonly told: number },
): readonly ScoreStep[] {
  const known = [...scores];
  const steps = known.flatMap(([through, score], index): ScoreStep[] =>
    score === (known[index + 1]?.[1] ?? canonicalScore) ? [] : [{ through, score }],
  );
  const [first] = known;
  const kept = first === undefined || first[1] === told ? [] : [{ through: addDays(first[0], -1), score: told }];
  const before = firstFact === null ? null : addDays(firstFact, -1);
  const isWithin = before !== null && (first?.[0] ?? '~') <= before && before <= (known.at(-1)?.[0] ?? '');
  const isTold = before === null || !isWithin || (steps[0]?.through ?? '~') <= before;
  return [...kept, ...(isTold ? [] : [{ through: before, score: 0 }]), ...steps];
}

/** The score on `date`, as far back as steps reach. */
export const scoreAtEndOf = (
  date: UtcDate,
  { steps, canonicalScore }: { readonly steps: readonly ScoreStep[]; readonly canonicalScore: number },
): number => steps.find(({ through }) => through >= date)?.score ?? canonicalScore;

type Standing = { readonly date: UtcDate; readonly canonicalScore: number; readonly steps: readonly ScoreStep[] };

/** A past date's score that differs from that of the date before: until the next one it was the same. */
export type DayScore = { readonly date: UtcDate; readonly canonicalScore: number };

/**
 * What history tells, once a score of `date` has followed `previous`, of the last date that the new one does not know.
 */
export const toldBefore = (date: UtcDate, previous: Standing | null): number =>
  previous === null ? 0 : scoreAtEndOf(addDays(firstDateKnown(date), -1), previous);

/** The dates that `previous` still knew and a score of `date` no longer knows. */
export function leavingWith(date: UtcDate, previous: Standing | null): readonly DayScore[] {
  if (previous === null) return [];
  const [first, last] = [firstDateKnown(previous.date), firstDateKnown(date)];
  return previous.steps
    .map(({ through }) => addDays(through, 1))
    .filter((day) => day >= first && day < last)
    .map((day) => ({ date: day, canonicalScore: scoreAtEndOf(day, previous) }));
}
