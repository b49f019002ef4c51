import { ConditionalCheckFailedException, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { RandomToken } from '../../../../domain/shared/environment.ts';

export type Table = {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly randomToken: RandomToken;
};

/**
 * Puts an item where none of its key is: the write of a fact whose key is its identity.
 *
 * The SDK sends again after a lost answer, and then meets its own item: `writeId` tells that one from somebody else's.
 */
export async function putOnce(
  { client, tableName, randomToken }: Table,
  item: Readonly<Record<string, unknown>>,
): Promise<'recorded' | 'already-there'> {
  const writeId = randomToken(6);
  const command = new PutItemCommand({
    TableName: tableName,
    Item: marshall({ ...item, writeId }),
    ConditionExpression: 'attribute_not_exists(pk)',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    await client.send(command);
    return 'recorded';
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return error.Item?.writeId?.S === writeId ? 'recorded' : 'already-there';
  }
}
