import type { AccountId } from '../identity/account.ts';
import { ERASED } from '../identity/username.ts';
import type { Sha256 } from '../shared/environment.ts';
import { bucketOf, directoryHash, fingerprintOf } from './layout.ts';
import { patchWithout } from './patch.ts';
import { isBefore } from './row.ts';
import type { BlockRef, BoardRow, BucketEntry, LeafEntry, LeafStart, Patch, Snapshot } from './snapshot.ts';

/** Blocks of snapshots as they are now; a block that has expired has no rows. */
export type BlocksToErase = {
  readonly bucket: (ref: BlockRef) => Promise<readonly BucketEntry[]>;
  readonly rows: (ref: BlockRef) => Promise<readonly BoardRow[]>;
};

/** What of a snapshot names an account: the leaves that list it, and with their replacements the starts of leaves and the patch. */
export type RowsToErase = {
  readonly leaves: readonly BlockRef[];
  readonly starts: ReadonlyMap<number, LeafStart>;
  readonly patch?: Patch;
};

/** Later than every account in the order of places. */
const AFTER_ALL = '~';

/**
 * Finds an account in a snapshot. Its directory stays: it holds hashes, and leads to no row once the row is erased. All
 * other rows keep their ranks.
 */
export async function rowsToErase(
  blocks: BlocksToErase,
  { leaves, buckets, patch }: Pick<Snapshot, 'leaves' | 'buckets' | 'patch'>,
  account: AccountId,
  sha256: Sha256,
): Promise<RowsToErase> {
  const hash = directoryHash(sha256(account));
  const ref = buckets[bucketOf(hash, buckets.length)];
  const candidates = ref === undefined ? [] : await blocks.bucket(ref);
  const found = new Set<BlockRef>();
  for (const { fingerprint, points, since } of candidates) {
    if (fingerprint !== fingerprintOf(hash)) continue;
    const place = { points, since, username: account };
    const leaf = leaves.findLast(({ start }) => start === null || !isBefore(place, start));
    if (leaf !== undefined && (await blocks.rows(leaf.ref)).some(({ username }) => username === account)) {
      found.add(leaf.ref);
    }
  }
  const named = [...leaves.entries()].filter(([, { start }]) => start?.username === account);
  const starts = new Map<number, LeafStart>();
  for (const [index, leaf] of named) starts.set(index, await startWithout(blocks, leaf, account));
  const came = patch?.come.some(({ row }) => row.username === account) === true;
  return { leaves: [...found], starts, ...(came && { patch: patchWithout(patch, account) }) };
}

/** A start after the account's own place and up to the next row's: no row is between them. */
async function startWithout(
  { rows }: BlocksToErase,
  { start, ref }: LeafEntry,
  account: AccountId,
): Promise<LeafStart> {
  if (start === null) throw new Error('the first leaf of a board has no start');
  const next = (await rows(ref)).find(({ username }) => username !== ERASED && username !== account);
  const mayBeTied = next?.points === start.points && next.username > account;
  return { ...start, username: mayBeTied ? next.username : AFTER_ALL };
}
