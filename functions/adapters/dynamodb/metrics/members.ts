import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { MetricRollupHourMetric } from '../../../../domain/metrics/catalog.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { addDays, type UtcDate } from '../../../../domain/shared/utc.ts';
import { dayPk, parseSetItem, setPrefixOf } from './rollup.items.ts';

const DAYS_AT_A_TIME = 7;

type Read = { readonly TableName: string; readonly ConsistentRead: boolean };

/** How many there were on any of the days, each once: reads the members of each day. */
export async function distinctOf(
  client: DynamoDBClient,
  read: Read,
  { metric, from, to }: { readonly metric: MetricRollupHourMetric; readonly from: UtcDate; readonly to: UtcDate },
): Promise<number> {
  const dates: UtcDate[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) dates.push(date);
  const members = new Set<string>();
  await settleAll(dates, DAYS_AT_A_TIME, async (date) => {
    const query = {
      ...read,
      KeyConditionExpression: 'pk = :day AND begins_with(sk, :set)',
      ExpressionAttributeValues: marshall({ ':day': dayPk(date), ':set': setPrefixOf(metric) }),
    };
    for await (const { Items = [] } of paginateQuery({ client }, query)) {
      for (const item of Items) for (const [hash] of parseSetItem(item).members) members.add(hash);
    }
  });
  return members.size;
}
