import type { Clock } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { Busy, untilSaved, withoutPause } from '../shared/until-saved.ts';
import { isoOf } from '../shared/utc.ts';
import { erased, type AccountId, type Accounts } from './account.ts';

export type EraseDeps = {
  readonly accounts: Pick<Accounts, 'load' | 'erase'>;
  /** Whether points of an account are still in the chain of the one that it was part of. */
  readonly hasMoved: (account: AccountId) => Promise<boolean>;
  readonly clock: Clock;
};

export type EraseRefusal = 'unknown' | 'merged';

/**
 * Takes the name from an account and from those that are merged into it, in one transaction. Nobody finds them from then
 * on, and their keys are unknown. A job removes what else is stored of them.
 */
export async function eraseAccount(
  { accounts, hasMoved, clock }: EraseDeps,
  id: AccountId,
): Promise<Result<'erasing', EraseRefusal>> {
  return untilSaved<Result<'erasing', EraseRefusal>>(withoutPause('erasure of an account'), async () => {
    const account = await accounts.load(id);
    if (account === undefined || account.erasedAt !== undefined) return err('unknown');
    if (account.mergedInto !== undefined) return err('merged');
    if (account.mergedBefore !== undefined && (await hasMoved(id))) {
      throw new Busy('points of the last merge are still on their way back');
    }
    const at = isoOf(clock());
    const all = [account];
    for (const part of account.merged) {
      const loaded = await accounts.load(part);
      if (loaded === undefined) throw new Error(`the account ${part} is missing`);
      all.push(loaded);
    }
    const changes = all.map((before) => ({ before, after: erased(before, at) }));
    return (await accounts.erase(changes)) === 'saved' ? ok('erasing') : 'stale';
  });
}
