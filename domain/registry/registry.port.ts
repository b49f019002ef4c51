import type { GrantAppend } from '../grants/grant-ledger.port.ts';
import type { Username } from '../identity/username.ts';
import type { Extension, ExtensionName, ExtensionVersion, PublishedVersion, Publisher, Yank } from './extension.ts';

/** A new version with all that it brings: written together or not at all. */
export type Publication = {
  readonly version: PublishedVersion;
  /** The extension as it was read; undefined where this version is its first. */
  readonly extension: Extension | undefined;
  /** The members as they were read, where a collective publishes; its revision is 0 where nobody has set them. */
  readonly collectiveRevision?: number;
  /** One for each credited user. */
  readonly grants: readonly GrantAppend[];
  /** Marks this very write. */
  readonly writeId: string;
};

export type StoredVersion = PublishedVersion & { readonly writeId: string };

/** Where extensions and their versions are kept. Everything is read strongly consistent. */
export type Registry = {
  findExtension(name: ExtensionName): Promise<Extension | undefined>;
  findVersion(name: ExtensionName, version: ExtensionVersion): Promise<StoredVersion | undefined>;
  /** All versions of an extension, the newest first. */
  versionsOf(name: ExtensionName): AsyncIterable<PublishedVersion>;
  /**
   * `stale`: something is not as it was read, or the store was busy: read again and decide again. A throw leaves it open
   * whether it was written; the version then bears the `writeId`.
   */
  publish(publication: Publication): Promise<'published' | 'stale'>;
  /** Yanks or restores a version, for all whom it counts for. `stale` as above. */
  saveYank(version: StoredVersion, yank: Yank | undefined): Promise<'saved' | 'stale'>;
  saveOwner(extension: Extension, owner: Publisher): Promise<'saved' | 'stale'>;
};

/** A version's pulls, each once for every user whom the version counts for. */
export type Pulls = {
  findVersion: Registry['findVersion'];
  /**
   * `at` is epoch milliseconds. `isCounted`: this author's row is the one by which the community counts the pull, once,
   * however many it is credited to.
   */
  recordPull(
    author: Username,
    pull: { readonly name: ExtensionName; readonly version: ExtensionVersion; readonly puller: string },
    at: number,
    options: { readonly isCounted: boolean },
  ): Promise<'recorded' | 'already-there'>;
};
