import { describe, expect, it } from 'vitest';
import {
  bucketOf,
  bucketsFor,
  compareEntries,
  cutBuckets,
  cutLeaves,
  fingerprintOf,
  LAYOUT,
  type Layout,
} from '../../../domain/leaderboards/layout.ts';
import type { PlacedRow } from '../../../domain/leaderboards/row.ts';
import type { Snapshot } from '../../../domain/leaderboards/snapshot.ts';

const small: Layout = { leaf: { most: 8, filled: 6, fewest: 2, average: 2 }, bucket: 10, changes: 0 };

const lowest = { tier: 'Seedling', rulesVersion: '1', since: 0 };
/** One row per number, by points. */
const rows = (...points: readonly number[]): PlacedRow[] =>
  points
    .toSorted((a, b) => b - a)
    .map((each) => ({ username: `u${each}`, points: each, canonicalScore: each, ...lowest }));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => count - index);

const snapshotCut = (given: readonly PlacedRow[], previous: Snapshot | null = null): Snapshot => {
  const leaves = [...cutLeaves(given, previous, small)];
  const entries = leaves.map(({ start, rows: { length: count } }, index) => ({ start, count, ref: String(index) }));
  const asOf = '2026-08-21T12:00:00.000Z';
  const total = given.length;
  const common = { board: 'alltime', asOf, date: '2026-08-21', rulesVersions: new Map(), tiers: new Map() } as const;
  return { ...common, total, scores: total, leaves: entries, buckets: [] };
};
const pointsOf = (given: readonly PlacedRow[], previous: Snapshot | null): number[][] =>
  [...cutLeaves(given, previous, small)].map((leaf) => leaf.rows.map(({ points }) => points));

describe('newly cut leaves', () => {
  it.each([
    [0, []],
    [1, [1]],
    [1_500, [1_500]],
    [1_501, [750, 751]],
    [3_000, [1_125, 937, 938]],
    [10_000, [1_125, 1_125, 1_125, 1_125, 1_125, 1_125, 1_125, 1_062, 1_063]],
  ])('of %d rows have room to grow', (count, counts) => {
    expect([...cutLeaves(rows(...upTo(count)), null, LAYOUT)].map((leaf) => leaf.rows.length)).toEqual(counts);
  });

  it("start with the board's first row, and then each after the one before", () => {
    expect(snapshotCut(rows(...upTo(16))).leaves.map(({ start }) => start)).toEqual([
      null,
      { points: 10 },
      { points: 5 },
    ]);
  });
});

describe('leaves that are cut again', () => {
  const before = snapshotCut(rows(...upTo(24))); // 24 to 19, 18 to 13, 12 to 7, 6 to 1

  it('are the same without changes', () => {
    expect(snapshotCut(rows(...upTo(24)), before).leaves).toEqual(before.leaves);
  });

  it('keep their cuts if a row moves from the end to the top', () => {
    expect(pointsOf(rows(...upTo(24).filter((points) => points !== 2), 99), before)).toEqual([
      [99, 24, 23, 22, 21, 20, 19],
      [18, 17, 16, 15, 14, 13],
      [12, 11, 10, 9, 8, 7],
      [6, 5, 4, 3, 1],
    ]);
  });

  it('are split where one is too large, and only there', () => {
    expect(pointsOf(rows(...upTo(24), 24.1, 24.2, 24.3), before)).toEqual([
      [24.3, 24.2, 24.1, 24],
      [23, 22, 21, 20, 19],
      [18, 17, 16, 15, 14, 13],
      [12, 11, 10, 9, 8, 7],
      [6, 5, 4, 3, 2, 1],
    ]);
  });

  it('are joined with the next one where one is too small, and only there', () => {
    const left = upTo(24).filter((points) => points > 18 || points < 14);

    expect(pointsOf(rows(...left), before)).toEqual([
      [24, 23, 22, 21, 20, 19],
      [13, 12, 11, 10, 9, 8, 7],
      [6, 5, 4, 3, 2, 1],
    ]);
  });

  it('are joined with the one before if the last one is too small', () => {
    const left = upTo(24).filter((points) => points > 5);

    expect(pointsOf(rows(...left), before).at(-1)).toEqual([12, 11, 10, 9, 8, 7, 6]);
  });

  it('drop cuts without rows between them', () => {
    expect(pointsOf(rows(24, 23, 2, 1), before)).toEqual([
      [24, 23],
      [2, 1],
    ]);
    expect(pointsOf(rows(1), before)).toEqual([[1]]);
    expect(pointsOf([], before)).toEqual([]);
  });

  it('are divided again if there are too many small ones', () => {
    const lean: Layout = { ...small, leaf: { ...small.leaf, average: 5 } };
    const twenty = rows(...upTo(24).filter((points) => points % 6 !== 0)); // five are left of each six
    const once = snapshotCut(twenty, before);

    expect(once.leaves.map(({ count }) => count)).toEqual([5, 5, 5, 5]);
    expect([...cutLeaves(twenty, once, lean)].map((leaf) => leaf.rows.length)).toEqual([5, 5, 5, 5]);
    const nineteen = { ...once, total: 19 };
    expect([...cutLeaves(twenty.slice(1), nineteen, lean)].map((leaf) => leaf.rows.length)).toEqual([6, 4, 4, 5]);
  });

  it('hold a limited number of rows, however many rows a leaf gets', () => {
    const seen: number[] = [];
    function* many(): Generator<PlacedRow> {
      for (let points = 100_000; points > 0; points -= 1) {
        seen.push(points);
        yield rows(points)[0]!;
      }
    }
    let [given, most] = [0, 0];
    for (const leaf of cutLeaves(many(), null, small)) {
      most = Math.max(most, seen.length - given);
      given += leaf.rows.length;
    }

    expect(given).toBe(100_000);
    expect(most).toBeLessThanOrEqual(3 * small.leaf.most);
  });
});

describe('the directory', () => {
  it.each([
    [0, 0, 0],
    [1, 0, 1],
    [1_000, 0, 1],
    [1_001, 0, 2],
    [1_000_000, 0, 1_024],
    [1_000_000, 1_024, 1_024],
    [1_000, 2, 2],
    [500, 4, 1],
    [5_000, 1, 8],
  ])('of %d users has few enough per bucket, and after %d buckets it has %d', (total, before, expected) => {
    expect(bucketsFor(total, before, LAYOUT)).toBe(expected);
  });

  it('finds the bucket by the leading bits, and the user in it by other bits', () => {
    expect(bucketOf('80000000aaaaaaaa', 1)).toBe(0);
    expect(bucketOf('7fffffffaaaaaaaa', 2)).toBe(0);
    expect(bucketOf('80000000aaaaaaaa', 2)).toBe(1);
    expect(bucketOf('ffffffffaaaaaaaa', 1_024)).toBe(1_023);
    expect(fingerprintOf('80000000000000ff')).toBe(255);
  });

  it('has an array for each bucket, also for empty ones', () => {
    const entries = ['40000000', '40000001', 'c0000000']
      .map((half) => ({ hash: `${half}00000000`, points: 1, since: 0 }))
      .toSorted(compareEntries);

    expect([...cutBuckets(entries, 8)].map((bucket) => bucket.length)).toEqual([0, 0, 2, 0, 0, 0, 1, 0]);
    expect([...cutBuckets([], 2)]).toEqual([[], []]);
    expect([...cutBuckets([], 0)]).toEqual([]);
  });

  it('has the same order for any order of users', () => {
    const entries = [
      { hash: 'aa', points: 1, since: 5 },
      { hash: 'aa', points: 2, since: 5 },
      { hash: 'aa', points: 2, since: 4 },
      { hash: '0a', points: 1, since: 9 },
    ];

    expect(entries.toSorted(compareEntries)).toEqual(entries.toReversed().toSorted(compareEntries));
  });
});
