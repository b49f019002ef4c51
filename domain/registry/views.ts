import * as z from 'zod/mini';
import type { AccountId } from '../identity/account.ts';
import type { Collective } from '../identity/collective.ts';
import type { PublishedVersion } from './extension.ts';
import type { LatestVersion } from './registry.port.ts';

/** The registry's answers, each with its schema: the documentation and the handlers use the same. */

export const ConfirmedView = z.object({
  /** The extension's name. It always has an owner, so it serves as the id. */
  extensionId: z.string(),
  name: z.string(),
  version: z.string(),
});
export type ConfirmedView = z.infer<typeof ConfirmedView>;

export const confirmedView = ({ name, version }: PublishedVersion): ConfirmedView => ({
  extensionId: name,
  name,
  version,
});

export const LatestView = z.object({
  name: z.string(),
  latestVersion: z.string(),
  publishedAt: z.iso.datetime(),
  latestVersionDetail: z.object({ version: z.string(), publishedAt: z.iso.datetime(), publisher: z.string() }),
});
export type LatestView = z.infer<typeof LatestView>;

export const latestView = ({ name, version, publishedAt }: LatestVersion, publisher: string): LatestView => ({
  name,
  latestVersion: version,
  publishedAt,
  latestVersionDetail: { version, publishedAt, publisher },
});

/** The message that a client shows its user. */
export const MessageView = z.object({ message: z.string() });

const NamedPublisher = z.object({ kind: z.enum(['personal', 'collective']), name: z.string() });
export const TransferredView = z.object({ name: z.string(), owner: NamedPublisher, message: z.string() });

export const OfferedView = z.object({
  name: z.string(),
  /** The account or the collective that may accept it. */
  offeredTo: z.string(),
});

export const AcceptedView = z.object({ name: z.string() });

export const CollectiveView = z.object({
  slug: z.string(),
  members: z.array(z.string()),
  /** Since when these are the members. */
  since: z.iso.datetime(),
});
export type CollectiveView = z.infer<typeof CollectiveView>;

export const collectiveView = (
  { slug, members, since }: Collective,
  nameOf: (account: AccountId) => string,
): CollectiveView => ({
  slug,
  members: members.map(nameOf).sort(),
  since,
});
