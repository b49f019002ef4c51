import { GetItemCommand, paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { GrantLine } from '../../../domain/grants/grant.ts';
import type { GrantLines } from '../../../domain/grants/grant-ledger.port.ts';
import type { Username } from '../../../domain/identity/username.ts';
import { balanceKey, BY_USER_INDEX, parseBalanceItem, parseGrantItem } from './grant-items.ts';

/** Reads a user's lines through the index, and the balance from the table itself. */
export function dynamoGrantLines(client: DynamoDBClient, tableName: string): GrantLines {
  async function query(
    username: Username,
    {
      forward,
      before,
      limit,
    }: { readonly forward: boolean; readonly before?: number | undefined; readonly limit?: number },
  ): Promise<readonly GrantLine[]> {
    const isBounded = before !== undefined;
    const pages = paginateQuery(
      { client },
      {
        TableName: tableName,
        IndexName: BY_USER_INDEX,
        KeyConditionExpression: isBounded ? 'username = :user AND seq < :before' : 'username = :user',
        ExpressionAttributeValues: marshall({ ':user': username, ...(isBounded ? { ':before': before } : {}) }),
        ScanIndexForward: forward,
        ...(limit === undefined ? {} : { Limit: limit }),
      },
    );
    const lines: GrantLine[] = [];
    for await (const { Items = [] } of pages) {
      lines.push(...Items.map((item) => parseGrantItem(item).line));
      if (limit !== undefined && lines.length >= limit) break;
    }
    return lines.slice(0, limit);
  }

  return {
    async balanceOf(username) {
      const Key = balanceKey(username);
      const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }));
      return parseBalanceItem(Item);
    },
    newestOf: (username, { limit, before }) => query(username, { forward: false, before, limit }),
    allOf: (username) => query(username, { forward: true }),
  };
}
