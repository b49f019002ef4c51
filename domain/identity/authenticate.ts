import type { Clock, Sha256 } from '../shared/environment.ts';
import { isoOf, MILLISECONDS_PER_HOUR } from '../shared/utc.ts';
import type { AccountId } from './account.ts';
import { identifyKey } from './create-key.ts';
import type { Credential } from './credential.ts';
import type { CredentialStore } from './credentials.port.ts';

const CACHE_MS = 60_000;
const CACHE_SIZE = 1_000;

/** The credential of a key; undefined if the key is unknown or revoked, or if its account was erased. */
export type Authenticate = (key: string) => Promise<Credential | undefined>;

/**
 * Looks keys up by their hash. A hit is remembered for 60 s, so a revoked key stops working within that time; a miss
 * is never remembered, so a new key works at once and made-up keys fill no memory. Whether the key's account was erased
 * is looked up each time: its keys are unknown at once.
 */
export function authenticator(deps: {
  readonly credentials: Pick<CredentialStore, 'find' | 'noteUse'>;
  readonly isErased: (account: AccountId) => Promise<boolean>;
  readonly clock: Clock;
  readonly sha256: Sha256;
}): Authenticate {
  const hits = new Map<string, { readonly credential: Credential; readonly until: number }>();

  const isOfErased = async (credential: Credential): Promise<boolean> =>
    credential.kind === 'personal' && (await deps.isErased(credential.account));

  return async (key) => {
    const now = deps.clock();
    const { id, hash } = identifyKey(key, deps.sha256);
    const hit = hits.get(hash);
    if (hit !== undefined && now < hit.until) return (await isOfErased(hit.credential)) ? undefined : hit.credential;
    hits.delete(hash);

    const credential = await deps.credentials.find(id);
    const isValid = credential?.hash === hash && credential.revokedAt === undefined;
    if (!isValid) return undefined;
    if (await isOfErased(credential)) return undefined;
    const isUseNoted =
      credential.lastUsedAt !== undefined && now - Date.parse(credential.lastUsedAt) < MILLISECONDS_PER_HOUR;
    if (!isUseNoted) await deps.credentials.noteUse(id, isoOf(now));
    if (hits.size >= CACHE_SIZE) hits.clear();
    hits.set(hash, { credential, until: now + CACHE_MS });
    return credential;
  };
}
