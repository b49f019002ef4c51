import * as z from 'zod/mini';
import type { AccountNames } from './account-names.ts';
import type { AccountId } from './account.ts';
import { Members } from './collective.ts';
import type { Clock, RandomToken, Sha256 } from '../shared/environment.ts';
import { isoOf } from '../shared/utc.ts';
import { CollectiveSlug, Credential, DEFAULT_SCOPES, KeyKind, Label, Scope } from './credential.ts';
import type { CredentialStore } from './credentials.port.ts';
import { Username } from './username.ts';

const common = {
  label: z.optional(Label),
  scopes: z.optional(z.array(Scope).check(z.minLength(1, 'expected at least one scope'))),
};

export const CreateKeyRequest = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('personal'), username: Username, ...common }),
    z.strictObject({ kind: z.literal('collective'), slug: CollectiveSlug, members: Members, ...common }),
    z.strictObject({ kind: z.literal('service'), ...common }),
    z.strictObject({ kind: z.literal('admin'), ...common }),
  ],
  {
    error: ({ input }) =>
      typeof input === 'object' ? 'expected personal, collective, service or admin' : 'expected an object',
  },
);
export type CreateKeyRequest = z.infer<typeof CreateKeyRequest>;

export const CreatedKey = z.object({
  id: z.string(),
  /** The secret: shown this once, kept only as its hash. */
  key: z.string().check(z.regex(/^lrl_[A-Za-z0-9_-]{43}$/)),
  kind: KeyKind,
  scopes: z.array(Scope),
  createdAt: z.iso.datetime(),
});
export type CreatedKey = z.infer<typeof CreatedKey>;

/**
 * A key's public id and its hash. The id is the hash's first half, so that a key finds its record without an index,
 * and an id tells nothing of the key: that is 32 random bytes.
 */
export function identifyKey(key: string, sha256: Sha256): { readonly id: string; readonly hash: string } {
  const hash = sha256(key);
  return { id: hash.slice(0, 32), hash };
}

export type CreateKeyDeps = {
  readonly credentials: CredentialStore;
  readonly clock: Clock;
  readonly randomToken: RandomToken;
  readonly sha256: Sha256;
};

/** A key to make, with the ids of the accounts that it is for. */
export type NewKey = { readonly label?: string | undefined; readonly scopes?: readonly Scope[] | undefined } & (
  | { readonly kind: 'personal'; readonly account: AccountId }
  | { readonly kind: 'collective'; readonly slug: Username; readonly members: readonly AccountId[] }
  | { readonly kind: 'service' | 'admin' }
);

/** The key that a request asks for. A name that nobody has becomes that of a new account. */
export async function newKeyOf(names: Pick<AccountNames, 'accountsOf'>, request: CreateKeyRequest): Promise<NewKey> {
  switch (request.kind) {
    case 'personal': {
      const { username, ...rest } = request;
      return { ...rest, account: (await names.accountsOf([username]))(username) };
    }
    case 'collective': {
      const { members, ...rest } = request;
      return { ...rest, members: members.map(await names.accountsOf(members)) };
    }
    case 'service':
    case 'admin':
      return request;
  }
}

/** Makes a key of 32 random bytes and keeps its SHA-256. */
export async function createKey(deps: CreateKeyDeps, asked: NewKey): Promise<CreatedKey> {
  const key = `lrl_${deps.randomToken(32)}`;
  const createdAt = isoOf(deps.clock());
  const scopes = [...new Set(asked.scopes ?? DEFAULT_SCOPES[asked.kind])];
  const { id, hash } = identifyKey(key, deps.sha256);
  // Each member has a row in the transaction of a publish, and a transaction takes an item only once.
  const once = asked.kind === 'collective' ? { members: [...new Set(asked.members)] } : {};
  const kept = { ...asked, ...once, id, hash, prefix: key.slice(0, 8), scopes, createdAt };
  await deps.credentials.add(Credential.parse(kept));
  return { id, key, kind: asked.kind, scopes, createdAt };
}
