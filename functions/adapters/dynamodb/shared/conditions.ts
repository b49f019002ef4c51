import { ConditionalCheckFailedException, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';

/** A condition of a write. It is part of the command, so a write without one shows. */
export type Condition = {
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
};

/** Holds while no item has the key. */
export const ifNew: Condition = { ConditionExpression: 'attribute_not_exists(pk)' };

/** Holds while an item has the key. */
export const ifThere: Condition = { ConditionExpression: 'attribute_exists(pk)' };

/** Holds while the item is at the revision at which it was read; 0 means that there was no item. */
export const ifAt = (revision: number, attribute: 'rev' | 'seq' | 'revision' = 'rev'): Condition =>
  revision === 0
    ? ifNew
    : {
        ConditionExpression: `${attribute} = :read`,
        ExpressionAttributeValues: marshall({ ':read': revision }),
      };

/**
 * False if the condition of a write does not hold. The SDK sends again after a lost answer and may then find its own
 * first write, so false does not prove that another request came first.
 */
export async function ifItHolds(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
