import type { Clock } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { Busy, untilSaved, withoutPause } from '../shared/until-saved.ts';
import { isoOf } from '../shared/utc.ts';
import type { Account, AccountChange, AccountId, Accounts } from './account.ts';

/** The fold of an account reads the facts of all that are merged into it. */
const MAX_MERGED = 20;

export type MergeDeps = {
  readonly accounts: Pick<Accounts, 'load' | 'saveMerge'>;
  /** Whether points of an account are still in the chain of the one that it was part of. */
  readonly hasMoved: (account: AccountId) => Promise<boolean>;
  readonly clock: Clock;
};

export type MergeRefusal = 'unknown' | 'itself' | 'merged' | 'into-merged' | 'not-merged' | 'too-many' | 'erased';

/**
 * Shows an account as part of another one. No fact moves: each stays with the account whose key, device or id it came
 * by, and the other one's fold reads those of both.
 */
export async function mergeAccounts(
  { accounts, hasMoved, clock }: MergeDeps,
  id: AccountId,
  into: AccountId,
): Promise<Result<'merged', MergeRefusal>> {
  if (id === into) return err('itself');
  return untilSaved<Result<'merged', MergeRefusal>>(withoutPause('merge of an account'), async () => {
    const [from, other] = [await accounts.load(id), await accounts.load(into)];
    if (from === undefined || other === undefined) return err('unknown');
    if (from.erasedAt !== undefined || other.erasedAt !== undefined) return err('erased');
    if (from.mergedInto !== undefined) return err('merged');
    if (other.mergedInto !== undefined) return err('into-merged');
    const merged = [...other.merged, id, ...from.merged];
    if (merged.length > MAX_MERGED) return err('too-many');
    const { mergedBefore } = from;
    if (mergedBefore !== undefined && mergedBefore !== into && (await hasMoved(id))) {
      throw new Busy('points of the last merge are still on their way back');
    }
    const changes = [
      { before: from, after: { ...withoutBefore(next(from)), mergedInto: into, changedAt: isoOf(clock()) } },
      { before: other, after: { ...next(other), merged } },
    ];
    return (await accounts.saveMerge(changes)) === 'saved' ? ok('merged') : 'stale';
  });
}

/** The inverse: everything is again as if the two had never been one. */
export async function unmergeAccount(
  { accounts, clock }: Pick<MergeDeps, 'accounts' | 'clock'>,
  id: AccountId,
): Promise<Result<'unmerged', MergeRefusal>> {
  return untilSaved<Result<'unmerged', MergeRefusal>>(withoutPause('merge of an account'), async () => {
    const from = await accounts.load(id);
    if (from === undefined) return err('unknown');
    if (from.mergedInto === undefined) return err('not-merged');
    const leaving = new Set([id, ...from.merged]);
    const { mergedInto: _left, ...alone } = next(from);
    const parted = { ...alone, mergedBefore: from.mergedInto, changedAt: isoOf(clock()) };
    const changes: AccountChange[] = [{ before: from, after: parted }];
    for (let above: AccountId | undefined = from.mergedInto; above !== undefined;) {
      const before: Account | undefined = await accounts.load(above);
      if (before === undefined) throw new Error(`the account ${above} is missing`);
      changes.push({ before, after: { ...next(before), merged: before.merged.filter((each) => !leaving.has(each)) } });
      above = before.mergedInto;
    }
    return (await accounts.saveMerge(changes)) === 'saved' ? ok('unmerged') : 'stale';
  });
}

const withoutBefore = ({ mergedBefore: _before, ...account }: Account): Account => account;
const next = (account: Account): Account => ({ ...account, revision: account.revision + 1 });
