import { createHash } from 'node:crypto';
import type { Credential, Scope } from '../../domain/identity/credential.ts';
import { DEFAULT_SCOPES } from '../../domain/identity/credential.ts';
import { Username } from '../../domain/identity/username.ts';
import type { Sha256OfBytes } from '../../domain/shared/environment.ts';

export const sha256: Sha256OfBytes = (content) => createHash('sha256').update(content).digest('hex');

export const aUsername = (name = 'ada'): Username => Username.parse(name);

const shared = { id: 'a'.repeat(32), hash: 'a'.repeat(64), prefix: 'lrl_aaaa', createdAt: '2026-08-01T00:00:00.000Z' };

export const aPersonalKey = (name = 'ada', scopes: readonly Scope[] = DEFAULT_SCOPES.personal): Credential => ({
  ...shared,
  kind: 'personal',
  username: aUsername(name),
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
