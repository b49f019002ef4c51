import type { Clock, RandomToken } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import { isoOf } from '../shared/utc.ts';
import {
  AccountId,
  CHANGES_TOLD,
  newAccountId,
  type Account,
  type Accounts,
  type NamedAccount,
  type Told,
} from './account.ts';
import type { Username } from './username.ts';

/** An account as readers see it. */
export type FoundAccount = {
  /** The account that answers: the one itself, or the one that it is shown as part of. */
  readonly account: AccountId;
  readonly username: Username;
};

/** Between the names that people use and the ids that everything inside uses: what comes in and goes out passes here. */
export type AccountNames = {
  /** The account that a name is of, now or in the last 90 days. */
  find(name: Username): Promise<FoundAccount | undefined>;
  /** The account that answers for one: itself, or the one that it is shown as part of. */
  answering(account: AccountId): Promise<FoundAccount | undefined>;
  /** The account of each name, also if it is shown as part of another one. A name that nobody has becomes that of a new account. */
  accountsOf(names: Iterable<Username>): Promise<(name: Username) => AccountId>;
  /** The present name of the account that answers for each: `ERASED` of an erased one, the id itself of one that is not there. */
  namesOf(accounts: Iterable<AccountId>): Promise<(account: AccountId) => string>;
  /** What changed of accounts since a time, for readers; null if those are more than `most`. */
  changedSince(time: string, most?: number): Promise<ReadonlyMap<AccountId, Told> | null>;
};

/** The accounts that somebody asks about. A name that nobody has passes for an account of which nothing is known. */
export async function accountsAsked(
  { find }: Pick<AccountNames, 'find'>,
  usernames: readonly Username[],
): Promise<readonly AccountId[]> {
  const accounts = await settleAll(usernames, 8, async (name) => (await find(name))?.account ?? AccountId.parse(name));
  return [...new Set(accounts)].sort();
}

/** A rename shows everywhere within two minutes, a merge within seconds. */
const CACHE_MS = 5_000;
const CACHE_SIZE = 20_000;

/** What was found is remembered for 5 s. Whose a name is is not: an erasure takes it away at once. */
class Remembered {
  readonly #values = new Map<AccountId, { readonly value: Account; readonly until: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(id: AccountId): Account | undefined {
    const held = this.#values.get(id);
    return held !== undefined && this.#clock() < held.until ? held.value : undefined;
  }

  set(id: AccountId, value: Account): void {
    if (this.#values.size >= CACHE_SIZE) this.#values.clear();
    this.#values.set(id, { value, until: this.#clock() + CACHE_MS });
  }

  /** The accounts, those that are not remembered by one look-up; what that does not find is left out. */
  async all(
    ids: Iterable<AccountId>,
    lookUp: (missing: readonly AccountId[]) => Promise<ReadonlyMap<AccountId, Account>>,
  ): Promise<ReadonlyMap<AccountId, Account>> {
    const found = new Map<AccountId, Account>();
    const missing: AccountId[] = [];
    for (const id of new Set(ids)) {
      const value = this.get(id);
      if (value === undefined) missing.push(id);
      else found.set(id, value);
    }
    if (missing.length > 0) {
      for (const [id, value] of await lookUp(missing)) {
        this.set(id, value);
        found.set(id, value);
      }
    }
    return found;
  }
}

type Changed = ReadonlyMap<AccountId, Told> | null;

export function accountNames(deps: {
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly randomToken: RandomToken;
}): AccountNames {
  const { accounts, clock, randomToken } = deps;
  const byId = new Remembered(clock);
  const changes = new Map<number, { readonly since: string; readonly until: number; readonly found: Changed }>();
  const isHeld = ({ heldUntil }: NamedAccount): boolean => heldUntil === undefined || heldUntil > isoOf(clock());

  async function named(names: Iterable<Username>): Promise<ReadonlyMap<Username, NamedAccount>> {
    const found = await accounts.named([...new Set(names)]);
    return new Map([...found].filter(([, each]) => isHeld(each)));
  }
  const withIds = (ids: Iterable<AccountId>) => byId.all(ids, (missing) => accounts.withIds(missing));

  async function answering(id: AccountId): Promise<FoundAccount | undefined> {
    const account = (await withIds([id])).get(id);
    if (account?.mergedInto !== undefined) return answering(account.mergedInto);
    if (account?.erasedAt !== undefined) return undefined;
    return account && { account: id, username: account.username };
  }

  async function namesOf(ids: Iterable<AccountId>): Promise<(account: AccountId) => string> {
    const found = await withIds(ids);
    const others = [...found.values()].flatMap(({ mergedInto }) => mergedInto ?? []);
    const nameOfOther = others.length === 0 ? undefined : await namesOf(others);
    return (account) => {
      const { mergedInto, username = account } = found.get(account) ?? {};
      return mergedInto === undefined || nameOfOther === undefined ? username : nameOfOther(mergedInto);
    };
  }

  return {
    async find(name) {
      const found = (await named([name])).get(name);
      if (found === undefined) return undefined;
      const { account, heldUntil, isMerged = false } = found;
      return heldUntil === undefined && !isMerged ? { account, username: name } : answering(account);
    },

    answering,

    async accountsOf(names) {
      const wanted = new Set(names);
      const found = await named(wanted);
      const missing = [...wanted].filter((name) => !found.has(name));
      const ids = new Map(missing.map((name) => [name, newAccountId(randomToken)]));
      const created = ids.size === 0 ? ids : await accounts.create(ids, isoOf(clock()));
      return (name) => {
        const account = found.get(name)?.account ?? created.get(name);
        if (account === undefined) throw new Error('a name without an account');
        return account;
      };
    },

    namesOf,

    async changedSince(time, most = CHANGES_TOLD) {
      for (const [number, { since, until, found }] of changes) {
        const isSame = since === time && number === most;
        // Changes since an earlier time are some more than those since a later one, if they are not too many.
        if (clock() < until && (isSame || (since <= time && found !== null))) return found;
      }
      const until = clock() + CACHE_MS;
      const found = await accounts.changedSince(time, most);
      changes.set(most, { since: time, until, found });
      return found;
    },
  };
}
