import type { Board } from './board.ts';
import type { BlockRef, BoardRow, BucketEntry, Snapshot } from './snapshot.ts';

/**
 * How long a snapshot can be read: `recent` while somebody may page through it, `hourly` for 40 days, `daily` forever.
 * A block stays as long as the longest-kept snapshot that names it.
 */
export type Retention = 'recent' | 'hourly' | 'daily';

/** The writing of one snapshot. Nothing of it is seen before `commit`. */
export type SnapshotWriter = {
  /** The address of the block, which is written only if it is not kept long enough already. */
  putLeaf(rows: readonly BoardRow[]): Promise<BlockRef>;
  putBucket(entries: readonly BucketEntry[]): Promise<BlockRef>;
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
  leaf(ref: BlockRef): Promise<readonly BoardRow[]>;
  /** One read. */
  bucket(ref: BlockRef): Promise<readonly BucketEntry[]>;
};
