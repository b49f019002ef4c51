import type { GrantAppend } from '../grants/grant-ledger.port.ts';
import type { AccountId } from '../identity/account.ts';
import type { Channel, Extension, ExtensionName, ExtensionVersion, PublishedVersion, Yank } from './extension.ts';

/** A new version with all that it brings: written together or not at all. */
export type Publication = {
  readonly version: PublishedVersion;
  /** The extension as it was read; undefined if this version is its first. */
  readonly extension: Extension | undefined;
  /** The revision of the members as they were read, if a collective publishes; 0 if nobody has set members. */
  readonly collectiveRevision?: number;
  /** One for each credited user. */
  readonly grants: readonly GrantAppend[];
  /** Marks this very write. */
  readonly writeId: string;
};

export type StoredVersion = PublishedVersion & { readonly writeId: string };

export type LatestVersion = Pick<PublishedVersion, 'name' | 'version' | 'publishedAt' | 'publisher'>;

/** DynamoDB takes 100 actions in one transaction. */
export const MAX_ROWS_AT_ONCE = 100;
/** The rows that a yank writes of a version: itself, its place among the newest, and one for each credited user. */
export const rowsOf = ({ credited }: Pick<PublishedVersion, 'credited'>): number => 2 + credited.length;

/** Where extensions and their versions are kept. Everything is read strongly consistent. */
export type Registry = {
  findExtension(name: ExtensionName): Promise<Extension | undefined>;
  findVersion(name: ExtensionName, version: ExtensionVersion): Promise<StoredVersion | undefined>;
  /** All versions of an extension, the newest first. */
  versionsOf(name: ExtensionName): AsyncIterable<StoredVersion>;
  /** The newest version of a channel that is not yanked, by one read, however many there are. */
  latestVersion(name: ExtensionName, channel: Channel): Promise<LatestVersion | undefined>;
  /**
   * `stale`: something is not as it was read, or the store was busy: read again and decide again. A throw leaves it
   * open whether it was written; the version then bears the `writeId`.
   */
  publish(publication: Publication): Promise<'published' | 'stale'>;
  /**
   * Yanks or restores versions for all their credited users, all or none. Together they have at most
   * `MAX_ROWS_AT_ONCE`. `stale` as above.
   */
  saveYanks(versions: readonly StoredVersion[], yank: Yank | undefined): Promise<'saved' | 'stale'>;
  /** Saves the owner and the offer, if the extension is still at the revision that was read. */
  saveExtension(extension: Extension): Promise<'saved' | 'stale'>;
};

/** A version's pulls, each once for every user that the version counts for. */
export type Pulls = {
  findVersion: Registry['findVersion'];
  /**
   * `at` is epoch milliseconds. `isCounted`: this author's row is the one by which the community counts the pull, once,
   * however many it is credited to.
   */
  recordPull(
    author: AccountId,
    pull: { readonly name: ExtensionName; readonly version: ExtensionVersion; readonly puller: string },
    at: number,
    options: { readonly isCounted: boolean },
  ): Promise<'recorded' | 'already-there'>;
};
