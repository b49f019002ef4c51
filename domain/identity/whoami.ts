import * as z from 'zod/mini';
import { Scope, type Credential } from './credential.ts';
import type { AccountId } from './account.ts';
import type { Username } from './username.ts';

export const WhoAmI = z.object({
  authenticated: z.literal(true),
  id: z.string(),
  /** Of the account; null for a collective's, a server's or an admin's key. */
  accountId: z.nullable(z.string()),
  /** The account's name, a collective's slug, or null for a server's or an admin's key. */
  username: z.nullable(z.string()),
  email: z.null(),
  name: z.nullable(z.string()),
  plan: z.null(),
  organizations: z.array(
    z.object({ slug: z.string(), name: z.string(), role: z.enum(['owner', 'member']), personal: z.boolean() }),
  ),
  scopes: z.array(Scope),
  /**
   * The users that a publish by this key counts for now. Only a collective's key has it: its `username` is no person's.
   */
  collective: z.optional(z.object({ slug: z.string(), members: z.array(z.string()) })),
});
export type WhoAmI = z.infer<typeof WhoAmI>;

/**
 * The holder of a key. `collectives` name the account as a member, `members` are the members of a
 * collective, `nameOf` gives an account's name. Laurel keeps no addresses and sells no plans, so those are null.
 */
export function whoami(
  credential: Credential,
  {
    collectives = [],
    members = [],
    nameOf = (account) => account,
  }: {
    readonly collectives?: readonly Username[];
    readonly members?: readonly AccountId[];
    readonly nameOf?: (account: AccountId) => string;
  } = {},
): WhoAmI {
  const shared = {
    authenticated: true,
    id: credential.id,
    accountId: credential.kind === 'personal' ? credential.account : null,
    email: null,
    plan: null,
    scopes: credential.scopes,
  } as const;
  switch (credential.kind) {
    case 'personal': {
      const username = nameOf(credential.account);
      const own = { slug: username, name: username, role: 'owner' as const, personal: true };
      const joined = collectives.map((slug) => ({ slug, name: slug, role: 'member' as const, personal: false }));
      const organizations = [own, ...joined];
      return { ...shared, username, name: username, organizations };
    }
    case 'collective': {
      const { slug, label } = credential;
      const organizations = [{ slug, name: label ?? slug, role: 'member' as const, personal: false }];
      return {
        ...shared,
        username: slug,
        name: label ?? slug,
        organizations,
        collective: { slug, members: members.map(nameOf) },
      };
    }
    case 'service':
    case 'admin':
      return { ...shared, username: null, name: credential.label ?? null, organizations: [] };
  }
}
