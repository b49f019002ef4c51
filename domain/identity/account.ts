import * as z from 'zod/mini';
import type { RandomToken } from '../shared/environment.ts';
import { ERASED, type Username } from './username.ts';

/**
 * An account, whatever its name is now: `acc_` and 16 of `a-z2-7`. Keys, facts, lines and projections hold it, and
 * nothing reads anything from it. The schema also takes any name: rows of boards hold `erased` in place of an id, a name that
 * nobody has passes for an account without facts, and tests use names as ids. Stored items and messages call the field
 * `username`: another name would need a new version of each of their formats.
 */
export const AccountId = z
  .string('expected the id of an account')
  .check(z.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected the id of an account'))
  .brand<'AccountId'>();
export type AccountId = z.infer<typeof AccountId>;

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const LENGTH = 16;

/** Of 80 random bits: a character of a token has 6 of them, and gives 5. */
export function newAccountId(randomToken: RandomToken): AccountId {
  const token = randomToken(LENGTH).slice(-LENGTH).padStart(LENGTH, 'A');
  const digits = Array.from(token, (character) => BASE32.charAt(BASE64.indexOf(character) % BASE32.length));
  return AccountId.parse(`acc_${digits.join('')}`);
}

/** A name that an account gave up. It stays reserved for it until then, ISO 8601. */
export type FormerName = { readonly name: Username; readonly heldUntil: string };

export type Account = {
  readonly id: AccountId;
  readonly username: Username;
  readonly formerNames: readonly FormerName[];
  /** The accounts that are shown as part of this one, and theirs. */
  readonly merged: readonly AccountId[];
  /** The account that this one is shown as part of. */
  readonly mergedInto?: AccountId;
  /** The account that it was part of last, if it is part of none now. */
  readonly mergedBefore?: AccountId;
  /** When it last got another name, or was merged or unmerged, ISO 8601. */
  readonly changedAt?: string;
  /** When it was erased, ISO 8601. Its name is `ERASED` since then; `formerNames` are those that are still to be removed. */
  readonly erasedAt?: string;
  readonly revision: number;
};

/** What is kept of an account: that there was one. */
export const erased = ({ id, username, formerNames, changedAt, revision }: Account, at: string): Account => ({
  id,
  username: ERASED,
  formerNames: [...formerNames, { name: username, heldUntil: at }],
  merged: [],
  ...(changedAt === undefined ? {} : { changedAt }),
  erasedAt: at,
  revision: revision + 1,
});

/** What has changed of an account since a time. Readers put it over what they have stored. */
export type Told = {
  /** What it is called now; null if that has to be looked up, because it is shown as part of another account. */
  readonly name?: Username | null;
  /** Whether it was hidden from boards, or shown again. */
  readonly isHidden?: boolean;
};

/** To read them costs about 10 read units, 17 with the longest names. */
export const CHANGES_TOLD = 1_000;

/** What changes together: an account as it was read, and as it is to be. */
export type AccountChange = { readonly before: Account; readonly after: Account };

/** Whose a name is. `heldUntil`: it was given up, and is reserved until then; ISO 8601. */
export type NamedAccount = {
  readonly account: AccountId;
  readonly heldUntil?: string;
  /** Whether the account is shown as part of another one. */
  readonly isMerged?: boolean;
};

/** Where accounts and their names are kept. Rows of boards have copies of names, and `changedSince` tells which are old. */
export type Accounts = {
  /** Whose each name is; a name that nobody has is left out. Eventually consistent, because a name hardly ever moves. */
  named(names: readonly Username[]): Promise<ReadonlyMap<Username, NamedAccount>>;
  /** Eventually consistent. */
  withIds(ids: readonly AccountId[]): Promise<ReadonlyMap<AccountId, Account>>;
  /** Strongly consistent. */
  load(id: AccountId): Promise<Account | undefined>;
  /** Whose a name is; undefined if nobody ever had it. Strongly consistent. */
  holderOf(name: Username): Promise<NamedAccount | undefined>;
  /**
   * Gives `after` its name, and reserves the one of `before`, if both are still as they were read. `now`: ISO 8601, a name
   * that was reserved until then is free.
   */
  rename(before: Account, after: Account, now: string): Promise<'saved' | 'stale'>;
  /** Saves which accounts are shown as part of which, for readers of names and for refreshes, if all are as they were read. */
  saveMerge(changes: readonly AccountChange[]): Promise<'saved' | 'stale'>;
  /**
   * Takes the names from accounts, and tells all readers and refreshes that they are erased, if they are as they were read.
   * The change of a profile starts the job that removes the rest.
   */
  erase(changes: readonly AccountChange[]): Promise<'saved' | 'stale'>;
  /**
   * The accounts that readers call otherwise than before a time (ISO 8601), or that were hidden or shown since; null if
   * they are more than `most`. Eventually consistent.
   */
  changedSince(time: string, most?: number): Promise<ReadonlyMap<AccountId, Told> | null>;
  /** The names that begin with a text, in their order, in pages. A query for each first character, and no scan. */
  beginningWith(prefix: string): AsyncIterable<readonly (readonly [Username, NamedAccount])[]>;
  /**
   * Makes an account for each name, and gives its id; or whose the name is by now. A name that was reserved until `at`
   * (ISO 8601) is free.
   */
  create(ids: ReadonlyMap<Username, AccountId>, at: string): Promise<ReadonlyMap<Username, AccountId>>;
};
