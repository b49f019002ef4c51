import { AccountId, type Account, type Accounts, type Told } from '../identity/account.ts';
import type { AccountNames } from '../identity/account-names.ts';
import { ERASED } from '../identity/username.ts';
import { isoOf } from '../shared/utc.ts';
import type { KnownNames } from './snapshot.ts';

/**
 * Rows of boards and lists hold ids, and a name is an item of its own. So a build stores the names of some hundred rows
 * together, and a page looks up only the few that are not stored. It reads which accounts have changed since.
 */

/** A leaf may have this many rows without a stored name, for scores that rose from below. Then its names are stored again. */
const UNNAMED = 15;
/** How many items a page of a board looks up at most. It ends before the next one. */
export const LOOKED_UP = 30;
/** The same for a page of a list, which always has all its rows. Rows cost units as well: more rows, fewer look-ups. */
const listedLookUps = (rows: number, hasNames: boolean): number => (hasNames ? 70 : 102) - rows / 32;
/** How many changes a page of a list reads. They cost 5 read units, with the longest names. */
const LISTED_TOLD = 300;
/**
 * Milliseconds, for clocks that differ, and for changes that were decided before a build began and saved while it read.
 */
const MARGIN = 5 * 60_000;
/** The time (ISO 8601) from which on a change may be missing in what was read at `time`. */
export const changesFrom = (time: number): string => isoOf(time - MARGIN);

type Row = { readonly username: string };

/**
 * The names to store with the rows of a leaf, given those that were stored before; null for none. Older names can only
 * be used as they are if they are kept long enough.
 */
export type NameRows = (rows: readonly Row[], before: KnownNames | null, isKept: boolean) => Promise<KnownNames | null>;

type LookUps = Pick<Accounts, 'withIds' | 'changedSince'>;

export const nameRows =
  (accounts: LookUps, now: number): NameRows =>
  async (rows, before, isKept) => {
    const isKnown = ({ username }: Row): boolean => before?.names.has(username) === true;
    const mayStay = before === null || isKept;
    if (mayStay && rows.filter((row) => !isKnown(row)).length <= UNNAMED) return before;
    const ids = rows.map(({ username }) => AccountId.parse(username));
    const known = await namesNow(accounts, now, ids, before, ownNameOf);
    return known.names.size === 0 ? null : known;
  };

/** One that is shown as part of another one has that one's name: a page looks it up. */
const ownNameOf = ({ username, mergedInto, erasedAt }: Account): string | undefined =>
  mergedInto === undefined && erasedAt === undefined ? username : undefined;

/** Marks, in place of a name, the account that has it. No name begins with it. */
const PART_OF = '=';
/** The account whose name a part has. */
export const wholeOf = (name: string | undefined): AccountId | undefined =>
  name?.startsWith(PART_OF) === true ? AccountId.parse(name.slice(PART_OF.length)) : undefined;

/** The names of all accounts of a list. A part has that of the whole, which is stored beside it. */
export const namesOfList = (
  accounts: LookUps,
  now: number,
  ids: readonly AccountId[],
  before: KnownNames | null,
): Promise<KnownNames> =>
  namesNow(accounts, now, ids, before, ({ username, mergedInto }) =>
    mergedInto === undefined ? username : PART_OF + mergedInto,
  );

async function namesNow(
  accounts: LookUps,
  now: number,
  ids: readonly AccountId[],
  before: KnownNames | null,
  nameIn: (account: Account) => string | undefined,
): Promise<KnownNames> {
  const changed = before === null ? null : await accounts.changedSince(before.at);
  const rightOf = (id: AccountId): string | undefined =>
    changed !== null && changed.get(id)?.name === undefined ? before?.names.get(id) : undefined;
  const names = new Map<string, string>();
  for (let open = new Set(ids); open.size > 0;) {
    const wholes = new Set<AccountId>();
    const found = await accounts.withIds([...open].filter((id) => rightOf(id) === undefined));
    for (const id of open) {
      const account = found.get(id);
      const name = rightOf(id) ?? (account && nameIn(account));
      if (name === undefined) continue;
      names.set(id, name);
      const whole = wholeOf(name);
      if (whole !== undefined && !names.has(whole)) wholes.add(whole);
    }
    open = wholes;
  }
  return { at: changesFrom(now), names };
}

type Readers = Pick<AccountNames, 'namesOf' | 'changedSince'>;

/**
 * Finds an account's name in the stored ones and the changes since. `lookUps`: how many items a look-up of it reads.
 */
async function storedNames({ changedSince }: Readers, known: readonly KnownNames[], most?: number) {
  const oldest = known.map(({ at }) => at).sort()[0];
  const changed: ReadonlyMap<string, Told> | null = oldest === undefined ? null : await changedSince(oldest, most);
  const nameOf = (account: string): string | undefined => {
    const told = changed?.get(account)?.name;
    if (changed === null || told === null) return undefined;
    const name = told ?? known.find(({ names }) => names.has(account))?.names.get(account);
    const whole = wholeOf(name);
    return whole === undefined ? name : nameOf(whole);
  };
  // One that was merged since is looked up together with the account that it is part of.
  const lookUps = (account: string) => (changed?.get(account)?.name === null ? 2 : 1);
  return { nameOf, lookUps, isTold: changed !== null };
}

/**
 * The rows with names in place of the ids, as many as `LOOKED_UP` allows. `left` is the first row of the next page, and
 * `lookedUp` how many names were not stored. A row of an erased account is left out, also while it is still stored.
 */
export async function namedRows<Named extends Row>(
  readers: Readers,
  known: readonly KnownNames[],
  rows: readonly Named[],
): Promise<{ readonly rows: Named[]; readonly left: Named | undefined; readonly lookedUp: number }> {
  const stored = await storedNames(readers, known);
  const others: AccountId[] = [];
  let read = 0;
  let left = LOOKED_UP;
  for (const { username } of rows) {
    if (username !== ERASED && stored.nameOf(username) === undefined) {
      left -= stored.lookUps(username);
      if (left < 0) break;
      others.push(AccountId.parse(username));
    }
    read += 1;
  }
  const nameOf = await readers.namesOf(others);
  const named = rows.slice(0, read).map((row) => {
    const { username } = row;
    return { ...row, username: stored.nameOf(username) ?? nameOf(AccountId.parse(username)) };
  });
  return { rows: named.filter(({ username }) => username !== ERASED), left: rows[read], lookedUp: others.length };
}

/**
 * The names of the accounts of a page of a list, by as many look-ups as `listedLookUps` allows. The other accounts are
 * shown by their ids until the next roll-up. That happens if more accounts have changed than a page reads, or in a list
 * of an older release (`known` is null), which has no names. An old name is never shown: its account may be erased.
 */
export async function namesOnPage(
  readers: Readers,
  known: KnownNames | null,
  { accounts, rows }: { readonly accounts: readonly AccountId[]; readonly rows: number },
): Promise<(account: AccountId) => string> {
  const stored = await storedNames(readers, known === null ? [] : [known], LISTED_TOLD);
  let left = listedLookUps(rows, known !== null);
  const others = new Set(accounts.filter((account) => stored.nameOf(account) === undefined));
  const lookUps = (account: AccountId) => (stored.isTold ? stored.lookUps(account) : 2); // any may be part of another one
  const nameOf = await readers.namesOf([...others].filter((account) => (left -= lookUps(account)) >= 0));
  return (account) => stored.nameOf(account) ?? nameOf(account);
}
