import {
  TransactionCanceledException,
  TransactionInProgressException,
  TransactWriteItemsCommand,
  type DynamoDBClient,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { cancellationCodes, isPassingReason } from './retry-transaction.ts';

/** A transaction that was cancelled for these reasons wrote nothing, and may succeed after another decision. */
const isDecidedAgain = (code: string): boolean => code === 'ConditionalCheckFailed' || isPassingReason(code);

/**
 * Writes everything or nothing. False if the caller must read and decide again: a condition no longer holds, or the
 * store was busy. The SDK's own second send may find what its first one wrote: the next read shows it.
 */
export async function writeTogether(client: DynamoDBClient, actions: readonly TransactWriteItem[]): Promise<boolean> {
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: [...actions] }));
    return true;
  } catch (error) {
    // The SDK's own second send may overtake its first one: the next read shows the result.
    if (error instanceof TransactionInProgressException) return false;
    // A store that does not answer in time may have written.
    if (error instanceof Error && error.name === 'TimeoutError') return false;
    if (!(error instanceof TransactionCanceledException)) throw error;
    const causes = cancellationCodes(error).filter((code) => code !== 'None');
    if (causes.length > 0 && causes.every(isDecidedAgain)) return false;
    throw error;
  }
}
