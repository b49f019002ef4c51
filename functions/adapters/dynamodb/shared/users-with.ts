import { paginateScan, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import { usernameOf } from './item.ts';

/** All users for whom a table has an item with this sort key, in pages, in no particular order. */
export async function* usersWith(
  client: DynamoDBClient,
  tableName: string,
  sk: string,
): AsyncGenerator<readonly AccountId[], void> {
  const scan = {
    TableName: tableName,
    ConsistentRead: true,
    FilterExpression: 'sk = :sk',
    ProjectionExpression: 'pk',
    ExpressionAttributeValues: marshall({ ':sk': sk }),
  };
  for await (const { Items = [] } of paginateScan({ client }, scan)) yield Items.map(usernameOf);
}
