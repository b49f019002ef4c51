import type { InvocationResult } from '../lambda/function-pool.ts';
import type { StreamMappingModel } from '../template/stack-model.ts';
import { failedItems } from './item-failures.ts';
import type { StreamRecord } from './stream-shard.ts';

/** The reason for giving records up: the condition in the message to the failure queue. */
export type GiveUpCondition = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

export type BatchDelivery = {
  readonly mapping: Pick<StreamMappingModel, 'bisects' | 'maxRetries' | 'maxRecordAgeMs' | 'reportsItemFailures'>;
  readonly invoke: (records: readonly StreamRecord[]) => Promise<InvocationResult>;
  readonly giveUp: (records: readonly StreamRecord[], condition: GiveUpCondition, invocations: number) => Promise<void>;
  /** Called when all records up to this one are handled or given up. */
  readonly done: (record: StreamRecord) => void;
  readonly backOff: (attempt: number) => Promise<void>;
  readonly isStopping: () => boolean;
  readonly clock: () => number;
};

/**
 * Delivers records in order until each is handled or given up, as a stream mapping does. After a partial failure, the
 * next try starts at the first failed record. After an error, the batch is halved if bisection is enabled, which uses
 * up no retry. A record that still fails after all retries, or is too old, goes to the failure queue. Returns false if
 * it was stopped before the end.
 */
export async function deliverBatch(
  delivery: BatchDelivery,
  records: readonly StreamRecord[],
  attempt = 0,
): Promise<boolean> {
  const { mapping } = delivery;
  const isTooOld = ({ dynamodb }: StreamRecord) =>
    delivery.clock() - dynamodb.ApproximateCreationDateTime * 1000 > mapping.maxRecordAgeMs;
  const freshFrom = records.findIndex((record) => !isTooOld(record));
  const expired = freshFrom === -1 ? records : records.slice(0, freshFrom);
  const lastExpired = expired.at(-1);
  if (lastExpired !== undefined) {
    await delivery.giveUp(expired, 'RecordAgeExceeded', attempt);
    delivery.done(lastExpired);
  }
  const batch = records.slice(expired.length);
  const last = batch.at(-1);
  if (last === undefined) return true;
  if (delivery.isStopping()) return false;

  const result = await delivery.invoke(batch);
  if (!result.ok && delivery.isStopping()) return false; // the stop caused the failure, not the records
  const ids = batch.map(({ dynamodb }) => dynamodb.SequenceNumber);
  const failed = failedItems(result, ids, mapping.reportsItemFailures);
  const firstFailed = ids.findIndex((id) => failed.has(id));
  if (firstFailed === -1) {
    delivery.done(last);
    return true;
  }
  const lastHandled = batch[firstFailed - 1];
  const rest = batch.slice(firstFailed);
  if (lastHandled !== undefined) {
    delivery.done(lastHandled);
    return deliverBatch(delivery, rest, attempt);
  }
  if (mapping.bisects && rest.length > 1) {
    const middle = Math.ceil(rest.length / 2);
    return (
      (await deliverBatch(delivery, rest.slice(0, middle), attempt)) &&
      (await deliverBatch(delivery, rest.slice(middle), attempt))
    );
  }
  if (attempt >= mapping.maxRetries) {
    await delivery.giveUp(rest, 'RetryAttemptsExhausted', attempt + 1);
    delivery.done(last);
    return true;
  }
  await delivery.backOff(attempt);
  return deliverBatch(delivery, rest, attempt + 1);
}
