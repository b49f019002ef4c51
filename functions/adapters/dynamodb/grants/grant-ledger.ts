import {
  BatchGetItemCommand,
  GetItemCommand,
  type DynamoDBClient,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { GrantAppend, GrantLedger, GrantsTogether } from '../../../../domain/grants/grant-ledger.port.ts';
import {
  balanceKey,
  grantKey,
  parseBalanceItem,
  parseGrantItem,
  toBalanceItem,
  toGrantItem,
  userOfBalance,
  type Item,
} from './grant.items.ts';
import { writeTogether } from '../shared/write-together.ts';

/**
 * The ledger in the `score_grants` table. Lines and balance are only ever put, the lines where none is: no role that
 * writes here may update or delete.
 */
export function dynamoGrantLedger(client: DynamoDBClient, tableName: string): GrantLedger & GrantsTogether {
  const get = async (Key: ReturnType<typeof balanceKey>) =>
    (await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;

  /** What the store was too busy for comes with the next read: each gives some, or throws. */
  const getTogether = async (keys: readonly Item[]): Promise<readonly Item[]> => {
    const found: Item[] = [];
    for (let Keys = [...keys]; Keys.length > 0;) {
      const request = { RequestItems: { [tableName]: { Keys, ConsistentRead: true } } };
      const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand(request));
      found.push(...(Responses?.[tableName] ?? []));
      Keys = UnprocessedKeys?.[tableName]?.Keys ?? [];
    }
    return found;
  };

  return {
    async balanceOf(username) {
      return parseBalanceItem(await get(balanceKey(username)));
    },

    async balancesOf(usernames) {
      const items = await getTogether(usernames.map(balanceKey));
      const found = new Map(items.map((item) => [userOfBalance(item), item]));
      return new Map(usernames.map((username) => [username, parseBalanceItem(found.get(username))]));
    },

    async thoseGiven(grantIds) {
      const items = await getTogether(grantIds.map(grantKey));
      return new Set(items.map((item) => parseGrantItem(item).line.grantId));
    },

    async find(grantId) {
      const item = await get(grantKey(grantId));
      return item === undefined ? undefined : parseGrantItem(item);
    },

    async append(append) {
      return (await writeTogether(client, appendActions(tableName, append))) ? 'appended' : 'stale';
    },
  };
}

/** The actions that add lines of one user and move the balance: part of a transaction, with whatever else must be true. */
export function appendActions(
  tableName: string,
  { username, before, lines, after, writeId }: GrantAppend,
): readonly TransactWriteItem[] {
  if (lines.length === 0) return [];
  const putLines = lines.map((line) => ({
    TableName: tableName,
    Item: toGrantItem(line, writeId),
    ConditionExpression: 'attribute_not_exists(pk)',
  }));
  const isFirst = before.seq === 0;
  const moveBalance = {
    TableName: tableName,
    Item: toBalanceItem(username, after),
    ConditionExpression: isFirst ? 'attribute_not_exists(pk)' : 'seq = :read',
    ...(isFirst ? {} : { ExpressionAttributeValues: marshall({ ':read': before.seq }) }),
  };
  return [...putLines, moveBalance].map((Put) => ({ Put }));
}
