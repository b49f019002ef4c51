import { GetItemCommand, QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import type { Board } from '../../../../domain/leaderboards/board.ts';
import type { LeaderboardReader } from '../../../../domain/leaderboards/leaderboard-store.port.ts';
import type { BlockRef, Snapshot } from '../../../../domain/leaderboards/snapshot.ts';
import type { Clock } from '../../../../domain/shared/environment.ts';
import { isoOf } from '../../../../domain/shared/utc.ts';
import {
  blockKey,
  boardPk,
  newestKey,
  parseBucket,
  parseHidden,
  parseLeaf,
  parseNames,
  parseRoot,
  snapshotKey,
  snapshotSk,
} from './leaderboard.items.ts';
import type { Item } from '../shared/item.ts';

/**
 * The first snapshot at or before a time is nearly always kept. Otherwise one read looks through an hour's snapshots.
 */
const SNAPSHOTS_A_PAGE = [1, 25] as const;

/** How many blocks a function keeps: a leaf of some hundred rows is about 50 KB. */
const MAX_KEPT_BLOCKS = 100;

/** Keeps what was read of blocks, which never change; the one that was not used for longest goes first. */
export function keptBlocks<Content>(read: (ref: BlockRef) => Promise<Content>): (ref: BlockRef) => Promise<Content> {
  const kept = new Map<BlockRef, Content>();
  return async (ref) => {
    const content = kept.get(ref) ?? (await read(ref));
    kept.delete(ref);
    kept.set(ref, content);
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT_BLOCKS && oldest !== undefined) kept.delete(oldest);
    return content;
  };
}

/**
 * Reads are eventually consistent, for half the price. A snapshot and its blocks never change, so an item that is found
 * is right. An item that is not found may be too new to be seen, so a consistent read follows.
 *
 * An expired snapshot counts as gone, even if its item is still there: its blocks may be missing.
 */
export function dynamoLeaderboardReader(
  client: DynamoDBClient,
  TableName: string,
  { clock }: { readonly clock: Clock },
): LeaderboardReader {
  async function read(Key: Item): Promise<Item | undefined> {
    const seen = (await client.send(new GetItemCommand({ TableName, Key }))).Item;
    return seen ?? (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
  }

  async function readBlock(ref: BlockRef): Promise<Item> {
    const item = await read(blockKey(ref));
    if (item === undefined) throw new Error(`${TableName}: the block ${ref} is missing`);
    return item;
  }

  /**
   * The last snapshot of each board. The same item gives the same object, because other code keeps data by that object.
   */
  const newest = new Map<Board, { readonly item: Item; readonly snapshot: Snapshot }>();

  return {
    async newest(board) {
      const item = await read(newestKey(board));
      if (item === undefined) return null;
      const kept = newest.get(board);
      if (kept !== undefined && isDeepStrictEqual(item, kept.item)) return kept.snapshot;
      const { snapshot } = parseRoot(item);
      newest.set(board, { item, snapshot });
      return snapshot;
    },

    async newestAt(board, time) {
      let from: Item | undefined;
      for (let page = 0; page === 0 || from !== undefined; page += 1) {
        const { Items = [], LastEvaluatedKey } = await client.send(
          new QueryCommand({
            TableName,
            KeyConditionExpression: 'pk = :board AND sk BETWEEN :first AND :last',
            FilterExpression: 'attribute_not_exists(expiresAt) OR expiresAt > :now',
            ExpressionAttributeValues: marshall({
              ':board': boardPk(board),
              ':first': snapshotSk(''),
              ':last': snapshotSk(isoOf(Date.parse(time))),
              ':now': clock() / 1_000,
            }),
            ScanIndexForward: false,
            Limit: SNAPSHOTS_A_PAGE[page === 0 ? 0 : 1],
            ...(from === undefined ? {} : { ExclusiveStartKey: from }),
          }),
        );
        const [found] = Items;
        if (found !== undefined) return parseRoot(found).snapshot;
        from = LastEvaluatedKey;
      }
      return null;
    },

    async exactly(board, asOf) {
      const item = await read(snapshotKey(board, asOf));
      if (item === undefined) return null;
      const { snapshot, expires } = parseRoot(item);
      return expires === null || expires > clock() ? snapshot : null;
    },

    leaf: keptBlocks(async (ref) => parseLeaf(await readBlock(ref))),
    names: keptBlocks(async (ref) => {
      const item = await read(blockKey(ref));
      return item === undefined ? null : parseNames(item);
    }),
    hidden: keptBlocks(async (ref) => {
      const item = await read(blockKey(ref));
      return item === undefined ? null : parseHidden(item);
    }),
    bucket: keptBlocks(async (ref) => parseBucket(await readBlock(ref))),
  };
}
