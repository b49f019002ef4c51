import {
  GetItemCommand,
  TransactionCanceledException,
  TransactionInProgressException,
  TransactWriteItemsCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { GrantLedger } from '../../../domain/grants/grant-ledger.port.ts';
import { balanceKey, grantKey, parseBalanceItem, parseGrantItem, toBalanceItem, toGrantItem } from './grant-items.ts';
import { cancellationCodes, isPassingReason } from './retry-transaction.ts';

/** A transaction that was cancelled for these reasons wrote nothing, and may succeed once it is decided again. */
const isDecidedAgain = (code: string): boolean => code === 'ConditionalCheckFailed' || isPassingReason(code);

/**
 * The ledger in the `score_grants` table. Lines and balance are only ever put, the lines where none is: no role that
 * writes here may update or delete.
 */
export function dynamoGrantLedger(client: DynamoDBClient, tableName: string): GrantLedger {
  const get = async (Key: ReturnType<typeof balanceKey>) =>
    (await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;

  return {
    async balanceOf(username) {
      return parseBalanceItem(await get(balanceKey(username)));
    },

    async find(grantId) {
      const item = await get(grantKey(grantId));
      return item === undefined ? undefined : parseGrantItem(item);
    },

    async append({ username, before, lines, after, writeId }) {
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
      const TransactItems = [...putLines, moveBalance].map((Put) => ({ Put }));
      try {
        await client.send(new TransactWriteItemsCommand({ TransactItems }));
        return 'appended';
      } catch (error) {
        // The SDK's own second send may overtake its first: whose lines then stand is read from them.
        if (error instanceof TransactionInProgressException) return 'stale';
        if (!(error instanceof TransactionCanceledException)) throw error;
        const causes = cancellationCodes(error).filter((code) => code !== 'None');
        if (causes.length > 0 && causes.every(isDecidedAgain)) return 'stale';
        throw error;
      }
    },
  };
}
