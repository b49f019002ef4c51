import { GetItemCommand, QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { GrantLines, LinesRead } from '../../../../domain/grants/grant-ledger.port.ts';
import type { AccountId } from '../../../../domain/identity/account.ts';
import { balanceKey, parseBalanceItem, readLine } from './grant.items.ts';
import type { Item } from '../shared/item.ts';
import { BY_USER_INDEX } from '../../../runtime/names.ts';

/** A line has at most 1,024 bytes, and a read unit of the index is 8 KB. */
const UNITS_OF_LONGEST = 1 / 8;
/** What is left of the units is not worth a request for fewer lines. */
const LEAST_READ = 40;

/** Reads a user's lines through the index, and the balance from the table itself. */
export function dynamoGrantLines(client: DynamoDBClient, tableName: string): GrantLines {
  /** Without `maxUnits`, all lines up to the limit. */
  async function query(
    account: AccountId,
    bound: { readonly before: number | undefined } | { readonly after: number | undefined },
    { limit, maxUnits = Infinity }: { readonly limit: number; readonly maxUnits?: number | undefined },
  ): Promise<LinesRead> {
    const isForward = 'after' in bound;
    const seq = isForward ? bound.after : bound.before;
    const isBounded = seq !== undefined;
    const items: Item[] = [];
    let units = 0;
    let ExclusiveStartKey: Item | undefined;
    do {
      const fitting = Math.floor((maxUnits - units) / UNITS_OF_LONGEST);
      if (items.length > 0 && fitting < LEAST_READ) return { ...linesOf(items), isCut: true };
      const most = Math.min(limit - items.length, fitting);
      const { Items, LastEvaluatedKey, ConsumedCapacity } = await client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: BY_USER_INDEX,
          KeyConditionExpression: `username = :user${isBounded ? ` AND seq ${isForward ? '>' : '<'} :seq` : ''}`,
          ExpressionAttributeValues: marshall({ ':user': account, ...(isBounded ? { ':seq': seq } : {}) }),
          ScanIndexForward: isForward,
          ExclusiveStartKey,
          ReturnConsumedCapacity: 'TOTAL',
          ...(Number.isFinite(most) ? { Limit: most } : {}),
        }),
      );
      items.push(...(Items ?? []));
      units += ConsumedCapacity?.CapacityUnits ?? most * UNITS_OF_LONGEST;
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined && items.length < limit);
    return linesOf(items);
  }

  return {
    async balanceOf(account) {
      const Key = balanceKey(account);
      const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }));
      return parseBalanceItem(Item);
    },
    newestOf: (account, { before, ...most }) => query(account, { before }, most),
    allOf: (account, { after, ...most } = { after: 0, limit: Infinity }) => query(account, { after }, most),
  };
}

function linesOf(items: readonly Item[]): LinesRead {
  const read = items.map(readLine);
  return {
    lines: read.flatMap(({ line }) => line ?? []),
    faults: read.flatMap(({ fault }) => fault ?? []),
  };
}
