import { GetItemCommand, QueryCommand, UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import type { ErasureStep } from '../../../../domain/identity/run-erasure.ts';
import { ERASED } from '../../../../domain/identity/username.ts';
import type { Board } from '../../../../domain/leaderboards/board.ts';
import { rowsToErase } from '../../../../domain/leaderboards/erase-rows.ts';
import type { BlockRef } from '../../../../domain/leaderboards/snapshot.ts';
import type { Sha256 } from '../../../../domain/shared/environment.ts';
import {
  blockKey,
  boardPk,
  namesColumns,
  parseBucket,
  parseLeaf,
  parseNames,
  parseRoot,
  snapshotSk,
  toRoot,
  usernamesColumn,
} from '../leaderboards/leaderboard.items.ts';
import { ifItHolds } from '../shared/conditions.ts';
import type { Item } from '../shared/item.ts';

/** A root of a million users has about 20 KB. */
const ROOTS_A_PAGE = 25;
const MAX_TRIES = 10;

/**
 * Takes an account's rows and stored names out of all snapshots of a board, past ones, too. A block keeps its address and
 * its number of rows: only the id in the row is replaced, so the ranks of all others stay.
 */
export const eraseRows = (
  client: DynamoDBClient,
  { TableName, sha256 }: { readonly TableName: string; readonly sha256: Sha256 },
  board: Board,
): ErasureStep => {
  const read = async (Key: Item) =>
    (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;

  /** Sets attributes of an item on condition that one of them is as it was read. */
  async function replaced(Key: Item, before: Item, after: Item, unchanged: string): Promise<boolean> {
    const names = Object.keys(after);
    const command = new UpdateItemCommand({
      TableName,
      Key,
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
      ConditionExpression: `#${unchanged} = :read`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ...Object.fromEntries(Object.entries(after).map(([name, value]) => [`:${name}`, value])),
        ...(before[unchanged] === undefined ? {} : { ':read': before[unchanged] }),
      },
    });
    return await ifItHolds(client.send(command));
  }

  /** Changes a block, unless it has expired. Two erasures may meet in one. */
  async function change(ref: BlockRef, unchanged: string, after: (block: Item) => Item): Promise<void> {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const item = await read(blockKey(ref));
      if (item === undefined || (await replaced(blockKey(ref), item, after(item), unchanged))) return;
    }
    throw new Error(`${TableName}: the block ${ref} was changed ${MAX_TRIES} times`);
  }

  /** The row is what leads to the name, so it is last. */
  async function eraseFromLeaf(ref: BlockRef, account: AccountId): Promise<void> {
    const item = await read(blockKey(ref));
    const stored = item === undefined ? null : parseLeaf(item).names;
    if (stored !== null) {
      await change(stored, 'accounts', (block) => {
        const names = new Map([...parseNames(block).names].filter(([id]) => id !== account));
        return marshall(namesColumns({ names }));
      });
    }
    await change(ref, 'usernames', (block) =>
      usernamesColumn(parseLeaf(block).rows.map(({ username }) => (username === account ? ERASED : username))),
    );
  }

  return {
    name: `board-${board}`,
    async page({ account }, after) {
      const blocks = new Map<BlockRef, Item | undefined>();
      const block = async (ref: BlockRef) => {
        if (!blocks.has(ref)) blocks.set(ref, await read(blockKey(ref)));
        return blocks.get(ref);
      };
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: after === '' ? 'pk = :board' : 'pk = :board AND sk > :after',
          ExpressionAttributeValues: marshall({
            ':board': boardPk(board),
            ...(after === '' ? {} : { ':after': after }),
          }),
          Limit: ROOTS_A_PAGE,
        }),
      );
      for (const item of Items.filter(({ sk }) => sk?.S === 'NEWEST' || sk?.S?.startsWith(snapshotSk('')))) {
        const { snapshot } = parseRoot(item);
        const { leaves, starts, patch } = await rowsToErase(
          {
            bucket: async (ref) => whatIsIn(await block(ref), parseBucket),
            rows: async (ref) => whatIsIn(await block(ref), (item) => parseLeaf(item).rows),
          },
          snapshot,
          account,
          sha256,
        );
        // The starts lead to the leaves, so they are last.
        for (const ref of leaves) {
          await eraseFromLeaf(ref, account);
          blocks.delete(ref);
        }
        if (starts.size === 0 && patch === undefined) continue;
        const kept = snapshot.leaves.map((leaf, index) => ({ ...leaf, start: starts.get(index) ?? leaf.start }));
        const root = toRoot({ ...snapshot, leaves: kept, ...(patch && { patch }) });
        const Key = { pk: { S: boardPk(board) }, sk: { S: item.sk?.S ?? '' } };
        // If a newer snapshot has taken its place, or another erasure was first, the page is done again.
        for (const name of [...(starts.size > 0 ? ['startUsernames'] : []), ...(patch ? ['patch'] : [])]) {
          const value = root[name];
          if (value !== undefined && !(await replaced(Key, item, { [name]: value }, name))) return after;
        }
      }
      return LastEvaluatedKey?.sk?.S ?? null;
    },
  };
};

const whatIsIn = <Content>(item: Item | undefined, parse: (item: Item) => readonly Content[]): readonly Content[] =>
  item === undefined ? [] : parse(item);
