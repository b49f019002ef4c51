import {
  ConditionalCheckFailedException,
  PutItemCommand,
  type DynamoDBClient,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Condition } from './conditions.ts';
import type { Item } from './item.ts';

export type PutIf = Omit<PutItemCommandInput, keyof Condition> & Condition & { readonly Item: Item };

/**
 * Puts an item if its condition holds. Otherwise it gives the item that is there.
 *
 * The SDK sends again after a lost answer and may then find its own first write: a caller that must know marks its
 * writes with a `writeId` (`putOwn`), or reads again.
 */
export async function putIf(
  client: DynamoDBClient,
  input: PutIf,
): Promise<{ readonly isWritten: true } | { readonly isWritten: false; readonly existing: Item | undefined }> {
  try {
    await client.send(new PutItemCommand({ ...input, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }));
    return { isWritten: true };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { isWritten: false, existing: error.Item };
  }
}

/** The same for an item with a `writeId`: true if this very write, or an earlier try of it, is stored. */
export async function putOwn(client: DynamoDBClient, input: PutIf): Promise<boolean> {
  const put = await putIf(client, input);
  return put.isWritten || put.existing?.writeId?.S === input.Item.writeId?.S;
}
