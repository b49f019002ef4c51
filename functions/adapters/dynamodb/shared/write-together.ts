import {
  TransactionCanceledException,
  TransactionInProgressException,
  TransactWriteItemsCommand,
  type DynamoDBClient,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { cancellationCodes, isPassingReason } from './retry-transaction.ts';

/** A transaction that was cancelled for these reasons wrote nothing, and may succeed once it is decided again. */
const isDecidedAgain = (code: string): boolean => code === 'ConditionalCheckFailed' || isPassingReason(code);

/**
 * Writes all of it or nothing. False where it has to be read and decided again: a condition does not hold any more, or the
 * store was busy. The SDK's own second send may meet what its first wrote: that shows once it is read again.
 */
export async function writeTogether(client: DynamoDBClient, actions: readonly TransactWriteItem[]): Promise<boolean> {
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: [...actions] }));
    return true;
  } catch (error) {
    // The SDK's own second send may overtake its first: what then stands is read.
    if (error instanceof TransactionInProgressException) return false;
    // A store that does not answer in time may have written, too.
    if (error instanceof Error && error.name === 'TimeoutError') return false;
    if (!(error instanceof TransactionCanceledException)) throw error;
    const causes = cancellationCodes(error).filter((code) => code !== 'None');
    if (causes.length > 0 && causes.every(isDecidedAgain)) return false;
    throw error;
  }
}
