import type { Board } from './board.ts';
import type { NameRows } from './row-names.ts';
import type { StoredLeaves } from './patch.ts';
import type { BlockRef, BoardRow, BucketEntry, KnownNames, Leaf, Snapshot } from './snapshot.ts';

/**
 * How long a snapshot can be read: `recent` while somebody may page through it, `hourly` for 40 days, `daily` forever.
 * A block stays as long as the longest-kept snapshot that names it.
 */
export type Retention = 'recent' | 'hourly' | 'daily';

export type Naming = { readonly leafBefore: BlockRef | undefined; readonly nameRows: NameRows };

/** The writing of one snapshot. Nothing of it is seen before `commit`. */
export type SnapshotWriter = StoredLeaves & {
  /** Whether the blocks of the snapshot before are kept as long as this one. Then they are blocks of this one, too. */
  keep(blocks: Pick<Snapshot, 'leaves' | 'buckets'>): boolean;
  /**
   * The address of the block, which is written only if it is not kept long enough already. With `naming`, names of its rows
   * are stored, too: those of the leaf that had these places in the snapshot before, if they do. Names are kept no longer
   * than the first snapshot that has them, so that an erasure finds them by its rows.
   */
  putLeaf(rows: readonly BoardRow[], naming?: Naming): Promise<BlockRef>;
  putBucket(entries: readonly BucketEntry[]): Promise<BlockRef>;
  /** The accounts that are hidden now. */
  putHidden(accounts: readonly string[]): Promise<BlockRef>;
  /**
   * Stores the snapshot, then switches readers to it by one conditional write, which moves forward only.
   * `superseded`: readers see one already that began to read later, or at the same time.
   */
  commit(snapshot: Snapshot): Promise<'switched' | 'superseded'>;
};

export type LeaderboardStore = {
  /** The snapshot that readers see, strongly consistent; null before the first. */
  current(board: Board): Promise<Snapshot | null>;
  /** `asOf` of the snapshot decides how long its blocks are kept. */
  write(board: Board, retention: Retention, asOf: string): Promise<SnapshotWriter>;
};

export type LeaderboardReader = {
  /** The snapshot that readers were switched to last; null before the first. One read. */
  newest(board: Board): Promise<Snapshot | null>;
  /** The newest one that is kept at or before a time (ISO 8601); null without one. */
  newestAt(board: Board, time: string): Promise<Snapshot | null>;
  /** The one of exactly that time, while it is kept. */
  exactly(board: Board, asOf: string): Promise<Snapshot | null>;
  /** One read. */
  leaf(ref: BlockRef): Promise<Leaf>;
  /** One read; null once they have expired. */
  names(ref: BlockRef): Promise<KnownNames | null>;
  /** One read; null once they have expired. */
  hidden(ref: BlockRef): Promise<ReadonlySet<string> | null>;
  /** One read. */
  bucket(ref: BlockRef): Promise<readonly BucketEntry[]>;
};
