import { describe, expect, it } from 'vitest';
import { comparePlaces, isBefore, rowOn, startBetween } from '../../../domain/leaderboards/row.ts';
import { packEntry, packRow, unpackEntry, unpackRow } from '../../../domain/leaderboards/packed-lines.ts';
import { aStanding } from '../../builders/memory-leaderboards.ts';
import { boardOf } from '../../builders/rules.ts';

const date = '2026-08-21';

describe('the row of a user', () => {
  it.each([
    ['alltime', 100],
    ['today', 10],
    ['week', 40],
    ['season', 70],
  ] as const)('has on %s the gain of the score since the last date before the window', (board, points) => {
    const steps = [
      { through: '2026-05-23', score: 30 }, // the last date before the season
      { through: '2026-08-14', score: 60 }, // the last date before the week
      { through: '2026-08-20', score: 90 },
    ];

    expect(rowOn(boardOf(board), date, aStanding('ada', 100, { steps }))?.points).toBe(points);
  });

  it.each([
    ['a first score is all gain', [{ through: '2026-08-20', score: 0 }], 100],
    ['the last score before the window counts, however old', [{ through: '2025-01-01', score: 40 }], null],
    ['a score that fell is no gain', [{ through: '2026-08-20', score: 101 }], null],
    ['a score that returned to its old value is no gain', [{ through: '2026-08-18', score: 100 }], 0],
  ])('on today: %s', (_rule, steps, gain) => {
    expect(rowOn(boardOf('today'), date, aStanding('ada', 100, { steps }))?.points ?? null).toBe(
      gain === 0 ? null : gain,
    );
  });

  it.each([0, -5])('is not listed with a score of %d', (score) => {
    expect(rowOn(boardOf('alltime'), date, aStanding('ada', score))).toBeNull();
  });
});

const place = (points: number, since: number, username = 'ada') => ({ points, since, username });

describe('the order', () => {
  it('is by points, then by the oldest change of the score, then by username', () => {
    const places = [place(5, 3, 'b'), place(5, 3, 'a'), place(5, 2, 'z'), place(9, 9, 'y')];

    expect(places.toSorted(comparePlaces).map(({ username }) => username)).toEqual(['y', 'z', 'a', 'b']);
  });

  it('compares usernames as text, independent of a language', () => {
    expect(['a_b', 'a-b', 'a.b', 'ab', 'a1'].map((name) => place(1, 1, name)).toSorted(comparePlaces)).toEqual(
      ['a-b', 'a.b', 'a1', 'a_b', 'ab'].map((name) => place(1, 1, name)),
    );
  });
});

describe('where a leaf starts', () => {
  it.each([
    ['points, if they differ', place(9, 1), place(5, 2), { points: 5 }],
    ['also since, if points are equal', place(5, 1), place(5, 2), { points: 5, since: 2 }],
    [
      'also the roundest time between, which needs the fewest bytes',
      place(5, 21),
      place(5, 27),
      { points: 5, since: 24 },
    ],
    ['also a round time at or below 0', place(5, -9), place(5, 0), { points: 5, since: 0 }],
    [
      'also the username, if both are equal',
      place(5, 2, 'a'),
      place(5, 2, 'b'),
      { points: 5, since: 2, username: 'b' },
    ],
  ])('is described by %s', (_rule, last, first, start) => {
    expect(startBetween(last, first)).toEqual(start);
    expect(isBefore(last, start)).toBe(true);
    expect(isBefore(first, start)).toBe(false);
  });

  it('sorts a missing part first', () => {
    expect(isBefore(place(5, -1), { points: 5 })).toBe(false);
    expect(isBefore(place(5, 2, '0'), { points: 5, since: 2 })).toBe(false);
    expect(isBefore(place(5, 1, 'z'), { points: 5, since: 2 })).toBe(true);
    expect(isBefore(place(4, 1), { points: 5, since: 2 })).toBe(false);
    expect(isBefore(place(6, 3), { points: 5, since: 2 })).toBe(true);
  });
});

describe('a line for sorting', () => {
  it('can be parsed back to a row or an entry', () => {
    const row = { ...place(5, 1_787_000_000_123), canonicalScore: 105, tier: 'Old Grove', rulesVersion: '1' };
    const entry = { hash: '00ff00ff00ff00ff', points: 5, since: 1_787_000_000_123 };

    expect(unpackRow(packRow(row))).toEqual(row);
    expect(unpackEntry(packEntry(entry))).toEqual(entry);
  });
});
