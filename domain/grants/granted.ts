import type { AccountId } from '../identity/account.ts';
import { byDate, nothingByDate, type ByDate } from '../shared/by-date.ts';
import { rulebook } from '../rules/current-rules.ts';
import { lineKindOf, linePrefixOf } from '../rules/reported-kinds.ts';
import { AWARDS, BADGES, UNNAMED_LINES } from '../rules/parts.ts';
import type { UtcDate } from '../shared/utc.ts';
import { emptyBalance, type Balance } from './balance.ts';
import { isContribution, isReversal, reversedBy, type GrantLine } from './grant.ts';
import { linesBetween, linesWith, type LinesDeps } from './read-lines.ts';

/** Awards, badges and feed posts that a score lists one by one. The older ones are one sum. */
const MAX_LISTED = 100;

/** An award, a badge or a feed post as a contribution. */
export type SingleGrant = { readonly key: string; readonly granted: number; readonly isReversed: boolean };

/** The ledger's part of a score. */
export type Granted = {
  /** The balance that it was made from. */
  readonly balance: Pick<Balance, 'seq' | 'totalScore' | 'categoryTotals' | 'sourceTotals'>;
  /** The newest ones, sorted by key. */
  readonly listed: readonly SingleGrant[];
  readonly older: { readonly count: number; readonly points: ReadonlyMap<string, number> };
  /**
   * The points of all grants and reversals by the dates of their lines, for each kind of line (`lineOf`). A later date
   * counts later.
   */
  readonly byDate: ReadonlyMap<string, ByDate>;
};

const BADGE = 'award:badge:';
const AWARD = 'award:';

/** The category and the source of a single grant's key. */
export function kindOfKey(key: string): { readonly category: string; readonly source: string } {
  if (key.startsWith(BADGE)) return BADGES;
  if (key.startsWith(AWARD)) return AWARDS;
  const { category, source } = lineKindOf(key, rulebook.all) ?? UNNAMED_LINES;
  return { category, source };
}

/** A grant's key without the id: it is of the same kind. '' if no version of the rules names it. */
function lineOf(key: string): string {
  if (key.startsWith(BADGE)) return BADGE;
  return key.startsWith(AWARD) ? AWARD : (lineKindOf(key, rulebook.all)?.line ?? '');
}

/** The sources of single grants, whichever version of the rules names them. */
export const SINGLE_SOURCES: readonly string[] = [
  ...new Set([
    'award',
    'badge',
    ...rulebook.all.flatMap(({ events }) =>
      events.filter((entry) => linePrefixOf(entry) !== null).map(({ source }) => source),
    ),
  ]),
];

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

/** The date of a line. A reversal never has an earlier date than the grant that it takes back. */
export function datesOf(lines: readonly GrantLine[]): (line: GrantLine) => UtcDate {
  const byId = new Map(lines.map((line) => [line.grantId, line]));
  return (line) => {
    const own = line.grantedAt.slice(0, 10);
    const reversed = byId.get(reversedBy(line) ?? '')?.grantedAt.slice(0, 10) ?? own;
    return reversed > own ? reversed : own;
  };
}

const totalsOf = ({ seq, totalScore, categoryTotals, sourceTotals }: Balance): Granted['balance'] => ({
  seq,
  totalScore,
  categoryTotals,
  sourceTotals,
});

const isOfContribution = (line: GrantLine): boolean => isContribution({ grantId: reversedBy(line) ?? line.grantId });

/**
 * The balance's part of a score on a date. `lines` are its newest lines, newest first and without a gap, back to the
 * oldest contribution that is listed, and to the oldest one that `known` does not have. The totals come from the
 * balance, so the rest of them belongs to contributions that are not listed. `known` holds nothing of a later date.
 */
export function grantedOf(
  balance: Balance,
  lines: readonly GrantLine[],
  { date, known }: { readonly date: UtcDate; readonly known: Granted | null },
): Granted {
  const dateOf = datesOf(lines);
  const counted = lines.filter(isOfContribution);
  const later = counted.filter((line) => dateOf(line) > date);
  const due = counted.filter((line) => dateOf(line) <= date);
  const reversed = new Set(due.map(reversedBy));
  const listed = due
    .filter(isContribution)
    .slice(0, MAX_LISTED)
    .map(({ grantId, key, amount }) => ({ key, granted: amount, isReversed: reversed.has(grantId) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const { sourceTotals, moved } = balance;
  const older = SINGLE_SOURCES.map((source) => {
    const shown = sumOf(listed.filter(({ key }) => kindOfKey(key).source === source).map(pointsOfSingle));
    const toCome = sumOf(later.filter((line) => line.source === source).map(({ amount }) => amount));
    const granted = (sourceTotals.get(source) ?? 0) - (moved.get(source) ?? 0);
    return [source, granted - shown - toCome] as const;
  });
  const added = counted.filter((line) => line.seq > (known?.balance.seq ?? 0));
  return {
    balance: totalsOf(balance),
    listed,
    older: {
      count: balance.contributions - listed.length - later.filter((line) => !isReversal(line)).length,
      points: new Map(older.filter(([, points]) => points !== 0)),
    },
    byDate: datesOfKinds(known?.byDate ?? new Map<string, ByDate>(), added, dateOf),
  };
}

/** The points by date with those of more lines. */
function datesOfKinds(
  before: Granted['byDate'],
  added: readonly GrantLine[],
  dateOf: (line: GrantLine) => UtcDate,
): Granted['byDate'] {
  const byKind = Map.groupBy(added, ({ key }) => lineOf(key));
  return new Map(
    [...new Set([...before.keys(), ...byKind.keys()])]
      .map((kind) => {
        const more = (byKind.get(kind) ?? []).map((line) => [dateOf(line), line.amount] as const);
        return [kind, byDate([...(before.get(kind) ?? nothingByDate), ...more])] as const;
      })
      .filter(([, additions]) => additions.size > 0),
  );
}

export const nothingGranted: Granted = grantedOf(emptyBalance, [], { date: '', known: null });

/**
 * The ledger's part of a user's score on a date. The balance is strongly consistent. Lines are read only if it has
 * moved since `previous`, which has the date that it names. `isUnmoved`: the caller knows that it has not moved since, so
 * not even the balance is read. Throws if the index does not catch up with the balance in time.
 */
export async function readGranted(
  deps: LinesDeps,
  account: AccountId,
  {
    date,
    previous,
    isUnmoved = false,
  }: {
    readonly date: UtcDate;
    readonly previous: { readonly granted: Granted; readonly date: UtcDate } | null;
    readonly isUnmoved?: boolean;
  },
): Promise<Granted> {
  if (isUnmoved && previous !== null && isAllDue(previous)) return previous.granted;
  const balance = await deps.lines.balanceOf(account);
  const known = previous !== null && isWhole(previous, balance) ? previous.granted : null;
  if (known !== null && known.balance.seq === balance.seq) return known;
  const added = known === null ? [] : await linesBetween(deps, account, balance.seq, known.balance.seq);
  if (known !== null && saysNothing(added, known, balance)) return { ...known, balance: totalsOf(balance) };
  const wanted = known === null ? balance.contributions : Math.min(MAX_LISTED, balance.contributions);
  const older = await linesWith(
    deps,
    account,
    balance.seq - added.length,
    wanted - added.filter(isContribution).length,
  );
  return grantedOf(balance, [...added, ...older], { date, known });
}

/** Whether lines change only the balance, as publishes do, and nothing else that a score takes from the ledger. */
const saysNothing = (added: readonly GrantLine[], known: Granted, balance: Balance): boolean =>
  !added.some(isOfContribution) &&
  known.balance.totalScore + sumOf(added.map(({ amount }) => amount)) === balance.totalScore;

/** Whether everything in it belongs to the balance and was due on its date. Future parts may be due by now. */
const isWhole = (
  { granted, date }: { readonly granted: Granted; readonly date: UtcDate },
  { seq, totalScore }: Balance,
): boolean =>
  (granted.balance.seq < seq || (granted.balance.seq === seq && granted.balance.totalScore === totalScore)) &&
  isAllDue({ granted, date });

const isAllDue = ({ granted, date }: { readonly granted: Granted; readonly date: UtcDate }): boolean =>
  [...granted.byDate.values()].every((additions) => [...additions.keys()].every((day) => day <= date));
