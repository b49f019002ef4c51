import type { AccountId } from '../identity/account.ts';
import { settleAll } from '../shared/settle-all.ts';
import type { UtcDate } from '../shared/utc.ts';
import type { Balance } from './balance.ts';
import { grantedOf, type Granted } from './granted.ts';
import { isContribution, isMerge, reversedBy, type GrantLine } from './grant.ts';
import { linesBetween, type LinesDeps } from './read-lines.ts';

/** The ledger of one account: its balance, and all of its lines. */
export type WholeLedger = { readonly balance: Balance; readonly lines: readonly GrantLine[] };

/**
 * The ledger's part of the score of an account, the first, with the accounts merged into it: as if all lines had been
 * its own. A badge that several of them got is one badge, the one that was given first.
 */
export function grantedTogether(ledgers: readonly [WholeLedger, ...WholeLedger[]], date: UtcDate): Granted {
  const [{ balance: own }] = ledgers;
  const byTime = ledgers
    .flatMap(({ lines }) => lines.filter((line) => !isMerge(line)))
    .sort((a, b) => Date.parse(a.grantedAt) - Date.parse(b.grantedAt) || a.seq - b.seq);
  const firstOfKey = new Map(
    byTime
      .filter(isContribution)
      .toReversed()
      .map((line) => [line.key, line.grantId]),
  );
  const isRepeat = (line: GrantLine): boolean => isContribution(line) && firstOfKey.get(line.key) !== line.grantId;
  const repeats = new Set(byTime.filter(isRepeat).map(({ grantId }) => grantId));
  const kept = byTime.filter((line) => !repeats.has(reversedBy(line) ?? line.grantId));
  const sourceTotals = new Map<string, number>();
  for (const { source, amount } of kept) sourceTotals.set(source, (sourceTotals.get(source) ?? 0) + amount);
  const contributions = kept.filter(isContribution).length;
  const lines = kept.toReversed().map((line, index) => ({ ...line, seq: kept.length - index }));
  const union = { ...own, sourceTotals, moved: new Map<string, number>(), contributions };
  const granted = grantedOf(union, lines, { date, known: null });
  const { seq, totalScore, categoryTotals } = own;
  return { ...granted, balance: { seq, totalScore, categoryTotals, sourceTotals: own.sourceTotals } };
}

/** Reads all lines of all of them: accounts that are merged are few. */
export async function readGrantedTogether(
  deps: LinesDeps,
  accounts: readonly [AccountId, ...AccountId[]],
  date: UtcDate,
): Promise<Granted> {
  const read = async (account: AccountId): Promise<WholeLedger> => {
    const balance = await deps.lines.balanceOf(account);
    return { balance, lines: await linesBetween(deps, account, balance.seq, 0) };
  };
  const [own, ...others] = accounts;
  const ledgers = await settleAll(others, others.length, read);
  return grantedTogether([await read(own), ...ledgers], date);
}
