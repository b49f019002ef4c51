import type { AccountId } from './account.ts';

/** The places where people have logins, and whose hooks Laurel takes. */
export const PLACES = ['github', 'discourse'] as const;
export type Place = (typeof PLACES)[number];

/** An account's login in another place. `id` never changes there; `login` is for people to read. */
export type Login = { readonly place: Place; readonly id: number; readonly login: string };

/** Whose logins are whose. An account has one in each place, and a login is one account's. Strongly consistent. */
export type Logins = {
  find(login: Pick<Login, 'place' | 'id'>): Promise<AccountId | undefined>;
  /** The account's login in that place. */
  ofAccount(account: AccountId, place: Place): Promise<Login | undefined>;
  /** Replaces the account's login in that place. `taken`: the login is another account's. */
  link(account: AccountId, login: Login): Promise<'linked' | 'taken' | 'stale'>;
  /** `unlinked` also if there was none. */
  unlink(account: AccountId, place: Place): Promise<'unlinked' | 'stale'>;
};
