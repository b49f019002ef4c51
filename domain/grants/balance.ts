import { isContribution, isMerge, isPublish, isReversal, type GrantLine } from './grant.ts';

/** A user's running totals: they move only in the transaction that adds a line. */
export type Balance = {
  /** The number of lines, and the seq of the newest. */
  readonly seq: number;
  readonly totalScore: number;
  readonly categoryTotals: ReadonlyMap<string, number>;
  readonly sourceTotals: ReadonlyMap<string, number>;
  /** The hash of the newest line; null without lines. */
  readonly head: string | null;
  /** Awards, badges and feed posts, reversed ones included. */
  readonly contributions: number;
  /** The points of all publish grants. A reversal does not reduce it, because the cap counts granted points. */
  readonly publishPoints: number;
  /** By source: what lines of merges brought or took; the totals without it are what was granted here. */
  readonly moved: ReadonlyMap<string, number>;
};

export const emptyBalance: Balance = {
  seq: 0,
  totalScore: 0,
  categoryTotals: new Map(),
  sourceTotals: new Map(),
  head: null,
  contributions: 0,
  publishPoints: 0,
  moved: new Map(),
};

const plus = (totals: ReadonlyMap<string, number>, name: string, amount: number): ReadonlyMap<string, number> =>
  new Map(totals).set(name, (totals.get(name) ?? 0) + amount);

/** The balance after a line. */
export const applyLine = (balance: Balance, line: GrantLine): Balance => ({
  seq: balance.seq + 1,
  totalScore: balance.totalScore + line.amount,
  categoryTotals: plus(balance.categoryTotals, line.category, line.amount),
  sourceTotals: plus(balance.sourceTotals, line.source, line.amount),
  head: line.hash,
  contributions: balance.contributions + (isContribution(line) ? 1 : 0),
  publishPoints: balance.publishPoints + (isPublish(line) && !isReversal(line) ? line.amount : 0),
  moved: isMerge(line) ? plus(balance.moved, line.source, line.amount) : balance.moved,
});
