import { startBetween, isBefore, type PlacedRow } from './row.ts';
import type { LeafStart, Snapshot } from './snapshot.ts';

/** How large blocks are, in rows and entries. */
export type Layout = {
  readonly leaf: {
    readonly most: number;
    /** How full a new leaf is, so that it has room to grow. */
    readonly filled: number;
    /** Only a single leaf may have fewer. */
    readonly fewest: number;
    /** With fewer rows a leaf on average, the whole board is divided again: the pointer has to stay small. */
    readonly average: number;
  };
  /** The largest number of entries on average. */
  readonly bucket: number;
  /** How many changed rows a snapshot carries itself, at most. With more, the changed blocks are written. */
  readonly changes: number;
};

/**
 * With these, a rank among a million users costs at most 6 read units: 2.5 for the pointer, which holds the root, 1.5
 * for a bucket and 2 for a leaf; with usernames of up to 14 characters, where leaves have grown and split for long.
 * A pointer with that many changed rows takes one write unit on boards of up to 2,000 users.
 */
export const LAYOUT: Layout = {
  ...{ leaf: { most: 1_500, filled: 1_125, fewest: 375, average: 750 }, bucket: 1_000 },
  changes: 24,
};

export type Leaf = { readonly start: LeafStart | null; readonly rows: readonly PlacedRow[] };

/** In parts of equal size, each with at most as many rows as a new leaf. Rows that fit in one stay together. */
function* split(rows: readonly PlacedRow[], { most, filled }: Layout['leaf']): Generator<readonly PlacedRow[]> {
  const parts = rows.length <= most ? 1 : Math.ceil(rows.length / filled);
  for (let part = 0; part < parts; part += 1)
    yield rows.slice(Math.floor((part * rows.length) / parts), Math.floor(((part + 1) * rows.length) / parts));
}

/** Sorted rows, cut at the starts of the previous leaves. Only the last piece may have too few rows. */
function* cut(
  rows: Iterable<PlacedRow>,
  starts: readonly LeafStart[],
  limits: Layout['leaf'],
): Generator<readonly PlacedRow[]> {
  const { most, filled, fewest } = limits;
  let piece: PlacedRow[] = [];
  let next = 0;
  for (const row of rows) {
    const reached = next;
    for (let start = starts[next]; start !== undefined && !isBefore(row, start); start = starts[next]) next += 1;
    if (next > reached && piece.length >= fewest) {
      yield* split(piece, limits);
      piece = [];
    } else if (piece.length === most + filled) {
      yield piece.slice(0, filled);
      piece = piece.slice(filled);
    }
    piece.push(row);
  }
  yield* split(piece, limits);
}

const needsRebuild = ({ leaves, total }: Snapshot, { average }: Layout['leaf']): boolean =>
  leaves.length > 1 && total < leaves.length * average;

/**
 * Cuts sorted rows into leaves at the cuts of the previous snapshot, so that a leaf with unchanged rows is the same
 * block again. A leaf that is too large is split, and a leaf that is too small joins its neighbour. Only a few leaves
 * are held at a time.
 */
export function* cutLeaves(
  rows: Iterable<PlacedRow>,
  previous: Snapshot | null,
  { leaf: limits }: Layout,
): Generator<Leaf> {
  const kept = previous === null || needsRebuild(previous, limits) ? [] : previous.leaves;
  const starts = kept.flatMap(({ start }) => (start === null ? [] : [start]));
  let last: PlacedRow | undefined;
  const begin = (leaf: readonly PlacedRow[]): Leaf => {
    const [first] = leaf;
    const start = last === undefined || first === undefined ? null : startBetween(last, first);
    last = leaf.at(-1);
    return { start, rows: leaf };
  };
  let held: readonly PlacedRow[] = []; // until it is known that what follows needs no neighbour
  for (const piece of cut(rows, starts, limits)) {
    if (piece.length < limits.fewest) {
      held = [...held, ...piece];
    } else {
      if (held.length > 0) yield begin(held);
      held = piece;
    }
  }
  if (held.length > 0) for (const part of split(held, limits)) yield begin(part);
}

/** A user's place in the directory. `hash`: the first 16 hexadecimal digits of the SHA-256 of the account's id. */
export type DirectoryEntry = { readonly hash: string; readonly points: number; readonly since: number };

const HASH_DIGITS = 16;
const HALF = HASH_DIGITS / 2;
const HALF_RANGE = 2 ** 32;

/** The hash by which the directory finds a user, from the SHA-256 of the account's id. */
export const directoryHash = (sha256OfAccount: string): string => sha256OfAccount.slice(0, HASH_DIGITS);

/** The order of the directory: bucket by bucket, however many there are. */
export const compareEntries = (a: DirectoryEntry, b: DirectoryEntry): number =>
  (a.hash < b.hash ? -1 : Number(a.hash > b.hash)) || b.points - a.points || a.since - b.since;

/** The leading bits of the hash number the bucket. `buckets`: a power of two. */
export const bucketOf = (hash: string, buckets: number): number =>
  Math.floor((Number.parseInt(hash.slice(0, HALF), 16) / HALF_RANGE) * buckets);

/** Distinguishes a user from most others of a bucket: 32 bits that the bucket's number does not use. */
export const fingerprintOf = (hash: string): number => Number.parseInt(hash.slice(HALF), 16);

/**
 * The number of buckets of a directory: a power of two. The previous number stays as long as it is near the needed one,
 * because another number changes every bucket.
 */
export function bucketsFor(total: number, before: number, { bucket }: Layout): number {
  if (total === 0) return 0;
  let needed = 1;
  while (needed * bucket < total) needed *= 2;
  return before === needed * 2 ? before : needed;
}

/** Sorted entries by bucket: one array for each bucket, even an empty one. */
export function* cutBuckets(entries: Iterable<DirectoryEntry>, buckets: number): Generator<readonly DirectoryEntry[]> {
  let bucket: DirectoryEntry[] = [];
  let index = 0;
  for (const entry of entries) {
    for (const own = bucketOf(entry.hash, buckets); index < own; index += 1) {
      yield bucket;
      bucket = [];
    }
    bucket.push(entry);
  }
  for (; index < buckets; index += 1) {
    yield bucket;
    bucket = [];
  }
}
