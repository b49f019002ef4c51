import { Buffer } from 'node:buffer';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { Board } from '../../../../domain/leaderboards/board.ts';
import type {
  BlockRef,
  BucketEntry,
  KnownNames,
  Leaf,
  LeafStart,
  Patch,
  Snapshot,
} from '../../../../domain/leaderboards/snapshot.ts';
import {
  Differences,
  Numbers,
  packDifferences,
  packNumbers,
  packTexts,
  Texts,
  unpackDifferences,
  unpackNumbers,
  unpackTexts,
} from './column.codec.ts';
import type { Item } from '../shared/item.ts';
import { fromItem, toItem } from '../shared/format.ts';

/**
 * The items of the `leaderboards` table.
 *
 *   BOARD#<board>    NEWEST             the snapshot that readers see, whole: one read
 *   BOARD#<board>    SNAPSHOT#<asOf>    a snapshot as long as it is kept, in the same form
 *   BOARD#<board>    LEASES             how long the blocks of the newest one are kept at least
 *   BLOCK#<ref>      BLOCK              some hundreds of rows, their names, or a bucket of the directory
 *   RULES            IN_FORCE           the version of the rules in force, and since when each was
 */

const SNAPSHOT_PREFIX = 'SNAPSHOT#';
export const boardPk = (board: Board): string => `BOARD#${board}`;
export const snapshotSk = (asOf: string): string => SNAPSHOT_PREFIX + asOf;
export const snapshotKey = (board: Board, asOf: string): Item => marshall({ pk: boardPk(board), sk: snapshotSk(asOf) });
export const newestKey = (board: Board): Item => marshall({ pk: boardPk(board), sk: 'NEWEST' });
export const leasesKey = (board: Board): Item => marshall({ pk: boardPk(board), sk: 'LEASES' });
export const RULES_KEY: Item = marshall({ pk: 'RULES', sk: 'IN_FORCE' });
export const blockKey = (ref: BlockRef): Item => marshall({ pk: `BLOCK#${ref}`, sk: 'BLOCK' });

const Count = z.int().check(z.nonnegative());
const Bytes = z.instanceof(Uint8Array);

/** So many hexadecimal digits of a block's hash are its address: two per byte of a root. */
export const REF_DIGITS = 12;
const REF_BYTES = REF_DIGITS / 2;

const packHex = (texts: readonly string[]): Uint8Array => Buffer.from(texts.join(''), 'hex');
const unpackHex = (bytes: Uint8Array, width: number): string[] =>
  Array.from({ length: bytes.length / width }, (_, index) =>
    Buffer.from(bytes.subarray(index * width, (index + 1) * width)).toString('hex'),
  );

/** The parts of a start that are there: 0 none at all, 1 points, 2 since as well, 3 all of them. */
const RootItem = z.object({
  board: z.string(),
  asOf: z.iso.datetime(),
  date: z.iso.date(),
  /** Without the patch: an older release does not know it, and shows the rows as they were when they were stored. */
  total: Count,
  scores: Count,
  /** Missing in old snapshots, whose rows all have one version. */
  rulesVersions: z._default(z.record(z.string(), Count), {}),
  /** Missing in old snapshots. */
  tiers: z._default(z.record(z.string(), Count), {}),
  leaves: Count,
  startParts: Numbers,
  startPoints: Differences,
  startSince: Numbers,
  startUsernames: Texts,
  counts: Numbers,
  refs: Bytes,
  /** Missing in old snapshots, and if too many accounts are hidden. */
  hidden: z.optional(z.nullable(z.string())),
  /** Missing if nothing changed since the blocks were written. */
  patch: z.optional(Bytes),
  expiresAt: z.optional(z.int()),
});

const partsOf = (start: LeafStart | null): number => {
  if (start === null) return 0;
  if (start.since === undefined) return 1;
  return start.username === undefined ? 2 : 3;
};

const present = <Value>(values: readonly (Value | undefined)[]): Value[] =>
  values.filter((value) => value !== undefined);

const StoredPatch = z.tuple([
  z.array(Count),
  z.array(z.tuple([Count, z.string(), z.int(), z.int(), z.string(), z.string()])),
]);

const packPatch = ({ gone, come }: Patch): Uint8Array => {
  const rows = come.map(({ at, row }): z.infer<typeof StoredPatch>[1][number] => [
    ...([at, row.username, row.points] as const),
    ...([row.canonicalScore, row.tier, row.rulesVersion] as const),
  ]);
  return packTexts([JSON.stringify([gone, rows])]);
};

function unpackPatch(packed: Uint8Array): Patch {
  const [text = ''] = unpackTexts(packed, 1);
  const [gone, rows] = StoredPatch.parse(JSON.parse(text));
  return {
    gone,
    come: rows.map(([at, username, points, canonicalScore, tier, rulesVersion]) => ({
      at,
      row: { username, points, canonicalScore, tier, rulesVersion },
    })),
  };
}

/** How many rows more a snapshot lists than its leaves have. */
const moreIn = (patch: Patch | undefined): number => (patch?.come.length ?? 0) - (patch?.gone.length ?? 0);

/** A snapshot as it is stored, without its key. */
export function toRoot({ leaves, buckets, rulesVersions, tiers, patch, ...snapshot }: Snapshot): Item {
  const starts = leaves.map(({ start }) => start);
  const usernames = present(starts.map((start) => start?.username));
  return toItem('snapshot', {
    ...snapshot,
    total: snapshot.total - moreIn(patch),
    patch: patch && packPatch(patch),
    rulesVersions: Object.fromEntries(rulesVersions),
    tiers: Object.fromEntries(tiers),
    leaves: leaves.length,
    startParts: packNumbers(starts.map(partsOf)),
    startPoints: packDifferences(present(starts.map((start) => start?.points))),
    startSince: packNumbers(present(starts.map((start) => start?.since))),
    startUsernames: packTexts(usernames),
    counts: packNumbers(leaves.map(({ count }) => count)),
    refs: packHex([...leaves.map(({ ref }) => ref), ...buckets]),
  });
}

/** The end of the snapshot in milliseconds since the epoch; null if it is kept forever. */
export type StoredSnapshot = { readonly snapshot: Snapshot; readonly expires: number | null };

export function parseRoot(item: Item): StoredSnapshot {
  const root = RootItem.parse(fromItem('snapshot', item));
  const parts = unpackNumbers(root.startParts, root.leaves);
  const atLeast = (part: number): number => parts.filter((count) => count >= part).length;
  const points = unpackDifferences(root.startPoints, atLeast(1)).values();
  const since = unpackNumbers(root.startSince, atLeast(2)).values();
  const usernames = unpackTexts(root.startUsernames, atLeast(3)).values();
  const counts = unpackNumbers(root.counts, root.leaves);
  const refs = unpackHex(root.refs, REF_BYTES);

  const startOf = (part: number): LeafStart | null => {
    if (part === 0) return null;
    const start = { points: next(points) };
    if (part === 1) return start;
    if (part === 2) return { ...start, since: next(since) };
    return { ...start, since: next(since), username: next(usernames) };
  };
  const leaves = parts.map((part, index) => ({
    start: startOf(part),
    count: counts[index] ?? 0,
    ref: refs[index] ?? '',
  }));
  const { board, asOf, date, scores, expiresAt } = root;
  const hidden = root.hidden === undefined ? {} : { hidden: root.hidden };
  const patch = root.patch && unpackPatch(root.patch);
  const total = root.total + moreIn(patch);
  const rulesVersions = new Map(Object.entries(root.rulesVersions));
  const tiers = new Map(Object.entries(root.tiers));
  return {
    snapshot: {
      ...{ board, asOf, date, total, rulesVersions, tiers, scores, leaves },
      ...{ buckets: refs.slice(root.leaves), ...hidden, ...(patch && { patch }) },
    },
    expires: expiresAt === undefined ? null : expiresAt * 1_000,
  };
}

function next<Value>(values: Iterator<Value, unknown>): Value {
  const { done, value } = values.next();
  if (done) throw new Error('a root with fewer values than its starts have parts');
  return value;
}

const LeafItem = z.object({
  count: Count,
  usernames: Texts,
  points: Differences,
  /** canonicalScore minus the points: 0 on the board of all time. */
  others: Numbers,
  tierNames: z.array(z.string()),
  tiers: Numbers,
  // Neither is in a block that was written before rows had a version.
  versionNames: z._default(z.array(z.string()), ['']),
  versions: z._default(Numbers, { min: 0, places: [] }),
  /** Missing if names of these rows are stored nowhere. */
  names: z.optional(z.string()),
});

/** The content of a block: its address is the hash of `text`, and `columns` is stored. */
export type BlockContent = { readonly text: string; readonly columns: () => Item };

export const leafContent = ({ rows, names }: Leaf): BlockContent => ({
  text: `leaf ${names === null ? '' : `${names} `}${JSON.stringify(rows.map((row) => [row.username, row.points, row.canonicalScore, row.tier, row.rulesVersion]))}`,
  columns: () => {
    const tierNames = [...new Set(rows.map(({ tier }) => tier))];
    const versionNames = [...new Set(rows.map(({ rulesVersion }) => rulesVersion))];
    return toItem('block', {
      count: rows.length,
      usernames: packTexts(rows.map(({ username }) => username)),
      points: packDifferences(rows.map(({ points }) => points)),
      others: packNumbers(rows.map(({ points, canonicalScore }) => canonicalScore - points)),
      tierNames,
      tiers: packNumbers(rows.map(({ tier }) => tierNames.indexOf(tier))),
      versionNames,
      versions: packNumbers(rows.map(({ rulesVersion }) => versionNames.indexOf(rulesVersion))),
      names: names ?? undefined,
    });
  },
});

/** The usernames of a leaf by themselves: what an erasure replaces. */
export const usernamesColumn = (usernames: readonly string[]): Item => marshall({ usernames: packTexts(usernames) });

export function parseLeaf(item: Item): Leaf {
  const { count, tierNames, versionNames, ...columns } = LeafItem.parse(fromItem('block', item));
  const points = unpackDifferences(columns.points, count);
  const others = unpackNumbers(columns.others, count);
  const tiers = unpackNumbers(columns.tiers, count);
  const versions = unpackNumbers(columns.versions, count);
  const rows = unpackTexts(columns.usernames, count).map((username, index) => {
    const own = points[index] ?? 0;
    const tier = tierNames[tiers[index] ?? 0];
    const rulesVersion = versionNames[versions[index] ?? 0];
    if (tier === undefined || rulesVersion === undefined)
      throw new Error('a leaf with a place outside of its table of names');
    return { username, points: own, canonicalScore: own + (others[index] ?? 0), tier, rulesVersion };
  });
  return { rows, names: columns.names ?? null };
}

const NamesItem = z.object({ count: Count, at: z.iso.datetime(), accounts: Texts, names: Texts });

/** Which accounts have which names: what an erasure replaces. */
export const namesColumns = ({ names }: Pick<KnownNames, 'names'>) => ({
  count: names.size,
  accounts: packTexts([...names.keys()]),
  names: packTexts([...names.values()]),
});

export const namesContent = ({ at, names }: KnownNames): BlockContent => ({
  text: `names ${at} ${JSON.stringify([...names])}`,
  columns: () => toItem('block', { at, ...namesColumns({ names }) }),
});

export function parseNames(item: Item): KnownNames {
  const { count, at, accounts, names } = NamesItem.parse(fromItem('block', item));
  const texts = unpackTexts(names, count);
  return { at, names: new Map(unpackTexts(accounts, count).map((account, index) => [account, texts[index] ?? ''])) };
}

const HiddenItem = z.object({ count: Count, accounts: Texts });

export const hiddenContent = (accounts: readonly string[]): BlockContent => ({
  text: `hidden ${JSON.stringify(accounts)}`,
  columns: () => toItem('block', { count: accounts.length, accounts: packTexts(accounts) }),
});

export function parseHidden(item: Item): ReadonlySet<string> {
  const { count, accounts } = HiddenItem.parse(fromItem('block', item));
  return new Set(unpackTexts(accounts, count));
}

const BucketItem = z.object({ count: Count, fingerprints: Differences, points: Numbers, since: Numbers });

/** The order in a bucket has no meaning. Sorted fingerprints take fewer bytes. */
const compareEntries = (a: BucketEntry, b: BucketEntry): number =>
  a.fingerprint - b.fingerprint || b.points - a.points || a.since - b.since;

export function bucketContent(unsorted: readonly BucketEntry[]): BlockContent {
  const entries = unsorted.toSorted(compareEntries);
  return {
    text: `bucket ${JSON.stringify(entries.map(({ fingerprint, points, since }) => [fingerprint, points, since]))}`,
    columns: () =>
      toItem('block', {
        count: entries.length,
        fingerprints: packDifferences(entries.map(({ fingerprint }) => fingerprint)),
        points: packNumbers(entries.map(({ points }) => points)),
        since: packNumbers(entries.map(({ since }) => since)),
      }),
  };
}

export function parseBucket(item: Item): readonly BucketEntry[] {
  const { count, ...columns } = BucketItem.parse(fromItem('block', item));
  const points = unpackNumbers(columns.points, count);
  const since = unpackNumbers(columns.since, count);
  return unpackDifferences(columns.fingerprints, count).map((fingerprint, index) => ({
    fingerprint,
    points: points[index] ?? 0,
    since: since[index] ?? 0,
  }));
}

/** Whole days since the epoch: the block is there until then. */
const BlockHead = z.object({ hash: z.string(), keptUntil: z.int() });
export const parseBlockHead = (item: Item): z.infer<typeof BlockHead> => BlockHead.parse(fromItem('block', item));

/** `check` is more of the block's hash than its address has: an address alone may be another block's. */
export type Lease = { readonly check: string; readonly until: number };
export type Leases = ReadonlyMap<BlockRef, Lease>;
/** The leases of a snapshot's blocks, and where the names of each leaf are. */
export type Leased = { readonly leases: Leases; readonly names: ReadonlyMap<BlockRef, BlockRef> };

const CHECK_BYTES = 4;
export const checkOf = (hash: string): string => hash.slice(REF_DIGITS, REF_DIGITS + 2 * CHECK_BYTES);

const LeasesItem = z.object({
  blocks: Bytes,
  until: Numbers,
  /** Leaves, each with its names; missing in old items. */
  names: z._default(Bytes, new Uint8Array()),
});

export const toLeasesItem = (board: Board, { leases, names }: Leased): Item => ({
  ...leasesKey(board),
  ...toItem('leases', {
    names: packHex([...names].flat()),
    blocks: packHex([...leases].map(([ref, { check }]) => ref + check)),
    until: packNumbers([...leases.values()].map(({ until }) => until)),
  }),
});

export function parseLeases(item: Item): Leased {
  const { blocks, until, names } = LeasesItem.parse(fromItem('leases', item));
  const heads = unpackHex(blocks, REF_BYTES + CHECK_BYTES);
  const days = unpackNumbers(until, heads.length);
  const pairs = unpackHex(names, 2 * REF_BYTES);
  return {
    leases: new Map(
      heads.map((head, index) => [
        head.slice(0, REF_DIGITS),
        { check: head.slice(REF_DIGITS), until: days[index] ?? 0 },
      ]),
    ),
    names: new Map(pairs.map((pair) => [pair.slice(0, REF_DIGITS), pair.slice(REF_DIGITS)])),
  };
}
