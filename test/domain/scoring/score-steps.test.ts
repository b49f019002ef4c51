import { describe, expect, it } from 'vitest';
import { scoreAtEndOf, stepsAfter, type ScoreStep } from '../../../domain/scoring/score-steps.ts';
import { addDays } from '../../../domain/shared/utc.ts';

type Saved = { readonly date: string; readonly canonicalScore: number; readonly steps: readonly ScoreStep[] };

/** Saves one score after the other. */
const after = (...saves: readonly (readonly [date: string, score: number])[]): Saved => {
  let saved: Saved | null = null;
  for (const [date, canonicalScore] of saves) {
    saved = { date, canonicalScore, steps: stepsAfter(saved, { date, canonicalScore }) };
  }
  return saved!;
};

describe('the steps of a score', () => {
  it.each([
    ['is 0 before the first', '2026-08-09', 0],
    ['is the last of a date on which it was saved', '2026-08-10', 70],
    ['is the last before on a date without a save', '2026-08-12', 70],
    ['also where it went down', '2026-08-20', 40],
    ['and the present one from its date on', '2026-09-30', 40],
  ])('tell what it was at the end of a past date: %s', (_rule, date, expected) => {
    const score = after(['2026-08-10', 50], ['2026-08-10', 70], ['2026-08-13', 70], ['2026-08-15', 40]);

    expect(scoreAtEndOf(date, score)).toBe(expected);
  });

  it('are not made by saves that change nothing, nor by a first score of 0', () => {
    expect(after(['2026-08-10', 0], ['2026-08-11', 0]).steps).toEqual([]);
    expect(after(['2026-08-10', 5], ['2026-08-11', 5], ['2026-08-12', 5]).steps).toHaveLength(1);
  });

  it('are made by the first change of a date, also after a save of that date that changed nothing', () => {
    const score = after(['2026-08-10', 100], ['2026-08-11', 100], ['2026-08-11', 150], ['2026-08-11', 170]);

    expect(scoreAtEndOf('2026-08-10', score)).toBe(100);
    expect(score.steps).toHaveLength(2);
  });

  it('are kept as far back as the longest window reaches, so that they are bounded', () => {
    const dates = Array.from({ length: 400 }, (_, day) => addDays('2026-01-01', day));
    const score = after(...dates.map((date, index) => [date, index + 1] as const));
    const last = dates.at(-1)!;

    expect(score.steps.length).toBeLessThanOrEqual(91);
    for (let back = 1; back <= 90; back += 1) expect(scoreAtEndOf(addDays(last, -back), score)).toBe(400 - back);
  });

  it('last as long as nothing changes', () => {
    const score = after(['2025-01-01', 5], ['2025-01-02', 9]);

    expect(scoreAtEndOf('2025-01-01', score)).toBe(5);
    expect(scoreAtEndOf('2026-08-21', score)).toBe(9);
  });
});
