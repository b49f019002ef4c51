import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { AccountId } from '../../../../domain/identity/account.ts';
import type { Collective } from '../../../../domain/identity/collective.ts';
import { CollectiveSlug } from '../../../../domain/identity/credential.ts';
import { hourPlaceOf } from '../shared/hour-index.ts';
import { Publisher, type Extension, type PublishedVersion } from '../../../../domain/registry/extension.ts';
import type { LatestVersion, StoredVersion } from '../../../../domain/registry/registry.port.ts';
import type { CountedPull, CreditedVersion } from '../../../../domain/registry/user-registry.port.ts';
import { dateOfHour, hourOf } from '../../../../domain/shared/utc.ts';
import type { Item } from '../shared/item.ts';
import { fromItem, toItem } from '../shared/format.ts';

/**
 * The items of the `registry` table.
 *
 *   EXTENSION#<name>      EXTENSION                           owner
 *   EXTENSION#<name>      VERSION#2026.11.03.0…1              a published version, yanked or not; in the index `byHour`
 *   EXTENSION#<name>      LIVE#<channel>#2026.11.03.0…1       a version that is not yanked
 *   PUBLISHER#<account>  VERSION#<name>@<version>            a version that counts for the user, yanked or not
 *   AUTHOR#<account>     PULL#<name>@<version>#<puller>      a pull of such a version; in `byHour` for one of its authors
 *   COLLECTIVE#<slug>     COLLECTIVE                          members
 *   COLLECTIVE#<slug>     MEMBERS#<time>#<revision>           members since that time
 *   MEMBER#<account>     COLLECTIVE#<slug>                   a membership of today
 */

export const EXTENSION_SK = 'EXTENSION';
export const COLLECTIVE_SK = 'COLLECTIVE';
export const VERSION_PREFIX = 'VERSION#';
export const PULL_PREFIX = 'PULL#';
export const COLLECTIVE_PREFIX = 'COLLECTIVE#';
const LIVE_PREFIX = 'LIVE#';
const PUBLISHER_PREFIX = 'PUBLISHER#';
const AUTHOR_PREFIX = 'AUTHOR#';

export const extensionPk = (name: string): string => `EXTENSION#${name}`;
export const publisherPk = (account: AccountId): string => PUBLISHER_PREFIX + account;
export const authorPk = (account: AccountId): string => AUTHOR_PREFIX + account;
export const memberPk = (account: AccountId): string => `MEMBER#${account}`;
export const collectivePk = (slug: string): string => COLLECTIVE_PREFIX + slug;

/** A version is `YYYY.MM.DD.N` of at most 64 characters. */
const NUMBER_DIGITS = 53;
const NUMBER_AT = 'YYYY.MM.DD.'.length;

export const versionSk = (version: string): string => VERSION_PREFIX + inOrder(version);
export const livePrefix = (channel: string): string => `${LIVE_PREFIX}${channel}#`;

/**
 * A version in the form whose text order is the numeric order of versions. `1` and `01` are two versions with one
 * number, so the omitted zeros follow the number.
 */
function inOrder(version: string): string {
  if (SEMVER.test(version)) return semverInOrder(version);
  const [date, number] = [version.slice(0, NUMBER_AT), version.slice(NUMBER_AT)];
  const significant = number.replace(/^0+(?=\d)/u, '');
  const zeros = number.length - significant.length;
  return `${date}${significant.padStart(NUMBER_DIGITS, '0')}${zeros === 0 ? '' : `+${zeros}`}`;
}

/** Of three numbers, as the other scheme never is. */
const SEMVER = /^(?<numbers>\d+\.\d+\.\d+)(?:-(?<preRelease>.+))?$/u;
const SEMVER_DIGITS = 15;

/** A pre-release comes before its release, its numbers before its words, and a shorter one before a longer one. */
function semverInOrder(version: string): string {
  const { numbers = '', preRelease } = SEMVER.exec(version)?.groups ?? {};
  const padded = (number: string) => number.padStart(SEMVER_DIGITS, '0');
  const release = numbers.split('.').map(padded).join('.');
  if (preRelease === undefined) return `${release}~`;
  const parts = preRelease.split('.').map((part) => (/^\d+$/u.test(part) ? `0${padded(part)}` : `1${part}`));
  return `${release}-${parts.join('!')}`;
}

const publisherVersionSk = (name: string, version: string): string => `${VERSION_PREFIX}${name}@${version}`;
export const pullSk = (name: string, version: string, puller: string): string =>
  `${PULL_PREFIX}${name}@${version}#${puller}`;
export const HISTORY_PREFIX = 'MEMBERS#';
/** Just after the lines of a time. */
export const historyUpTo = (time: string): string => `${HISTORY_PREFIX}${time}~`;
const historySk = ({ since, revision }: Collective): string => `${HISTORY_PREFIX}${since}#${revision}`;

const Revision = z.int().check(z.positive());

const ExtensionItem = z.object({
  name: z.string(),
  owner: Publisher,
  offeredTo: z.optional(Publisher),
  previousOwner: z.optional(Publisher),
  createdAt: z.iso.datetime(),
  rev: Revision,
});

const VersionItem = z.object({
  name: z.string(),
  version: z.string(),
  channel: z.string(),
  publisher: Publisher,
  credited: z.array(AccountId),
  contentHash: z.optional(z.string()),
  isImported: z.optional(z.boolean()),
  publishedAt: z.iso.datetime(),
  yankedAt: z.optional(z.iso.datetime()),
  yankReason: z.optional(z.string()),
  rev: Revision,
  writeId: z.string(),
});

const LiveItem = z.object({
  name: z.string(),
  version: z.string(),
  publisher: Publisher,
  publishedAt: z.iso.datetime(),
});

const CollectiveItem = z.object({
  slug: CollectiveSlug,
  members: z.array(AccountId),
  since: z.iso.datetime(),
  rev: Revision,
});

export const toExtensionItem = ({ revision, ...extension }: Extension): Item =>
  toItem('extension', { pk: extensionPk(extension.name), sk: EXTENSION_SK, ...extension, rev: revision });

export function parseExtensionItem(item: Item): Extension {
  const { rev, offeredTo, previousOwner, ...extension } = ExtensionItem.parse(fromItem('extension', item));
  return {
    ...extension,
    ...(offeredTo === undefined ? {} : { offeredTo }),
    ...(previousOwner === undefined ? {} : { previousOwner }),
    revision: rev,
  };
}

export const toVersionItem = ({ yank, revision, ...version }: PublishedVersion, writeId: string): Item =>
  toItem('version', {
    pk: extensionPk(version.name),
    sk: versionSk(version.version),
    ...version,
    yankedAt: yank?.at,
    yankReason: yank?.reason,
    rev: revision,
    ...hourPlaceOf(hourOf(Date.parse(version.publishedAt)), version.name),
    writeId,
  });

export function parseVersionItem(item: Item): StoredVersion {
  const { rev, contentHash, isImported, yankedAt, yankReason, ...version } = VersionItem.parse(
    fromItem('version', item),
  );
  return {
    ...version,
    ...(contentHash === undefined ? {} : { contentHash }),
    ...(isImported === undefined ? {} : { isImported }),
    ...(yankedAt === undefined ? {} : { yank: { at: yankedAt, reason: yankReason ?? '' } }),
    revision: rev,
  };
}

type LiveKey = Pick<PublishedVersion, 'name' | 'channel' | 'version'>;
export const liveKey = ({ name, channel, version }: LiveKey): Item =>
  marshall({ pk: extensionPk(name), sk: livePrefix(channel) + inOrder(version) });

/** The row that finds the newest version of a channel. It exists while the version is not yanked. */
export const toLiveItem = ({ name, version, channel, publisher, publishedAt }: PublishedVersion): Item => ({
  ...liveKey({ name, channel, version }),
  ...toItem('live-version', { name, version, publisher, publishedAt }),
});
export const parseLiveItem = (item: Item): LatestVersion => LiveItem.parse(fromItem('live-version', item));

/** The rows that make a version count for the users it is credited to. */
export const toPublisherItems = ({ name, version, credited, publishedAt, yank }: PublishedVersion): readonly Item[] =>
  credited.map((account) =>
    toItem('credited-version', {
      pk: publisherPk(account),
      sk: publisherVersionSk(name, version),
      publishedAt,
      yanked: yank !== undefined,
      yankedAt: yank?.at,
    }),
  );

export const toCollectiveItem = ({ revision, ...collective }: Collective): Item =>
  toItem('collective', { pk: collectivePk(collective.slug), sk: COLLECTIVE_SK, ...collective, rev: revision });

export function parseCollectiveItem(item: Item): Collective {
  const { rev, ...collective } = CollectiveItem.parse(fromItem('collective', item));
  return { ...collective, revision: rev };
}

export const toHistoryItem = (collective: Collective): Item =>
  toItem('past-members', { pk: collectivePk(collective.slug), sk: historySk(collective), members: collective.members });

const HistoryItem = z.object({ members: z.array(AccountId) });
export const parseHistoryItem = (item: Item) => HistoryItem.parse(fromItem('past-members', item));

export const membershipKey = (member: AccountId, slug: string): Item =>
  marshall({ pk: memberPk(member), sk: collectivePk(slug) });

const PublisherItem = z.object({
  publishedAt: z.iso.datetime(),
  yanked: z.boolean(),
  yankedAt: z.optional(z.iso.datetime()),
});
/** An old row whose yank has no time has never counted. */
export function parsePublisherItem(item: Item): CreditedVersion {
  const { publishedAt, yanked, yankedAt = publishedAt } = PublisherItem.parse(fromItem('credited-version', item));
  return { publishedOn: publishedAt.slice(0, 10), yankedOn: yanked ? yankedAt.slice(0, 10) : null };
}

/** Names and versions have no `#`, but a puller may: the puller is everything after the second one. */
const PullKey = z.string().check(z.regex(/^PULL#[^#]+#./su));
function pullerOfItem({ sk }: Item): string {
  const key = PullKey.parse(sk?.S);
  return key.slice(key.indexOf('#', PULL_PREFIX.length) + 1);
}

const PullItem = z.object({ hour: z.string() });
export const parsePullItem = (item: Item): CountedPull => ({
  puller: pullerOfItem(item),
  on: dateOfHour(PullItem.parse(fromItem('pull', item)).hour),
});

const Keys = z.object({ pk: z.string(), sk: z.string() });

/** The user an item counts for, from its keys; undefined if it counts for nobody. */
export function creditedByItem(keys: Item): AccountId | undefined {
  const { pk, sk } = Keys.parse({ pk: keys.pk?.S, sk: keys.sk?.S });
  if (pk.startsWith(PUBLISHER_PREFIX) && sk.startsWith(VERSION_PREFIX)) {
    return AccountId.parse(pk.slice(PUBLISHER_PREFIX.length));
  }
  if (pk.startsWith(AUTHOR_PREFIX) && sk.startsWith(PULL_PREFIX))
    return AccountId.parse(pk.slice(AUTHOR_PREFIX.length));
  return undefined;
}

export const isExtensionItem = (keys: Item): boolean => keys.sk?.S === EXTENSION_SK;
export const isVersionItem = (keys: Item): boolean => keys.sk?.S?.startsWith(VERSION_PREFIX) === true;

const PulledVersion = z.string().check(z.regex(/^PULL#[^#]+@[^@#]+#./su));

/** The name and version of a pull's row. A version has no `@`, but a name may start with one. */
export function pullOfItem(item: Item): { readonly name: string; readonly version: string; readonly puller: string } {
  const key = PulledVersion.parse(item.sk?.S);
  const pulled = key.slice(PULL_PREFIX.length, key.indexOf('#', PULL_PREFIX.length));
  const at = pulled.lastIndexOf('@');
  return { name: pulled.slice(0, at), version: pulled.slice(at + 1), puller: pullerOfItem(item) };
}
