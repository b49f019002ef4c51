import type { Clock, Sha256 } from '../shared/environment.ts';
import { isoOf, MILLISECONDS_PER_HOUR } from '../shared/utc.ts';
import type { AccountId } from './account.ts';
import { identifyKey } from './create-key.ts';
import type { Credential } from './credential.ts';
import type { CredentialStore } from './credentials.port.ts';

const CACHE_MS = 60_000;
const CACHE_SIZE = 1_000;

/**
 * A known key. `isAccountThere` is false if its account was erased. Nothing may be written or answered before this is
 * known.
 */
export type Admission = { readonly credential: Credential; readonly isAccountThere: Promise<boolean> };

/** Undefined if the key is unknown or revoked. */
export type Authenticate = (key: string) => Promise<Admission | undefined>;

/**
 * Looks keys up by their hash. A hit is remembered for 60 s, so a revoked key stops working within that time; a miss
 * is never remembered, so a new key works at once and made-up keys fill no memory. Each request reads whether the key's
 * account was erased, so its keys are unknown at once. For a remembered key this read is only started, so that it can
 * come with other reads.
 */
export function authenticator(deps: {
  readonly credentials: Pick<CredentialStore, 'find' | 'noteUse'>;
  readonly isErased: (account: AccountId) => Promise<boolean>;
  readonly clock: Clock;
  readonly sha256: Sha256;
}): Authenticate {
  const hits = new Map<string, { readonly credential: Credential; readonly until: number }>();

  const admissionOf = (credential: Credential): Admission => {
    const isAccountThere = async () => credential.kind !== 'personal' || !(await deps.isErased(credential.account));
    return { credential, isAccountThere: isAccountThere() };
  };

  return async (key) => {
    const now = deps.clock();
    const { id, hash } = identifyKey(key, deps.sha256);
    const hit = hits.get(hash);
    if (hit !== undefined && now < hit.until) return admissionOf(hit.credential);
    hits.delete(hash);

    const credential = await deps.credentials.find(id);
    const isValid = credential?.hash === hash && credential.revokedAt === undefined;
    if (!isValid) return undefined;
    const admission = admissionOf(credential);
    if (!(await admission.isAccountThere)) return undefined;
    const isUseNoted =
      credential.lastUsedAt !== undefined && now - Date.parse(credential.lastUsedAt) < MILLISECONDS_PER_HOUR;
    if (!isUseNoted) await deps.credentials.noteUse(id, isoOf(now));
    if (hits.size >= CACHE_SIZE) hits.clear();
    hits.set(hash, { credential, until: now + CACHE_MS });
    return admission;
  };
}
