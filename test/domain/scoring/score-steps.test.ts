import { describe, expect, it } from 'vitest';
import { leavingWith, scoreAtEndOf, stepsOf, toldBefore } from '../../../domain/scoring/score-steps.ts';
import { addDays } from '../../../domain/shared/utc.ts';

const TODAY = '2026-08-21';
const ago = (days: number): string => addDays(TODAY, -days);
/** The scores of the 91 dates before today, each valid from `daysAgo` on. */
const since = (...changes: readonly (readonly [daysAgo: number, score: number])[]) =>
  Array.from({ length: 91 }, (_, index) => 91 - index).map(
    (days) => [ago(days), changes.findLast(([from]) => from >= days)?.[1] ?? 0] as const,
  );

describe('the steps of a score', () => {
  const steps = stepsOf(since([11, 50], [8, 70], [6, 40]), 90, { firstFact: ago(11), told: 0 });
  it.each([
    ['0 before the first', 12, 0],
    ['that of the date on which it changed', 11, 50],
    ['the same until it changes again', 9, 50],
    ['also after a decrease', 6, 40],
    ['that of yesterday', 1, 40],
    ['the current one from today on', 0, 90],
    ['also later', -30, 90],
  ])('return the score on a date: %s', (_rule, daysAgo, expected) => {
    expect(scoreAtEndOf(ago(daysAgo), { canonicalScore: 90, steps })).toBe(expected);
  });

  it('exist only where the score changes', () => {
    expect(steps).toHaveLength(4);
    expect(stepsOf(since([91, 7]), 7, { firstFact: ago(200), told: 7 })).toEqual([]);
  });

  it.each([
    ['its first fact brings no points', since(), 0, ago(5), [{ through: ago(6), score: 0 }]],
    ['today’s is the first', since(), 0, TODAY, [{ through: ago(1), score: 0 }]],
    ['the first is older than the known dates', since(), 0, ago(92), []],
    ['the first is in the future', since(), 0, ago(-1), []],
    ['there is no fact', since(), 0, null, []],
  ])('return where a user starts: %s', (_what, scores, canonicalScore, firstFact, expected) => {
    expect(stepsOf(scores, canonicalScore, { firstFact, told: 0 })).toEqual(expected);
  });

  it("keep the score in history of the date before, if the first date's score has changed", () => {
    expect(stepsOf(since([91, 7]), 7, { firstFact: null, told: 5 })).toEqual([{ through: ago(92), score: 5 }]);
  });
});

describe('the dates that leave a score', () => {
  const scores = since([91, 1], [90, 2], [50, 3]);
  const previous = { date: TODAY, canonicalScore: 90, steps: stepsOf(scores, 90, { firstFact: ago(91), told: 0 }) };
  it.each([
    ['nothing on the same date', 0, []],
    ['a date whose score differs from the one before', 1, [[91, 1]]],
    // prettier-ignore
    ['each of those that leave at once', 3, [[91, 1], [90, 2]]],
    // prettier-ignore
    ['all, and the score itself, after a long time', 400, [[91, 1], [90, 2], [50, 3], [0, 90]]],
  ])('%s', (_what, later, expected) => {
    const left = leavingWith(addDays(TODAY, later), previous);
    expect(left).toEqual(expected.map(([days = 0, canonicalScore]) => ({ date: ago(days), canonicalScore })));
  });

  it('are empty for a first score', () => {
    expect(leavingWith(TODAY, null)).toEqual([]);
    expect(toldBefore(TODAY, null)).toBe(0);
  });

  it('are known from their row from then on', () => {
    expect([0, 1, 2, 400].map((later) => toldBefore(addDays(TODAY, later), previous))).toEqual([0, 1, 2, 90]);
  });
});
