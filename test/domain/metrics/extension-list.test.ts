import { describe, expect, it } from 'vitest';
import {
  ExtensionSort,
  figureOf,
  inOrderOf,
  leavesOf,
  leavesOfPage,
  SortDirection,
  type ListLeaf,
} from '../../../domain/metrics/extension-list.ts';
import type { ExtensionSummary } from '../../../domain/metrics/extension-summary.ts';
import { aUsername, sha256 as sha256Hex } from '../../builders/identity.ts';

/** Extension `n`; many have the same number of versions, and most have no pulls. */
const extension = (n: number): ExtensionSummary => ({
  extension: `@ada/tool-${sha256Hex(`${n}`).slice(0, 6)}-${n}`,
  publisher: { kind: 'personal', name: aUsername() },
  versions: 1 + (n % 3),
  pulls: n % 10 === 0 ? n : 0,
  firstPublished: '2026-08-01T00:00:00.000Z',
  lastPublished: new Date(Date.parse('2026-08-01T00:00:00.000Z') + (n % 97) * 86_400_000).toISOString(),
});
const many = (count: number) => Array.from({ length: count }, (_, n) => extension(n));

/** As a store does: leaves by their refs, and the root. */
function stored(rows: readonly ExtensionSummary[], sort: ExtensionSort) {
  const byRef = new Map<string, readonly ExtensionSummary[]>();
  const root = leavesOf(rows, sort, sha256Hex).map((leaf): ListLeaf => {
    const ref = sha256Hex(JSON.stringify(leaf));
    byRef.set(ref, leaf);
    return { figure: figureOf(sort, leaf[0]!), count: leaf.length, ref };
  });
  return { byRef, root };
}

const sorts = ExtensionSort.options.flatMap((sort) =>
  SortDirection.options.map((sort_direction) => ({ sort, sort_direction })),
);

describe('a list of extensions', () => {
  it.each(sorts)('has the pages of $sort $sort_direction in order, ties by name', ({ sort, sort_direction }) => {
    for (const count of [0, 1, 3, 260, 3_000]) {
      const rows = many(count);
      const { byRef, root } = stored(rows, sort);
      const order = rows.toSorted(inOrderOf(sort, sort_direction)).map((row) => row.extension);
      for (const page_size of [1, 50, 2_000]) {
        for (const page of [1, 2, Math.max(1, Math.ceil(count / page_size)), 9_999]) {
          const { leaves, skipped, ...found } = leavesOfPage(root, { page, page_size, sort_direction });
          const read = leaves.flatMap(({ ref }) => byRef.get(ref)!.toSorted(inOrderOf(sort, sort_direction)));
          expect(found.count).toBe(count);
          expect(read.slice(skipped, skipped + page_size).map((row) => row.extension)).toEqual(
            order.slice((page - 1) * page_size, page * page_size),
          );
        }
      }
    }
  });

  it('reads few leaves that a page does not fill, and none behind the end', () => {
    const { root } = stored(many(3_000), 'pulls');
    const read = (page: number) => leavesOfPage(root, { page, page_size: 500, sort_direction: 'asc' }).leaves;

    expect(Math.max(...root.map(({ count }) => count))).toBeLessThanOrEqual(200);
    expect(root.length).toBeLessThan(60);
    for (const page of [1, 3, 6]) {
      expect(read(page).reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(500 + 2 * 200);
    }
    expect(read(7)).toEqual([]);
  });

  it.each(ExtensionSort.options)('by %s changes a few leaves for a new extension', (sort) => {
    const [before, after] = [many(3_000), many(3_001)].map((rows) => stored(rows, sort).byRef);
    const changed = [...after!.keys()].filter((ref) => !before!.has(ref));

    expect(changed.length).toBeGreaterThan(0);
    expect(changed.length).toBeLessThanOrEqual(3);
  });
});
