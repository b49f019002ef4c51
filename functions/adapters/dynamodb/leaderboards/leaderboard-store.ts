import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import type { Board } from '../../../../domain/leaderboards/board.ts';
import type { Retention, LeaderboardStore } from '../../../../domain/leaderboards/leaderboard-store.port.ts';
import type { BlockRef } from '../../../../domain/leaderboards/snapshot.ts';
import { latestCredible } from '../../../../domain/scoring/wrong-clock.ts';
import type { Sha256 } from '../../../../domain/shared/environment.ts';
import { dayNumberOf, MILLISECONDS_PER_DAY, MILLISECONDS_PER_HOUR } from '../../../../domain/shared/utc.ts';
import {
  blockKey,
  bucketContent,
  checkOf,
  leafContent,
  leasesKey,
  newestKey,
  parseBlockHead,
  parseLeases,
  parseRoot,
  REF_DIGITS,
  snapshotKey,
  toLeasesItem,
  toRoot,
  type BlockContent,
  type Lease,
  type Leases,
} from './leaderboard.items.ts';
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

  return {
    async current(board) {
      const item = await read(newestKey(board));
      return item === undefined ? null : parseRoot(item).snapshot;
    },

    async write(board, retention, asOf) {
      const { needed, granted } = leaseFor(retention, asOf);
      const item = await read(leasesKey(board));
      const known: Leases = item === undefined ? new Map() : parseLeases(item);
      const named = new Map<BlockRef, Lease>(); // the blocks of the snapshot that is being written

      async function put(content: BlockContent): Promise<BlockRef> {
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
        putLeaf: (rows) => put(leafContent(rows)),
        putBucket: (entries) => put(bucketContent(entries)),

        async commit(snapshot) {
          await rememberLeases(board, known, named);
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

  async function rememberLeases(board: Board, known: Leases, named: Leases): Promise<void> {
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
