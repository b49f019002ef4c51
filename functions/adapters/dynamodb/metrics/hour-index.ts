import { BatchGetItemCommand, paginateQuery, type AttributeValue, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { shardsOfDay } from '../../../../domain/metrics/hour-index.ts';
import type { Random, Sleep } from '../../../../domain/shared/environment.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import type { UtcDate, UtcHour } from '../../../../domain/shared/utc.ts';

/** The index of each table of facts that has one: keys only, by `dayShard` and `hour`. */
export const BY_HOUR_INDEX = 'byHour';

type Item = Record<string, AttributeValue>;
export type Key = { readonly pk: string; readonly sk: string };

const QUERIES_AT_A_TIME = 16;
const GETS_AT_A_TIME = 4;
/** DynamoDB gives 100 items at once. */
const BATCH_SIZE = 100;
const MAX_TRIES = 8;

const Entry = z.object({ pk: z.string(), sk: z.string(), hour: z.string() });

/**
 * The keys of a day's facts by their hour, over all shards: of the given hours, or of all of them.
 *
 * The index follows its table within a moment, but not at once: a fact that is younger than that may be missing. A rollup
 * begins a minute after the change that asks for it. What remains is an index that lags behind by more than that minute:
 * then the hour is right with the next change of it, or after a backfill of `metrics`.
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
      found.push(...(page.Items ?? []).map((item) => Entry.parse(unmarshall(item))));
    }
    return found;
  });
  const wanted = entries.flat().filter(({ hour }) => hours === null || hours.includes(hour));
  return Map.groupBy(wanted, ({ hour }) => hour);
}

/** Reads items by their keys, strongly consistent. One that is gone is left out. */
export async function getAll(
  client: DynamoDBClient,
  TableName: string,
  keys: readonly Key[],
  { random, sleep }: { readonly random: Random; readonly sleep: Sleep },
): Promise<readonly Item[]> {
  const batches: Item[][] = [];
  for (let from = 0; from < keys.length; from += BATCH_SIZE) {
    batches.push(keys.slice(from, from + BATCH_SIZE).map(({ pk, sk }) => marshall({ pk, sk })));
  }
  const found = await settleAll(batches, GETS_AT_A_TIME, async (batch) => {
    const items: Item[] = [];
    let wanted = batch;
    for (let attempt = 1; ; attempt += 1) {
      const request = { RequestItems: { [TableName]: { Keys: wanted, ConsistentRead: true } } };
      const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand(request));
      items.push(...(Responses?.[TableName] ?? []));
      wanted = UnprocessedKeys?.[TableName]?.Keys ?? [];
      if (wanted.length === 0) return items;
      if (attempt === MAX_TRIES)
        throw new Error(`${TableName}: ${wanted.length} items were not read in ${MAX_TRIES} tries`);
      await sleep(random() * 25 * 2 ** attempt);
    }
  });
  return found.flat();
}
