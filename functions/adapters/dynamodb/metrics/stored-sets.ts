import { createHash } from 'node:crypto';
import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { MetricRollupHourMetric } from '../../../../domain/metrics/catalog.ts';
import { daySet, type DaySet } from '../../../../domain/metrics/rolled-up-day.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { LINES, type NewSorter, type Sorter } from '../../../../domain/shared/sorter.port.ts';
import { addDays, type UtcDate } from '../../../../domain/shared/utc.ts';
import type { Item } from '../shared/item.ts';
import { dayPk, parseSetItem, SET_PREFIX, setPrefixOf } from './rollup.items.ts';

type Read = { readonly TableName: string; readonly ConsistentRead: boolean };

/** The sets of a day, on disk if they are large. Closed also after an error. */
export type StoredSets = {
  readonly sets: ReadonlyMap<MetricRollupHourMetric, DaySet>;
  /** Of each item by its sort key: what tells its content from another one, and its size. */
  readonly parts: ReadonlyMap<string, { readonly fingerprint: string; readonly bytes: number }>;
  close(): void;
};

/** Tells the content of an item of a set from any other content. */
export const setFingerprintOf = (item: Item): string =>
  createHash('sha256')
    .update(item.members?.B ?? '')
    .digest('base64');

const HASH_LENGTH = 16;

export async function readSets(
  client: DynamoDBClient,
  read: Read,
  { date, newSorter }: { readonly date: UtcDate; readonly newSorter: NewSorter },
): Promise<StoredSets> {
  const sorters = new Map<MetricRollupHourMetric, Sorter<string>>();
  const parts = new Map<string, { readonly fingerprint: string; readonly bytes: number }>();
  const close = () => sorters.forEach((sorter) => sorter.close());
  try {
    for await (const item of itemsOfSets(client, read, date, SET_PREFIX)) {
      const { metric, members } = parseSetItem(item);
      const name = MetricRollupHourMetric.parse(metric);
      const sorter = sorters.get(name) ?? newSorter(LINES);
      sorters.set(name, sorter);
      for (const [hash, hours] of members) sorter.add(`${hash}${hours}`);
      parts.set(item.sk?.S ?? '', { fingerprint: setFingerprintOf(item), bytes: item.members?.B?.length ?? 0 });
    }
  } catch (error) {
    close();
    throw error;
  }
  return { sets: new Map([...sorters].map(([name, sorter]) => [name, daySet(() => membersOf(sorter))])), parts, close };
}

async function* itemsOfSets(
  client: DynamoDBClient,
  read: Read,
  date: UtcDate,
  prefix: string,
): AsyncGenerator<Item, void> {
  const query = {
    ...read,
    KeyConditionExpression: 'pk = :day AND begins_with(sk, :set)',
    ExpressionAttributeValues: marshall({ ':day': dayPk(date), ':set': prefix }),
  };
  for await (const { Items = [] } of paginateQuery({ client }, query)) yield* Items;
}

/** A save that stopped half way leaves parts of two sizes, with the same members. */
function* membersOf(sorter: Sorter<string>): Generator<readonly [string, number]> {
  let open: readonly [string, number] | undefined;
  for (const line of sorter.sorted()) {
    const hash = line.slice(0, HASH_LENGTH);
    const hours = Number(line.slice(HASH_LENGTH));
    if (open !== undefined && open[0] !== hash) yield open;
    open = [hash, open?.[0] === hash ? open[1] | hours : hours];
  }
  if (open !== undefined) yield open;
}

const DAYS_AT_A_TIME = 7;

/** How many there were on any of the days, each once: reads the members of each day, and keeps them on disk if they are many. */
export async function distinctOf(
  client: DynamoDBClient,
  read: Read,
  {
    metric,
    from,
    to,
    newSorter,
  }: {
    readonly metric: MetricRollupHourMetric;
    readonly from: UtcDate;
    readonly to: UtcDate;
    readonly newSorter: NewSorter;
  },
): Promise<number> {
  const dates: UtcDate[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) dates.push(date);
  const sorter = newSorter(LINES);
  try {
    await settleAll(dates, DAYS_AT_A_TIME, async (date) => {
      for await (const item of itemsOfSets(client, read, date, setPrefixOf(metric))) {
        for (const [hash] of parseSetItem(item).members) sorter.add(hash);
      }
    });
    let [count, last] = [0, ''];
    for (const hash of sorter.sorted()) {
      if (hash !== last) count += 1;
      last = hash;
    }
    return count;
  } finally {
    sorter.close();
  }
}
