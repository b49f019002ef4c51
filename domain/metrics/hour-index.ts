import { shardOf } from '../shared/shard.ts';
import { dateOfHour, type UtcDate, type UtcHour } from '../shared/utc.ts';

/**
 * The partitions over which a table's facts of one day are spread in its index by hour. Writers and readers share this
 * number: raised, it takes effect for new facts at once, lowered only once no older fact is to be found any more.
 */
export const DAY_SHARDS = 16;

/** Where a fact stands in its table's index by hour. */
export type HourPlace = { readonly dayShard: string; readonly hour: UtcHour };

const dayShard = (date: UtcDate, shard: number): string => `${date}#${String(shard).padStart(2, '0')}`;

/** The place of a fact of an hour: `identity` says which facts share a partition, for telemetry those of a device. */
export const hourPlaceOf = (hour: UtcHour, identity: string): HourPlace => ({
  dayShard: dayShard(dateOfHour(hour), shardOf(identity, DAY_SHARDS)),
  hour,
});

/** All partitions of a day. */
export const shardsOfDay = (date: UtcDate): readonly string[] =>
  Array.from({ length: DAY_SHARDS }, (_, shard) => dayShard(date, shard));
