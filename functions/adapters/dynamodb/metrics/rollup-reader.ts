import { paginateQuery, type DynamoDBClient, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { inOrderOf, leavesOfPage } from '../../../../domain/metrics/extension-list.ts';
import { idOfSeries } from '../../../../domain/metrics/tally.ts';
import type { DayOfSeries } from '../../../../domain/metrics/rolled-up-day.ts';
import type { RollupReader } from '../../../../domain/metrics/rollup-store.port.ts';
import type { Random, Sleep } from '../../../../domain/shared/environment.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import {
  dayPk,
  leafSk,
  LIST_ROOT_SK,
  listPk,
  METRIC_PREFIX,
  namesIn,
  parseLeafItem,
  parseListItem,
  parseMetricItem,
  parseTotalsItem,
  parseWeekItem,
  TOTALS_PK,
  WEEKS_PK,
} from './rollup.items.ts';
import { distinctOf } from './stored-sets.ts';
import { diskSorter } from '../../disk/external-sorter.ts';
import { getAll } from '../shared/get-all.ts';
import type { Item } from '../shared/item.ts';

const DAYS_AT_A_TIME = 7;
/** Days with rollups but without a sample are few: those before the first one. */
const SAMPLES_PAGE = 10;
const MAX_TRIES = 5;

/** Reads eventually consistent, for half the price: what it reads is a minute old anyway. */
export function dynamoRollupReader(
  client: DynamoDBClient,
  TableName: string,
  pauses: { readonly random: Random; readonly sleep: Sleep },
): RollupReader {
  const eventually = { ...pauses, isConsistent: false };
  async function* itemsOf(input: Omit<QueryCommandInput, 'TableName'>): AsyncGenerator<Item, void> {
    for await (const page of paginateQuery({ client }, { TableName, ...input })) yield* page.Items ?? [];
  }

  return {
    async totalsOf(from, to) {
      const days = [];
      const items = itemsOf({
        KeyConditionExpression: 'pk = :totals AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: marshall({ ':totals': TOTALS_PK, ':from': from, ':to': to }),
      });
      for await (const item of items) days.push(parseTotalsItem(item));
      return days;
    },

    hoursOf(metric, dates) {
      const sk = METRIC_PREFIX + idOfSeries({ metric, scope: 'community' });
      return settleAll(dates, DAYS_AT_A_TIME, async (date) => {
        const items = itemsOf({
          KeyConditionExpression: 'pk = :day AND sk = :metric',
          ExpressionAttributeValues: marshall({ ':day': dayPk(date), ':metric': sk }),
        });
        let hours: DayOfSeries['hours'] = new Map();
        for await (const item of items) ({ hours } = parseMetricItem(item));
        return { date, hours };
      });
    },

    async lastSampleBefore(metric, date) {
      const items = itemsOf({
        KeyConditionExpression: 'pk = :totals AND sk < :date',
        ExpressionAttributeValues: marshall({ ':totals': TOTALS_PK, ':date': date }),
        ScanIndexForward: false,
        Limit: SAMPLES_PAGE,
      });
      for await (const item of items) {
        const sample = parseTotalsItem(item).totals.get(metric);
        if (sample !== undefined) return sample.valueSum;
      }
      return null;
    },

    async extensionsOf(query) {
      const { sort, sort_direction: direction, page_size: size } = query;
      const pk = listPk(sort);
      for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
        const [root] = await getAll(client, TableName, [{ pk, sk: LIST_ROOT_SK }], eventually);
        const list = parseListItem(root);
        const { count, leaves, skipped } = leavesOfPage(list.leaves, query);
        const keys = leaves.map(({ ref }) => ({ pk, sk: leafSk(ref) }));
        const items = await getAll(client, TableName, keys, eventually);
        const found = new Map(items.map(parseLeafItem).map((leaf) => [leaf.ref, leaf]));
        if (found.size < leaves.length) continue; // a newer list has other leaves
        const rows = leaves.flatMap(({ ref }) => (found.get(ref)?.rows ?? []).toSorted(inOrderOf(sort, direction)));
        return { count, rows: rows.slice(skipped, skipped + size), names: namesIn(list, found.values()) };
      }
      throw new Error(`the list of extensions changed ${MAX_TRIES} times while a page was read`);
    },

    async weekOf(end) {
      const items = itemsOf({
        KeyConditionExpression: 'pk = :weeks AND sk = :end',
        ExpressionAttributeValues: marshall({ ':weeks': WEEKS_PK, ':end': end }),
      });
      for await (const item of items) return parseWeekItem(item).counts;
      return undefined;
    },

    distinctOf: (metric, from, to) =>
      distinctOf(client, { TableName, ConsistentRead: false }, { metric, from, to, newSorter: diskSorter() }),
  };
}
