import type { Credential } from './credential.ts';

export type CredentialPage = { readonly credentials: readonly Credential[]; readonly next?: string };

/** Where keys are kept. */
export type CredentialStore = {
  /** The key with this id, read strongly consistent; revoked ones included. */
  find(id: string): Promise<Credential | undefined>;
  /** Adds a key. Throws if the id is taken: ids come from 32 random bytes. */
  add(credential: Credential): Promise<void>;
  list(page: { readonly limit: number; readonly after?: string }): Promise<CredentialPage>;
  /** Revokes a key. The first time of revocation stays. False if the key does not exist. */
  revoke(id: string, at: string): Promise<boolean>;
  /** Notes a use. Only for the list of keys: it may be lost and is written rarely. */
  noteUse(id: string, at: string): Promise<void>;
};
