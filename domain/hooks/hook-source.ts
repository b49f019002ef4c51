import * as z from 'zod/mini';
import { PLACES, type Place } from '../identity/logins.port.ts';

const EXPECTED_NAME = 'expected 1 to 32 of a-z 0-9 - starting with a letter or digit';

export const MAX_SOURCE_NAME = 32;
/** The name of a source: a part of its address. */
export const SourceName = z
  .string(EXPECTED_NAME)
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,31}$/, EXPECTED_NAME))
  .brand<'SourceName'>();
export type SourceName = z.infer<typeof SourceName>;

/** Where hooks come from: a repository, an organization or a forum, with a secret that signs them. */
export type SourceKey = { readonly place: Place; readonly name: SourceName };

/** A source as it is listed: without its secrets. */
export const HookSource = z.object({
  place: z.enum(PLACES),
  name: SourceName,
  createdAt: z.iso.datetime(),
  /** Since when there is a new secret, while the one before is valid, too. */
  rotatedAt: z.optional(z.iso.datetime()),
});
export type HookSource = z.infer<typeof HookSource>;

/** The secrets that are valid now: none of an unknown source, two while they are being rotated. Any name can be asked. */
export type SecretsOf = (source: { readonly place: Place; readonly name: string }) => Promise<readonly string[]>;

/** Where an operator keeps the sources. Nothing here gives a secret back. */
export type HookSources = {
  create(source: SourceKey, secret: string, at: string): Promise<'created' | 'exists'>;
  /** By place and name. */
  list(): Promise<readonly HookSource[]>;
  /** Adds a secret; the one before stays valid. `refused`: there is no such source, or it has two already. */
  rotate(source: SourceKey, secret: string, at: string): Promise<'rotated' | 'refused'>;
  /** From now on only the newer secret is valid. `refused`: there is no such source, or it has only one. */
  endRotation(source: SourceKey): Promise<'ended' | 'refused'>;
  /** False if there is no such source. */
  remove(source: SourceKey): Promise<boolean>;
};

/** Where the hooks of a source are sent. */
export const pathOfSource = ({ place, name }: SourceKey): string => `/hooks/${place}/${name}`;
