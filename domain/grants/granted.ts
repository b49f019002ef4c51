import type { Username } from '../identity/username.ts';
import { emptyBalance, type Balance } from './balance.ts';
import { isContribution, reversedBy, type GrantLine } from './grant.ts';
import { contributionsBelow, type LinesDeps } from './read-lines.ts';

/** Awards, badges and feed posts that a score lists one by one; the sum of the older ones stands beside them. */
export const MAX_LISTED = 100;

/** An award, a badge or a feed post as a contribution. */
export type SingleGrant = { readonly key: string; readonly granted: number; readonly isReversed: boolean };

/** What the ledger adds to a score. */
export type Granted = {
  /** The balance that it was made from. */
  readonly balance: Pick<Balance, 'seq' | 'totalScore' | 'categoryTotals' | 'sourceTotals'>;
  /** The newest ones, sorted by key. */
  readonly listed: readonly SingleGrant[];
  readonly older: { readonly count: number; readonly points: ReadonlyMap<string, number> };
};

const BADGE = 'award:badge:';
const AWARD = 'award:';

/** The category and the source of a single grant's key. */
export function kindOfKey(key: string): { readonly category: string; readonly source: string } {
  if (key.startsWith(BADGE)) return { category: 'award', source: 'badge' };
  return key.startsWith(AWARD) ? { category: 'award', source: 'award' } : { category: 'content', source: 'feed' };
}
const CONTRIBUTION_SOURCES = ['award', 'badge', 'feed'];

/** A reversed grant counts as 0: its line and that of its reversal cancel out. */
export const pointsOfSingle = ({ granted, isReversed }: SingleGrant): number => (isReversed ? 0 : granted);

/** A single grant as a contribution of a score. */
export const contributionOf = (single: SingleGrant) => ({
  key: single.key,
  ...kindOfKey(single.key),
  points: pointsOfSingle(single),
});

const sumOf = (points: Iterable<number>): number => [...points].reduce((sum, each) => sum + each, 0);

export const pointsOfGranted = ({ listed, older }: Granted): number =>
  sumOf(listed.map(pointsOfSingle)) + sumOf(older.points.values());

/**
 * What a balance adds to a score: `lines` are the newest ones of it, newest first and without a gap, back to the oldest
 * contribution that is listed. The totals come from the balance, so what is not listed is what is left of them.
 */
export function grantedOf(balance: Balance, lines: readonly GrantLine[]): Granted {
  const reversed = new Set(lines.map(reversedBy));
  const listed = lines
    .filter(isContribution)
    .slice(0, MAX_LISTED)
    .map(({ grantId, key, amount }) => ({ key, granted: amount, isReversed: reversed.has(grantId) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const { seq, totalScore, categoryTotals, sourceTotals } = balance;
  const older = CONTRIBUTION_SOURCES.map((source) => {
    const shown = sumOf(listed.filter(({ key }) => kindOfKey(key).source === source).map(pointsOfSingle));
    return [source, (sourceTotals.get(source) ?? 0) - shown] as const;
  });
  return {
    balance: { seq, totalScore, categoryTotals, sourceTotals },
    listed,
    older: {
      count: balance.contributions - listed.length,
      points: new Map(older.filter(([, points]) => points !== 0)),
    },
  };
}

export const nothingGranted: Granted = grantedOf(emptyBalance, []);

/**
 * What the ledger adds to a user's score now. The balance is strongly consistent; the lines are read only where it has
 * moved since `previous`. Throws where the index does not catch up with it in time.
 */
export async function readGranted(deps: LinesDeps, username: Username, previous: Granted | null): Promise<Granted> {
  const balance = await deps.lines.balanceOf(username);
  const stands =
    previous !== null && previous.balance.seq === balance.seq && previous.balance.totalScore === balance.totalScore;
  if (stands) return previous;
  return grantedOf(balance, await contributionsBelow(deps, username, balance.seq, MAX_LISTED));
}
