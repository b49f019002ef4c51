import * as z from 'zod/mini';
import type { AccountId } from './account.ts';

/** The places where people have logins, and whose hooks Laurel takes. */
export const PLACES = ['github', 'discourse'] as const;
export type Place = (typeof PLACES)[number];

const EXPECTED_ID = 'expected the number of the login, which never changes there';
const EXPECTED_LOGIN = 'expected 1 to 60 of A-Z a-z 0-9 - _ .';
export const LoginFields = {
  id: z.int(EXPECTED_ID).check(z.gte(1, EXPECTED_ID)),
  login: z.string(EXPECTED_LOGIN).check(z.regex(/^[A-Za-z0-9._-]{1,60}$/, EXPECTED_LOGIN)),
};

/** An account's login in another place. `id` never changes there; `login` is for people to read. */
export type Login = { readonly place: Place; readonly id: number; readonly login: string };

export type LinkedLogin = { readonly account: AccountId; readonly login: string };

/** Whose logins are whose. An account has one in each place, and a login is one account's. Strongly consistent. */
export type Logins = {
  /** Whose a login is, and what it was called when it was linked. */
  find(login: Pick<Login, 'place' | 'id'>): Promise<LinkedLogin | undefined>;
  /** The account's login in that place. */
  ofAccount(account: AccountId, place: Place): Promise<Login | undefined>;
  /** Replaces the account's login in that place. `taken`: the login is another account's. */
  link(account: AccountId, login: Login): Promise<'linked' | 'taken' | 'stale'>;
  /** `unlinked` also if there was none. */
  unlink(account: AccountId, place: Place): Promise<'unlinked' | 'stale'>;
};
