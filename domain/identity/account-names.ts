import type { Clock, RandomToken } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import { isoOf } from '../shared/utc.ts';
import { AccountId, newAccountId, type Account, type Accounts, type NamedAccount } from './account.ts';
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
  /** The present name of the account that answers for each; the id itself of an account that is not there. */
  namesOf(accounts: Iterable<AccountId>): Promise<(account: AccountId) => string>;
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

/** What was found is remembered for 5 s. A name that was given up is nobody else's for 90 days. */
class Remembered<Name, Value> {
  readonly #values = new Map<Name, { readonly value: Value; readonly until: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(name: Name): Value | undefined {
    const held = this.#values.get(name);
    return held !== undefined && this.#clock() < held.until ? held.value : undefined;
  }

  set(name: Name, value: Value): void {
    if (this.#values.size >= CACHE_SIZE) this.#values.clear();
    this.#values.set(name, { value, until: this.#clock() + CACHE_MS });
  }

  /** The values of the names, those that are not remembered by one look-up; what that does not find is left out. */
  async all(
    names: Iterable<Name>,
    lookUp: (missing: readonly Name[]) => Promise<ReadonlyMap<Name, Value>>,
  ): Promise<ReadonlyMap<Name, Value>> {
    const found = new Map<Name, Value>();
    const missing: Name[] = [];
    for (const name of new Set(names)) {
      const value = this.get(name);
      if (value === undefined) missing.push(name);
      else found.set(name, value);
    }
    if (missing.length > 0) {
      for (const [name, value] of await lookUp(missing)) {
        this.set(name, value);
        found.set(name, value);
      }
    }
    return found;
  }
}

export function accountNames(deps: {
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly randomToken: RandomToken;
}): AccountNames {
  const { accounts, clock, randomToken } = deps;
  const byName = new Remembered<Username, NamedAccount>(clock);
  const byId = new Remembered<AccountId, Account>(clock);
  const isHeld = ({ heldUntil }: NamedAccount): boolean => heldUntil === undefined || heldUntil > isoOf(clock());

  async function named(names: Iterable<Username>): Promise<ReadonlyMap<Username, NamedAccount>> {
    const found = await byName.all(names, (missing) => accounts.named(missing));
    return new Map([...found].filter(([, each]) => isHeld(each)));
  }
  const withIds = (ids: Iterable<AccountId>) => byId.all(ids, (missing) => accounts.withIds(missing));

  async function answering(id: AccountId): Promise<FoundAccount | undefined> {
    const account = (await withIds([id])).get(id);
    if (account?.mergedInto !== undefined) return answering(account.mergedInto);
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
      for (const [name, account] of created) byName.set(name, { account });
      return (name) => {
        const account = found.get(name)?.account ?? created.get(name);
        if (account === undefined) throw new Error('a name without an account');
        return account;
      };
    },

    namesOf,
  };
}
