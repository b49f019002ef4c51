import type { UtcDate } from '../shared/utc.ts';
import type { Board } from './board.ts';

/** A row of a board, with the account's id as `username`. Its rank is its place in the snapshot. */
export type BoardRow = {
  readonly username: string;
  readonly points: number;
  readonly canonicalScore: number;
  readonly tier: string;
  /** The version of the rules that computed the points and the score. */
  readonly rulesVersion: string;
};

/** Some hundred rows that follow each other, and where names of theirs are stored; null if nowhere. */
export type Leaf = { readonly rows: readonly BoardRow[]; readonly names: BlockRef | null };

/** Names of accounts, each as it was at a time (ISO 8601) or later. */
export type KnownNames = { readonly at: string; readonly names: ReadonlyMap<string, string> };

/** The place of a row in the order of a board: points, then the oldest unchanged score, then the account's id. */
export type Place = { readonly points: number; readonly since: number; readonly username: string };

/** The content address of a block. Blocks are never changed. */
export type BlockRef = string;

/**
 * The start of a leaf: every place at or after it, and before the next leaf's start, is in this leaf. Parts are omitted
 * if the end of the previous leaf differs without them. Omitted parts sort first.
 */
export type LeafStart = { readonly points: number; readonly since?: number; readonly username?: string };

/** Some hundreds of rows that follow each other. `start` of the first leaf is null: it begins with the board. */
export type LeafEntry = { readonly start: LeafStart | null; readonly count: number; readonly ref: BlockRef };

/**
 * What a snapshot changes in the rows of its leaves, so that a few changed rows need no new blocks. Places count from 0 and
 * ascend.
 */
export type Patch = {
  /** Places of stored rows that are not listed any more, or not like this. */
  readonly gone: readonly number[];
  /** Rows that no leaf has, with their places on the board. */
  readonly come: readonly { readonly at: number; readonly row: BoardRow }[];
};

/** A user in a bucket, found by a hash of the account's id. The row in the leaf of that place decides. */
export type BucketEntry = { readonly fingerprint: number; readonly points: number; readonly since: number };

/**
 * A board at one time: complete, and never changed. It holds where leaves begin and how many rows each has, so that a
 * rank is a sum. It also names the buckets of its directory, which find a user's place by the account's id; their
 * number is a power of two.
 */
export type Snapshot = {
  readonly board: Board;
  /** ISO 8601: when the build began to read. Every score that was saved before is in it. */
  readonly asOf: string;
  /** The date that windows end on. */
  readonly date: UtcDate;
  /** How many rows there are, with the patch. */
  readonly total: number;
  /**
   * How many of the rows are by which version of the rules: more than one until all scores are refreshed after a
   * change.
   */
  readonly rulesVersions: ReadonlyMap<string, number>;
  /** How many of the rows have which tier; empty in snapshots that were built without. */
  readonly tiers: ReadonlyMap<string, number>;
  /** How many scores were read for it, listed or not. The time between builds depends on it. */
  readonly scores: number;
  readonly leaves: readonly LeafEntry[];
  readonly buckets: readonly BlockRef[];
  /** What changed since the leaves and the buckets were written; missing if nothing did. */
  readonly patch?: Patch;
  /** Where the hidden accounts are listed; null if there are none, missing if there is no list. */
  readonly hidden?: BlockRef | null;
};
