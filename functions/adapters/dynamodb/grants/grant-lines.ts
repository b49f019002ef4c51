import { GetItemCommand, paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { GrantLines, LinesRead } from '../../../../domain/grants/grant-ledger.port.ts';
import type { AccountId as Username } from '../../../../domain/identity/account.ts';
import { balanceKey, parseBalanceItem, readLine } from './grant.items.ts';
import type { Item } from '../shared/item.ts';
import { BY_USER_INDEX } from '../../../runtime/names.ts';

/** Reads a user's lines through the index, and the balance from the table itself. */
export function dynamoGrantLines(client: DynamoDBClient, tableName: string): GrantLines {
  async function query(
    username: Username,
    bound: { readonly before: number | undefined } | { readonly after: number | undefined },
    limit: number,
  ): Promise<readonly Item[]> {
    const isForward = 'after' in bound;
    const seq = isForward ? bound.after : bound.before;
    const isBounded = seq !== undefined;
    const pages = paginateQuery(
      { client },
      {
        TableName: tableName,
        IndexName: BY_USER_INDEX,
        KeyConditionExpression: `username = :user${isBounded ? ` AND seq ${isForward ? '>' : '<'} :seq` : ''}`,
        ExpressionAttributeValues: marshall({ ':user': username, ...(isBounded ? { ':seq': seq } : {}) }),
        ScanIndexForward: isForward,
        ...(Number.isFinite(limit) ? { Limit: limit } : {}),
      },
    );
    const items: Item[] = [];
    for await (const { Items = [] } of pages) {
      items.push(...Items);
      if (items.length >= limit) break;
    }
    return items.slice(0, limit);
  }

  return {
    async balanceOf(username) {
      const Key = balanceKey(username);
      const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }));
      return parseBalanceItem(Item);
    },
    newestOf: async (username, { limit, before }) => linesOf(await query(username, { before }, limit)),
    allOf: async (username, { after, limit } = { after: 0, limit: Infinity }) =>
      linesOf(await query(username, { after }, limit)),
  };
}

function linesOf(items: readonly Item[]): LinesRead {
  const read = items.map(readLine);
  return {
    lines: read.flatMap(({ line }) => line ?? []),
    faults: read.flatMap(({ fault }) => fault ?? []),
  };
}
