import { err, ok, type Result } from '../shared/result.ts';
import { untilSaved, withinRequest } from '../shared/until-saved.ts';
import type { Clock, Random, Sleep } from '../shared/environment.ts';
import type { AccountId } from './account.ts';
import type { AccountNames } from './account-names.ts';
import type { Login, Logins, Place } from './logins.port.ts';
import { mergeAccounts, unmergeAccount, type MergeDeps } from './merge-accounts.ts';
import { Username } from './username.ts';

const PREFIXES = { github: 'gh-', discourse: 'dc-' } as const satisfies Record<Place, string>;

/** The account of a login that nobody has linked: of its name, or of its number where no account can have such a name. */
export function unlinkedName({ place, id, login }: Login): Username {
  const prefix = PREFIXES[place];
  return Username.safeParse(prefix + login).data ?? Username.parse(`${prefix}.${id}`);
}

export type LinkDeps = MergeDeps & {
  readonly accounts: MergeDeps['accounts'] & {
    holderOf(name: Username): Promise<{ readonly account: AccountId } | undefined>;
  };
  readonly logins: Logins;
  readonly names: Pick<AccountNames, 'accountsOf'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
};

/** `taken`: the login is another account's. `too-many`: it is linked, but what it did before cannot be merged. */
export type LinkRefusal = 'taken' | 'too-many';

/**
 * Links a login to an account, and shows as part of it what the login did before under its own name. Interrupted, the same
 * request again completes it.
 */
export async function linkLogin(
  deps: LinkDeps,
  account: AccountId,
  login: Login,
): Promise<Result<'linked', LinkRefusal>> {
  const before = await deps.logins.ofAccount(account, login.place);
  const isOther = before !== undefined && unlinkedName(before) !== unlinkedName(login);
  const outcome = await untilSaved(withinRequest(deps), () => deps.logins.link(account, login));
  if (outcome === 'taken') return err('taken');
  if (isOther) await partFrom(deps, account, before);
  // Also if nothing was reported of the login yet: a hook that is on its way, or an import, may still name it.
  const name = unlinkedName(login);
  const own = (await deps.names.accountsOf([name]))(name);
  const merged = await mergeAccounts(deps, own, account);
  // Otherwise it is this account itself, or somebody has merged one of both already: by an earlier request, or by hand.
  return !merged.ok && merged.error === 'too-many' ? err('too-many') : ok('linked');
}

/** The inverse: what the login did under its own name is its own again, and what it did while linked stays. */
export async function unlinkLogin(deps: LinkDeps, account: AccountId, place: Place): Promise<void> {
  const before = await deps.logins.ofAccount(account, place);
  if (before !== undefined) await partFrom(deps, account, before);
  await untilSaved(withinRequest(deps), () => deps.logins.unlink(account, place));
}

async function partFrom(deps: LinkDeps, account: AccountId, login: Login): Promise<void> {
  const own = await deps.accounts.holderOf(unlinkedName(login));
  if (own === undefined || (await deps.accounts.load(own.account))?.mergedInto !== account) return;
  await unmergeAccount(deps, own.account);
}
