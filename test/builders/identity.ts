import { createHash } from 'node:crypto';
import type { Credential, Scope } from '../../domain/identity/credential.ts';
import { DEFAULT_SCOPES } from '../../domain/identity/credential.ts';
import { AccountId } from '../../domain/identity/account.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { KeptName, type Username } from '../../domain/identity/username.ts';
import type { Sha256OfBytes } from '../../domain/shared/environment.ts';

export const sha256: Sha256OfBytes = (content) => createHash('sha256').update(content).digest('hex');

/** A name that is also the id of its account: tests of what is inside need no accounts. */
export type User = Username & AccountId;
const isUser = (name: Username): name is User => AccountId.safeParse(name).success;

export function aUsername(name = 'ada'): User {
  const username = KeptName.parse(name);
  if (!isUser(username)) throw new Error(`${name} is no id`);
  return username;
}

/** Of accounts whose ids are their names. */
export const namesAsIds: AccountNames = {
  find: async (name) => ({ account: AccountId.parse(name), username: name }),
  answering: async (account) => ({ account, username: KeptName.parse(account) }),
  accountsOf: async () => (name) => AccountId.parse(name),
  changedSince: async () => new Map(),
  namesOf: async () => (account) => account,
};

const shared = { id: 'a'.repeat(32), hash: 'a'.repeat(64), prefix: 'lrl_aaaa', createdAt: '2026-08-01T00:00:00.000Z' };

export const aPersonalKey = (name = 'ada', scopes: readonly Scope[] = DEFAULT_SCOPES.personal): Credential => ({
  ...shared,
  kind: 'personal',
  account: aUsername(name),
  scopes: [...scopes],
});

export const aCollectiveKey = (slug = 'guild', members: readonly string[] = ['ada']): Credential => ({
  ...shared,
  kind: 'collective',
  slug: aUsername(slug),
  members: members.map(aUsername),
  scopes: [...DEFAULT_SCOPES.collective],
});

export const aServiceKey = (scopes: readonly Scope[] = DEFAULT_SCOPES.service): Credential => ({
  ...shared,
  kind: 'service',
  scopes: [...scopes],
});
