import type { Clock } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { untilSaved, withoutPause } from '../shared/until-saved.ts';
import { isoOf, MILLISECONDS_PER_DAY } from '../shared/utc.ts';
import type { AccountId, Accounts } from './account.ts';
import type { Username } from './username.ts';

/** A name that was given up is nobody else's for so long. */
const HELD_DAYS = 90;

export type RenameDeps = { readonly accounts: Pick<Accounts, 'load' | 'holderOf' | 'rename'>; readonly clock: Clock };

export type Renamed = { readonly accountId: AccountId; readonly username: Username; readonly previous: Username };

/**
 * Gives an account another name, in one transaction of three items however much the account has. It keeps the old one
 * for 90 days, and may take it back. The same rename again gives the same answer.
 */
export async function renameAccount(
  { accounts, clock }: RenameDeps,
  id: AccountId,
  to: Username,
): Promise<Result<Renamed, 'unknown' | 'username-taken'>> {
  return untilSaved<Result<Renamed, 'unknown' | 'username-taken'>>(withoutPause('name of an account'), async () => {
    const before = await accounts.load(id);
    if (before === undefined || before.erasedAt !== undefined) return err('unknown');
    const { username, formerNames } = before;
    if (username === to) {
      return ok({ accountId: id, username, previous: formerNames.at(-1)?.name ?? username });
    }
    const now = clock();
    const holder = await accounts.holderOf(to);
    const isFree = holder === undefined || holder.account === id || (holder.heldUntil ?? '9999') <= isoOf(now);
    if (!isFree) return err('username-taken');
    const given = { name: username, heldUntil: isoOf(now + HELD_DAYS * MILLISECONDS_PER_DAY) };
    const others = formerNames.filter(({ name }) => name !== to && name !== username);
    const formerNow = { username: to, formerNames: [...others, given], changedAt: isoOf(now) };
    const after = { ...before, ...formerNow, revision: before.revision + 1 };
    const outcome = await accounts.rename(before, after, isoOf(now));
    return outcome === 'saved' ? ok({ accountId: id, username: to, previous: username }) : 'stale';
  });
}
