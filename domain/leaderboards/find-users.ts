import * as z from 'zod/mini';
import type { AccountId, Accounts } from '../identity/account.ts';
import type { Username } from '../identity/username.ts';
import type { Standing } from './standings.port.ts';

export type FindUsersDeps = {
  readonly accounts: Pick<Accounts, 'beginningWith'>;
  /** The standings of those accounts that boards may show. */
  readonly standingsOf: (accounts: readonly AccountId[]) => Promise<ReadonlyMap<AccountId, Standing>>;
};

export const UsersView = z.object({
  /** In the order of their names. */
  users: z.array(z.object({ username: z.string(), tier: z.string(), canonicalScore: z.int() })),
});
export type UsersView = z.infer<typeof UsersView>;

/** The first users whose names begin with a text. Names that were given up, and users whom boards do not show, are left out. */
export async function findUsers(
  { accounts, standingsOf }: FindUsersDeps,
  prefix: string,
  limit: number,
): Promise<UsersView> {
  const users: UsersView['users'][number][] = [];
  for await (const page of accounts.beginningWith(prefix)) {
    const present = page.filter(([, { heldUntil }]) => heldUntil === undefined);
    for (let from = 0; from < present.length && users.length < limit; from += limit) {
      const some: readonly (readonly [Username, AccountId])[] = present
        .slice(from, from + limit)
        .map(([name, { account }]) => [name, account]);
      const standings = await standingsOf(some.map(([, account]) => account));
      for (const [username, account] of some) {
        const standing = standings.get(account);
        if (standing === undefined || users.length === limit) continue;
        users.push({ username, tier: standing.tier, canonicalScore: standing.canonicalScore });
      }
    }
    if (users.length === limit) break;
  }
  return { users };
}
