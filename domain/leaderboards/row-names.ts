import { AccountId, type Accounts } from '../identity/account.ts';
import type { AccountNames } from '../identity/account-names.ts';
import { ERASED } from '../identity/username.ts';
import { isoOf } from '../shared/utc.ts';
import type { KnownNames } from './snapshot.ts';

/**
 * A board's rows hold ids, and a name is an item of its own. So a build stores the names of some hundred rows together,
 * and a page looks up only those that have changed since, and the few that are not stored.
 */

/** A leaf may have this many rows without a stored name, for scores that rose from below. Then its names are stored again. */
const UNNAMED = 15;
/** A page ends before the next look-up. */
export const LOOKED_UP = 60;
/** For clocks that differ, and for changes that were decided before a build began and saved while it read. */
const MARGIN = 5 * 60_000;

type Row = { readonly username: string };

/**
 * The names to store with the rows of a leaf, given those that were stored before; null for none. Older names can only
 * be used as they are if they are kept long enough.
 */
export type NameRows = (rows: readonly Row[], before: KnownNames | null, isKept: boolean) => Promise<KnownNames | null>;

export const nameRows =
  (accounts: Pick<Accounts, 'withIds' | 'changedSince'>, now: number): NameRows =>
  async (rows, before, isKept) => {
    const isKnown = ({ username }: Row): boolean => before?.names.has(username) === true;
    const mayStay = before === null || isKept;
    if (mayStay && rows.filter((row) => !isKnown(row)).length <= UNNAMED) return before;
    const changed = before === null ? null : await accounts.changedSince(before.at);
    const isRight = (row: Row): boolean => isKnown(row) && changed?.has(AccountId.parse(row.username)) === false;
    const wanted = rows.filter((row) => !isRight(row)).map(({ username }) => AccountId.parse(username));
    const found = await accounts.withIds(wanted);
    const names = new Map<string, string>();
    for (const row of rows) {
      const account = found.get(AccountId.parse(row.username));
      // One that is shown as part of another one has that one's name: it is looked up.
      const isOwn = account !== undefined && account.mergedInto === undefined && account.erasedAt === undefined;
      const name = isRight(row) ? before?.names.get(row.username) : isOwn ? account.username : undefined;
      if (name !== undefined) names.set(row.username, name);
    }
    return names.size === 0 ? null : { at: isoOf(now - MARGIN), names };
  };

/**
 * The rows with names in place of the ids, as many as few look-ups give; `left` is the first one that was left for the next
 * page. A row of an erased account is not shown, also before it is gone.
 */
export async function namedRows<Named extends Row>(
  { namesOf, changedSince }: Pick<AccountNames, 'namesOf' | 'changedSince'>,
  known: readonly KnownNames[],
  rows: readonly Named[],
): Promise<{ readonly rows: Named[]; readonly left: Named | undefined }> {
  const oldest = known.map(({ at }) => at).sort()[0];
  const changed: ReadonlySet<string> | null = oldest === undefined ? null : await changedSince(oldest);
  const stored = (account: string): string | undefined =>
    changed?.has(account) === false ? known.find(({ names }) => names.has(account))?.names.get(account) : undefined;
  const others: AccountId[] = [];
  let read = 0;
  for (const { username } of rows) {
    if (username !== ERASED && stored(username) === undefined) others.push(AccountId.parse(username));
    if (others.length > LOOKED_UP) break;
    read += 1;
  }
  const nameOf = await namesOf(others.slice(0, LOOKED_UP));
  const named = rows.slice(0, read).map((row) => {
    const { username } = row;
    return { ...row, username: stored(username) ?? nameOf(AccountId.parse(username)) };
  });
  return { rows: named.filter(({ username }) => username !== ERASED), left: rows[read] };
}
