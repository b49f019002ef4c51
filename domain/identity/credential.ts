import * as z from 'zod/mini';
import { printableText } from '../shared/text.ts';
import { AccountId } from './account.ts';
import { Username } from './username.ts';

export const SCOPES = [
  'telemetry:write',
  'telemetry:trusted',
  'extensions:push',
  'extensions:yank',
  'profile:write',
  'awards:grant',
  'history:import',
  'keys:manage',
] as const;
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

export const KEY_KINDS = ['personal', 'collective', 'service', 'admin'] as const;
export const KeyKind = z.enum(KEY_KINDS);
export type KeyKind = z.infer<typeof KeyKind>;

/** The scopes of a key whose maker names none. */
export const DEFAULT_SCOPES: Readonly<Record<KeyKind, readonly Scope[]>> = {
  personal: ['telemetry:write', 'extensions:push', 'extensions:yank', 'profile:write'],
  collective: ['telemetry:write', 'extensions:push', 'extensions:yank'],
  service: ['telemetry:trusted', 'awards:grant'],
  admin: SCOPES,
};

/** The managers' name for a key. The ledger may give it as the one who granted. */
export const Label = printableText({ characters: 100, bytes: 100 });

/** A collective's slug follows the rule of usernames. */
export const CollectiveSlug = Username;

const shared = {
  id: z.string(),
  /** SHA-256 of the whole key, hexadecimal; the key itself is nowhere. */
  hash: z.string(),
  /** The first characters of the key, so that its owner can tell it from others. */
  prefix: z.string(),
  label: z.optional(z.string()),
  scopes: z.array(Scope),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.optional(z.iso.datetime()),
  revokedAt: z.optional(z.iso.datetime()),
};

/** A key as it is kept. Who a sender is comes from here, never from a request. */
export const Credential = z.discriminatedUnion('kind', [
  z.object({ ...shared, kind: z.literal('personal'), account: AccountId }),
  z.object({ ...shared, kind: z.literal('collective'), slug: CollectiveSlug, members: z.array(AccountId) }),
  z.object({ ...shared, kind: z.literal('service') }),
  z.object({ ...shared, kind: z.literal('admin') }),
]);
export type Credential = z.infer<typeof Credential>;

/**
 * How the ledger names the holder of a key that grants, if the request does not. Labels made before they had to be
 * printable stay out of it.
 */
export const grantedByOf = ({ label, id }: Credential): string => Label.safeParse(label).data ?? id;

export const hasScope = (credential: Credential, scope: Scope): boolean => credential.scopes.includes(scope);
