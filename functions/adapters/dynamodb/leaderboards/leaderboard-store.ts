import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import type { Board } from '../../../../domain/leaderboards/board.ts';
import type { Naming, Retention, LeaderboardStore } from '../../../../domain/leaderboards/leaderboard-store.port.ts';
import type { BlockRef, BoardRow, KnownNames } from '../../../../domain/leaderboards/snapshot.ts';
import { latestCredible } from '../../../../domain/scoring/wrong-clock.ts';
import type { Sha256 } from '../../../../domain/shared/environment.ts';
import { dayNumberOf, MILLISECONDS_PER_DAY, MILLISECONDS_PER_HOUR } from '../../../../domain/shared/utc.ts';
import {
  blockKey,
  bucketContent,
  checkOf,
  hiddenContent,
  leafContent,
  leasesKey,
  namesContent,
  newestKey,
  parseBlockHead,
  parseLeaf,
  parseLeases,
  parseNames,
  parseRoot,
  REF_DIGITS,
  snapshotKey,
  toLeasesItem,
  toRoot,
  type BlockContent,
  type Lease,
  type Leased,
} from './leaderboard.items.ts';
import { keptBlocks } from './leaderboard-reader.ts';
import type { Item } from '../shared/item.ts';
import { type Condition, ifNew } from '../shared/conditions.ts';
import { putIf as putItemIf, type PutIf } from '../shared/put-if.ts';

const SECONDS_PER_DAY = 86_400;
const FOR_GOOD = dayNumberOf('9999-12-31');

/** How long a snapshot can be read, in milliseconds from its `asOf`. */
const KEPT = {
  recent: 26 * MILLISECONDS_PER_HOUR, // a build at every midnight replaces it, and pages may be read for two hours more
  hourly: 40 * MILLISECONDS_PER_DAY,
  daily: Infinity,
} as const;

/**
 * Days for which a block is kept beyond the needs of its snapshot. One day is for clocks that differ. If builds fail,
 * the newest snapshot stays readable only as long as its blocks are there: these days are the time for a repair.
 */
const SPARE_DAYS = { recent: 7, hourly: 1, daily: 0 } as const;
/** Every hour would extend a lease a little. It is taken for longer at once, so it is renewed rarely. */
const HOURLY_LEASE_DAYS = 80;
/** Two blocks with one address are not expected in a lifetime. This many are a fault of the hash. */
const MAX_SALTS = 8;

/** The last day, counted from the epoch, on which a block is needed, and the last day that a write grants it. */
function leaseFor(retention: Retention, asOf: string): { readonly needed: number; readonly granted: number } {
  if (retention === 'daily') return { needed: FOR_GOOD, granted: FOR_GOOD };
  const needed = Math.ceil((Date.parse(asOf) + KEPT[retention]) / MILLISECONDS_PER_DAY) + SPARE_DAYS[retention];
  const today = Math.floor(Date.parse(asOf) / MILLISECONDS_PER_DAY);
  return { needed, granted: retention === 'hourly' ? Math.max(needed, today + HOURLY_LEASE_DAYS) : needed };
}

/**
 * The same of names. They end no later than the first snapshot that has them, so they are not kept as long as rows: a later
 * snapshot takes them if they are kept for most of its time.
 */
const FRESH_DAYS = { recent: 1, hourly: 30, daily: 0 } as const;
function leaseOfNames(retention: Retention, asOf: string): { readonly needed: number; readonly granted: number } {
  if (retention === 'daily') return { needed: FOR_GOOD, granted: FOR_GOOD };
  const today = Math.floor(Date.parse(asOf) / MILLISECONDS_PER_DAY);
  const granted = Math.floor((Date.parse(asOf) + KEPT[retention]) / MILLISECONDS_PER_DAY);
  return { needed: today + FRESH_DAYS[retention], granted };
}

/** The end of a lease as the table's time to live. */
const expiryOfDay = (day: number) => (day === FOR_GOOD ? {} : { expiresAt: day * SECONDS_PER_DAY });
const expiryOf = (retention: Retention, asOf: string): Item =>
  retention === 'daily' ? {} : marshall({ expiresAt: Math.ceil((Date.parse(asOf) + KEPT[retention]) / 1_000) });

/** Holds while a block is new, or has the same content and a shorter lease. */
const ifNewOrKeptShorter = (hash: string, until: number): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR (#hash = :hash AND keptUntil < :until)',
  ExpressionAttributeNames: { '#hash': 'hash' },
  ExpressionAttributeValues: marshall({ ':hash': hash, ':until': until }),
});

/** Holds while readers see no snapshot, or an older one. */
const ifNewerThanShown = (asOf: string): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR asOf < :asOf OR asOf > :credible',
  ExpressionAttributeValues: marshall({ ':asOf': asOf, ':credible': latestCredible(Date.parse(asOf)) }),
});

/**
 * The builder's side of the `leaderboards` table.
 *
 * One item for each board remembers which blocks are there, and until when. It is a cache. Every entry is true, because
 * a lease is never shortened; the write finds out about blocks without an entry. If you delete blocks by hand, delete
 * this item too.
 */
export function dynamoLeaderboardStore(client: DynamoDBClient, TableName: string, sha256: Sha256): LeaderboardStore {
  async function read(Key: Item): Promise<Item | undefined> {
    return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
  }

  /** Null if the condition holds, otherwise the item that is there. */
  async function putIf(input: Omit<PutIf, 'TableName'>): Promise<Item | null> {
    const put = await putItemIf(client, { TableName, ...input });
    if (put.isWritten) return null;
    if (put.existing === undefined) throw new Error(`${TableName}: a condition failed, and no item is there`);
    return put.existing;
  }

  /** The lease that the block has now; null if another block has its address. */
  async function putBlock(
    ref: BlockRef,
    hash: string,
    until: number,
    { columns }: BlockContent,
  ): Promise<Lease | null> {
    const existing = await putIf({
      Item: { ...blockKey(ref), ...columns(), ...marshall({ hash, keptUntil: until, ...expiryOfDay(until) }) },
      ...ifNewOrKeptShorter(hash, until),
    });
    if (existing === null) return { check: checkOf(hash), until };
    const { hash: its, keptUntil } = parseBlockHead(existing);
    return its === hash ? { check: checkOf(hash), until: keptUntil } : null;
  }

  /** Rows never change, except for those of an erased account: no patch brings them back. */
  const rowsOf = keptBlocks(async (ref): Promise<readonly BoardRow[] | null> => {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: blockKey(ref) }));
    return Item === undefined ? null : parseLeaf(Item).rows;
  });

  async function readNames(ref: BlockRef): Promise<KnownNames | null> {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: blockKey(ref) }));
    return Item === undefined ? null : parseNames(Item);
  }

  return {
    async current(board) {
      const item = await read(newestKey(board));
      return item === undefined ? null : parseRoot(item).snapshot;
    },

    async write(board, retention, asOf) {
      const ofNames = leaseOfNames(retention, asOf);
      const item = await read(leasesKey(board));
      const before: Leased = item === undefined ? { leases: new Map(), names: new Map() } : parseLeases(item);
      const known = before.leases;
      const named = new Map<BlockRef, Lease>(); // the blocks of the snapshot that is being written
      const names = new Map<BlockRef, BlockRef>(); // the names of its leaves

      async function putNames(rows: readonly BoardRow[], { leafBefore, nameRows }: Naming): Promise<BlockRef | null> {
        const ref = leafBefore === undefined ? undefined : before.names.get(leafBefore);
        const lease = ref === undefined ? undefined : known.get(ref);
        const isKept = lease !== undefined && lease.until >= ofNames.needed;
        if (ref !== undefined && isKept && isKnown(leafContent({ rows, names: ref }))) return keepNames(ref, lease);
        const stored = ref === undefined ? null : await readNames(ref);
        const wanted = await nameRows(rows, stored, isKept);
        if (wanted === null) return null;
        return ref !== undefined && isKept && wanted === stored
          ? keepNames(ref, lease)
          : put(namesContent(wanted), ofNames);
      }

      function keepNames(ref: BlockRef, lease: Lease): BlockRef {
        named.set(ref, lease);
        return ref;
      }

      function isKnown({ text }: BlockContent): boolean {
        const hash = sha256(text);
        return known.get(hash.slice(0, REF_DIGITS))?.check === checkOf(hash);
      }

      async function put(content: BlockContent, { needed, granted } = leaseFor(retention, asOf)): Promise<BlockRef> {
        for (let salt = 0; salt < MAX_SALTS; salt += 1) {
          const hash = sha256(salt === 0 ? content.text : `${salt} ${content.text}`);
          const ref = hash.slice(0, REF_DIGITS);
          const lease = named.get(ref) ?? known.get(ref);
          const isOther = lease !== undefined && lease.check !== checkOf(hash);
          if (isOther) continue;
          const isKept = lease !== undefined && lease.until >= needed;
          const has = isKept ? lease : await putBlock(ref, hash, granted, content);
          if (has === null) continue;
          named.set(ref, has);
          return ref;
        }
        throw new Error(`${TableName}: a block has found no address of its own in ${MAX_SALTS} tries`);
      }

      return {
        isLeaf: (ref, rows) => sha256(leafContent({ rows, names: before.names.get(ref) ?? null }).text).startsWith(ref),
        rowsOf,

        keep({ leaves, buckets }) {
          const ofRows = [...leaves.map(({ ref }) => ref), ...buckets];
          const { needed } = leaseFor(retention, asOf);
          const namesOfLeaves = leaves.flatMap(({ ref }) => before.names.get(ref) ?? []);
          const isKept = (ref: BlockRef, until: number) => (known.get(ref)?.until ?? 0) >= until;
          if (!ofRows.every((ref) => isKept(ref, needed))) return false;
          if (!namesOfLeaves.every((ref) => isKept(ref, ofNames.needed))) return false;
          for (const ref of [...ofRows, ...namesOfLeaves]) {
            const lease = known.get(ref);
            if (lease !== undefined) named.set(ref, lease);
          }
          for (const { ref } of leaves) {
            const ofLeaf = before.names.get(ref);
            if (ofLeaf !== undefined) names.set(ref, ofLeaf);
          }
          return true;
        },

        async putLeaf(rows, naming) {
          const namesRef = naming === undefined ? null : await putNames(rows, naming);
          const ref = await put(leafContent({ rows, names: namesRef }));
          if (namesRef !== null) names.set(ref, namesRef);
          return ref;
        },
        // Only the newest snapshot is asked who is hidden.
        putHidden: (accounts) => put(hiddenContent(accounts), leaseFor('recent', asOf)),
        putBucket: (entries) => put(bucketContent(entries)),

        async commit(snapshot) {
          await rememberLeases(board, before, { leases: named, names });
          const root = await putSnapshot({
            ...snapshotKey(board, asOf),
            ...toRoot(snapshot),
            ...expiryOf(retention, asOf),
          });
          return switchTo(board, asOf, root);
        },
      };
    },
  };

  async function rememberLeases(board: Board, known: Leased, named: Leased): Promise<void> {
    if (isDeepStrictEqual(known, named)) return;
    await client.send(new PutItemCommand({ TableName, Item: toLeasesItem(board, named) }));
  }

  /** A snapshot that another builder stored for the same time stays: readers may be paging through it. */
  async function putSnapshot(item: Item): Promise<Item> {
    return (await putIf({ Item: item, ...ifNew })) ?? item;
  }

  async function switchTo(board: Board, asOf: string, root: Item): Promise<'switched' | 'superseded'> {
    const { expiresAt, ...kept } = root; // the newest stays until the next one replaces it
    const existing = await putIf({ Item: { ...kept, ...newestKey(board) }, ...ifNewerThanShown(asOf) });
    const isOwn = existing?.asOf?.S === asOf; // the SDK sent it again after a lost answer, or two builders built it
    return existing === null || isOwn ? 'switched' : 'superseded';
  }
}
