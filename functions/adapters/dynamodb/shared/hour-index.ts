import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { shardOf } from '../../../../domain/shared/shard.ts';
import { dateOfHour, type UtcDate, type UtcHour } from '../../../../domain/shared/utc.ts';
import type { Key } from './item.ts';
import { BY_HOUR_INDEX } from '../../../runtime/names.ts';

/**
 * The partitions over which a table's facts of one day are spread in its index by hour. Writers and readers share this
 * number. A higher one takes effect for new facts at once. Lower it only after the last older fact is gone.
 */
const DAY_SHARDS = 16;

const dayShard = (date: UtcDate, shard: number): string => `${date}#${String(shard).padStart(2, '0')}`;

/**
 * The attributes that put a fact of an hour into its table's index. Facts of one `identity` share a partition: for
 * telemetry those of a device.
 */
export const hourPlaceOf = (
  hour: UtcHour,
  identity: string,
): { readonly dayShard: string; readonly hour: UtcHour } => ({
  dayShard: dayShard(dateOfHour(hour), shardOf(identity, DAY_SHARDS)),
  hour,
});

/** All partitions of a day. */
const shardsOfDay = (date: UtcDate): readonly string[] =>
  Array.from({ length: DAY_SHARDS }, (_, shard) => dayShard(date, shard));

const QUERIES_AT_A_TIME = 16;

const Entry = z.object({ pk: z.string(), sk: z.string(), hour: z.string() });

/**
 * The keys of a day's facts by their hour, over all shards: of the given hours, or of all of them.
 *
 * The index follows its table within a moment, but not at once: a fact that is younger than that may be missing. A
 * rollup begins a minute after the change that asks for it. What remains is an index that lags behind by more than that
 * minute: then the hour is right with the next change of it, or after a backfill of `metrics`.
 */
export async function keysByHour(
  client: DynamoDBClient,
  TableName: string,
  date: UtcDate,
  hours: readonly UtcHour[] | null,
): Promise<ReadonlyMap<UtcHour, readonly Key[]>> {
  const sorted = hours?.toSorted();
  const range = { from: sorted?.at(0) ?? `${date}T00`, to: sorted?.at(-1) ?? `${date}T23` };
  const entries = await settleAll(shardsOfDay(date), QUERIES_AT_A_TIME, async (shard) => {
    const found: z.infer<typeof Entry>[] = [];
    const query = {
      TableName,
      IndexName: BY_HOUR_INDEX,
      KeyConditionExpression: 'dayShard = :shard AND #hour BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#hour': 'hour' },
      ExpressionAttributeValues: marshall({ ':shard': shard, ':from': range.from, ':to': range.to }),
    };
    for await (const page of paginateQuery({ client }, query)) {
      found.push(...(page.Items ?? []).map(({ pk, sk, hour }) => Entry.parse({ pk: pk?.S, sk: sk?.S, hour: hour?.S })));
    }
    return found;
  });
  const wanted = entries.flat().filter(({ hour }) => hours === null || hours.includes(hour));
  return Map.groupBy(wanted, ({ hour }) => hour);
}
