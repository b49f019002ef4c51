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
type Entry = z.infer<typeof Entry>;

/** Keys of a page, and about as many as are read together. */
const KEYS_AT_A_TIME = 1_000;

/**
 * The keys of a day's facts of some hours, over all shards. They come hour by hour in their order, an hour in any number of
 * pieces: all keys of a large hour would be more than memory holds.
 *
 * The index follows its table within a moment, but not at once: a fact that is younger than that may be missing. A
 * rollup begins a minute after the change that asks for it. What remains is an index that lags behind by more than that
 * minute: then the hour is right with the next change of it, or after a backfill of `metrics`.
 */
export async function* keysByHour(
  client: DynamoDBClient,
  TableName: string,
  date: UtcDate,
  hours: readonly UtcHour[],
  keysAtATime = KEYS_AT_A_TIME,
): AsyncGenerator<{ readonly hour: UtcHour; readonly keys: readonly Key[] }> {
  const sorted = hours.toSorted();
  const range = { from: sorted.at(0) ?? `${date}T00`, to: sorted.at(-1) ?? `${date}T23` };
  const shards = await settleAll(shardsOfDay(date), QUERIES_AT_A_TIME, async (shard) => {
    const query = {
      TableName,
      IndexName: BY_HOUR_INDEX,
      KeyConditionExpression: 'dayShard = :shard AND #hour BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#hour': 'hour' },
      ExpressionAttributeValues: marshall({ ':shard': shard, ':from': range.from, ':to': range.to }),
    };
    const pages = paginateQuery({ client, pageSize: keysAtATime }, query);
    return shardReader(async () => {
      const { done, value } = await pages.next();
      if (done === true) return undefined;
      return (value.Items ?? []).map(({ pk, sk, hour }) => Entry.parse({ pk: pk?.S, sk: sk?.S, hour: hour?.S }));
    });
  });
  for (;;) {
    const [hour] = shards.flatMap(({ next }) => next()?.hour ?? []).sort();
    if (hour === undefined) return;
    let keys: Entry[] = [];
    for (const shard of shards) {
      for (let taken = await shard.take(hour); taken.length > 0; taken = await shard.take(hour)) {
        keys.push(...taken);
        if (keys.length < keysAtATime) continue;
        if (hours.includes(hour)) yield { hour, keys };
        keys = [];
      }
    }
    if (keys.length > 0 && hours.includes(hour)) yield { hour, keys };
  }
}

/** The entries of a shard in their order, with the next one known. */
async function shardReader(nextPage: () => Promise<readonly Entry[] | undefined>) {
  let left: readonly Entry[] = [];
  const fill = async () => {
    for (let page = await nextPage(); page !== undefined; page = await nextPage()) {
      left = page;
      if (left.length > 0) return;
    }
  };
  await fill();
  return {
    next: (): Entry | undefined => left[0],
    /** Those of the hour that come next, at most a page of them. */
    async take(hour: UtcHour): Promise<readonly Entry[]> {
      const other = left.findIndex((entry) => entry.hour !== hour);
      const taken = left.slice(0, other < 0 ? left.length : other);
      left = left.slice(taken.length);
      if (left.length === 0) await fill();
      return taken;
    },
  };
}
