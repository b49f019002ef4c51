import * as z from 'zod/mini';
import type { AccountId } from '../identity/account.ts';
import type { KnownNames } from '../leaderboards/snapshot.ts';
import type { Sha256 } from '../shared/environment.ts';
import type { ExtensionSummary } from './extension-summary.ts';

/**
 * The list of all extensions, in the order of one of their figures. It is stored in leaves of some hundred rows, and its
 * root holds how many rows each has, so any page is a read of the root and of the leaves that hold its rows.
 */

export const ExtensionSort = z.enum(
  ['last_published', 'pulls', 'versions'],
  'expected last_published, pulls or versions',
);
export type ExtensionSort = z.infer<typeof ExtensionSort>;
export const SortDirection = z.enum(['asc', 'desc'], 'expected asc or desc');
export type SortDirection = z.infer<typeof SortDirection>;

export const figureOf = (sort: ExtensionSort, { lastPublished, pulls, versions }: ExtensionSummary): number =>
  sort === 'last_published' ? Date.parse(lastPublished) : sort === 'pulls' ? pulls : versions;

/** Of equal ones the name that sorts first comes first, in either direction. */
export const inOrderOf =
  (sort: ExtensionSort, direction: SortDirection) => (a: ExtensionSummary, b: ExtensionSummary) =>
    (direction === 'asc' ? 1 : -1) * (figureOf(sort, a) - figureOf(sort, b)) || (a.extension < b.extension ? -1 : 1);

/** A leaf as the root has it. `figure` is that of its first row. */
export type ListLeaf = { readonly figure: number; readonly count: number; readonly ref: string };

const USUAL_ROWS = 200;
/** So that a root stays small: at most some thousand leaves. */
const MAX_LEAVES = 1_000;
const LEAST_PART = 4;

/**
 * Cuts the rows into leaves, from the largest figure to the smallest. Equal figures share a leaf, or have leaves of their
 * own. Where a leaf ends depends on names, so a row that comes or goes changes the leaves around it only.
 */
export function leavesOf(
  summaries: readonly ExtensionSummary[],
  sort: ExtensionSort,
  sha256: Sha256,
): readonly (readonly ExtensionSummary[])[] {
  const rows = summaries.toSorted(inOrderOf(sort, 'desc'));
  const most = Math.max(USUAL_ROWS, Math.ceil(rows.length / MAX_LEAVES));
  const least = most / LEAST_PART;
  const leaves: ExtensionSummary[][] = [];
  let open: ExtensionSummary[] = [];
  const close = () => {
    if (open.length > 0) leaves.push(open);
    open = [];
  };
  const mayEndAfter = ({ extension }: ExtensionSummary) => parseInt(sha256(extension).slice(0, 8), 16) % least < 1;
  for (const group of Map.groupBy(rows, (row) => figureOf(sort, row)).values()) {
    const isLong = group.length > least;
    if (isLong || open.length + group.length > most) close();
    for (const row of group) {
      open.push(row);
      const isLast = row === group.at(-1);
      if (open.length >= most || (open.length >= least && (isLong || isLast) && mayEndAfter(row))) close();
    }
    if (isLong) close();
  }
  close();
  return leaves;
}

/** The leaves in a direction: from the smallest figure on, those of an equal figure stay in the order of names. */
function inDirection(leaves: readonly ListLeaf[], direction: SortDirection): readonly ListLeaf[] {
  if (direction === 'desc') return leaves;
  return [...Map.groupBy(leaves, ({ figure }) => figure).values()].toReversed().flat();
}

/** The leaves that hold the rows of a page, in the order of the page, and how many of their rows come before it. */
export function leavesOfPage(
  leaves: readonly ListLeaf[],
  { page, page_size: size, sort_direction: direction }: Omit<ExtensionsQuery, 'sort'>,
): { readonly count: number; readonly leaves: readonly ListLeaf[]; readonly skipped: number } {
  const first = (page - 1) * size;
  let before = 0;
  let skipped = 0;
  const within = inDirection(leaves, direction).filter(({ count }) => {
    const start = before;
    before += count;
    if (before <= first) skipped = before;
    return start < first + size && before > first;
  });
  return { count: before, leaves: within, skipped: first - skipped };
}

export type ExtensionsQuery = {
  readonly page: number;
  readonly page_size: number;
  readonly sort: ExtensionSort;
  readonly sort_direction: SortDirection;
};

/** The rows of a page, the number of all extensions, and the stored names of publishers; null in a list without names. */
export type ExtensionsFound = {
  readonly count: number;
  readonly rows: readonly ExtensionSummary[];
  readonly names: KnownNames | null;
};

/** The accounts among publishers, each once. */
export const accountsIn = (rows: Iterable<Pick<ExtensionSummary, 'publisher'>>): readonly AccountId[] => [
  ...new Set([...rows].flatMap(({ publisher }) => (publisher.kind === 'personal' ? [publisher.name] : []))),
];
