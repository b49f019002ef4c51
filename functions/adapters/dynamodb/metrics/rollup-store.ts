import { GetItemCommand, paginateQuery, type DynamoDBClient, type TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import type { RollupStore } from '../../../../domain/metrics/rollup-store.port.ts';
import type { RolledUpDay } from '../../../../domain/metrics/rolled-up-day.ts';
import { idOfSeries } from '../../../../domain/metrics/hour-fold.ts';
import {
  dayPk,
  eventCountOf,
  EXTENSIONS_PK,
  leafSk,
  LIST_ROOT_SK,
  listPk,
  parseDay,
  parseListItem,
  parseSummaryItem,
  parseWeekItem,
  pullsSeries,
  revisionOf,
  ROLLUP_SK,
  seriesPk,
  toLeafItem,
  toListItem,
  toSeriesItem,
  toSummaryItem,
  toGuardItem,
  toWeekItem,
  toRows,
  toTotalsItem,
  WEEKS_PK,
} from './rollup.items.ts';
import { distinctOf } from './members.ts';
import { writeTogether } from '../shared/write-together.ts';
import type { Item } from '../shared/item.ts';
import { ifAt } from '../shared/conditions.ts';
import { putIf } from '../shared/put-if.ts';

/** A transaction takes 100 actions and 4 MB. Each one here also holds the guard, and the last one the totals. */
const MAX_ROWS = 98;
const MAX_BYTES = 3_000_000;
/** A leaf of a list with the longest names. */
const LEAF_BYTES = 30_000;

/** Actions that are written together, and about how large they are. */
type Change = { readonly actions: readonly TransactWriteItem[]; readonly bytes: number };

const isRow = (item: Item): boolean => keyOf(item) !== ROLLUP_SK;
const keysOf = ({ pk = { S: '' }, sk = { S: '' } }: Item): Item => ({ pk, sk });
const keyOf = ({ sk }: Item): string => sk?.S ?? '';
const bytesOf = (item: Item): number => item.members?.B?.length ?? 2_000;

export function dynamoRollupStore(client: DynamoDBClient, TableName: string): RollupStore {
  return {
    async load(date) {
      const items: Item[] = [];
      const query = {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :day',
        ExpressionAttributeValues: marshall({ ':day': dayPk(date) }),
      };
      for await (const page of paginateQuery({ client }, query)) items.push(...(page.Items ?? []));
      const { day, revision } = parseDay(date, items);
      return { day, save: (next) => save({ items, day, revision }, next) };
    },

    async loadSummary(extension) {
      const Key = marshall({ pk: EXTENSIONS_PK, sk: extension });
      const { Item: stored } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      const read = revisionOf(stored);
      return {
        async save(next) {
          const Item = toSummaryItem(next, read + 1);
          return (await putIf(client, { TableName, Item, ...ifAt(read) })).isWritten ? 'saved' : 'stale';
        },
      };
    },

    async loadWeek(end) {
      const Key = marshall({ pk: WEEKS_PK, sk: end });
      const { Item: stored } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      const counted = stored === undefined ? 0 : parseWeekItem(stored).revision;
      return {
        isCounted: counted > 0,
        async save(counts) {
          const Item = toWeekItem(end, counts, counted + 1);
          return (await putIf(client, { TableName, Item, ...ifAt(counted) })).isWritten ? 'saved' : 'stale';
        },
      };
    },

    distinctOf: (metric, from, to) => distinctOf(client, { TableName, ConsistentRead: true }, { metric, from, to }),

    async loadList(sort) {
      const Key = marshall({ pk: listPk(sort), sk: LIST_ROOT_SK });
      const { Item: stored } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      const { leaves: before, revision } = parseListItem(stored);
      return {
        async save(rows) {
          const made = rows.map((each) => toLeafItem(sort, each));
          const next = made.map(([leaf]) => leaf);
          const [there, kept] = [before, next].map((leaves) => new Set(leaves.map(({ ref }) => ref)));
          const puts = made.flatMap(([{ ref }, Item]) => (there?.has(ref) ? [] : [{ Put: { TableName, Item } }]));
          const deletes = before.flatMap(({ ref }) => {
            const gone = { TableName, Key: marshall({ pk: listPk(sort), sk: leafSk(ref) }) };
            return kept?.has(ref) ? [] : [{ Delete: gone }];
          });
          const changes = [...puts, ...deletes].map((action) => ({ actions: [action], bytes: LEAF_BYTES }));
          return inTurns(inBatches(changes), revision, (isLast, rev) => toListItem(sort, isLast ? next : before, rev));
        },
      };
    },

    async summaries() {
      const summaries = [];
      const query = {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :extensions',
        ExpressionAttributeValues: marshall({ ':extensions': EXTENSIONS_PK }),
      };
      for await (const { Items = [] } of paginateQuery({ client }, query))
        summaries.push(...Items.map(parseSummaryItem));
      return summaries;
    },

    async pullsOf(extension) {
      let pulls = 0n;
      const query = {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :series',
        ExpressionAttributeValues: marshall({ ':series': seriesPk(idOfSeries(pullsSeries(extension))) }),
      };
      for await (const { Items = [] } of paginateQuery({ client }, query)) {
        pulls = Items.reduce((sum, item) => sum + eventCountOf(item), pulls);
      }
      return Number(pulls);
    },
  };

  async function save(
    { items, day: before, revision }: { readonly items: readonly Item[] } & ReturnType<typeof parseDay>,
    next: RolledUpDay,
  ): Promise<'saved' | 'stale'> {
    const batches = inBatches(changesOf(items, next)).map((batch, index, all) =>
      index === all.length - 1 ? [...batch, { Put: { TableName, Item: toTotalsItem(next) } }] : batch,
    );
    return inTurns(batches, revision, (isLast, rev) => toGuardItem(isLast ? next : before, rev));
  }

  /**
   * All rows share one guard. If they are too many for one transaction, each of several transactions moves the guard, so
   * that no other run's rows come between. What the guard tells readers changes with the last one.
   */
  async function inTurns(
    batches: readonly (readonly TransactWriteItem[])[],
    revision: number,
    guardOf: (isLast: boolean, revision: number) => Item,
  ): Promise<'saved' | 'stale'> {
    for (const [index, batch] of batches.entries()) {
      const read = revision + index;
      const guard = {
        TableName,
        Item: guardOf(index === batches.length - 1, read + 1),
        ...ifAt(read),
      };
      if (!(await writeTogether(client, [{ Put: guard }, ...batch]))) return 'stale';
    }
    return 'saved';
  }

  /** The writes that turn the rows that were read into the rows of `next`. */
  function changesOf(items: readonly Item[], next: RolledUpDay): readonly Change[] {
    const stored = new Map(items.filter(isRow).map((item) => [keyOf(item), item]));
    const rows = toRows(next);
    const kept = new Set(rows.map(keyOf));
    const changed = rows.filter((row) => !isDeepStrictEqual(stored.get(keyOf(row)), row));
    const gone = [...stored].filter(([sk]) => !kept.has(sk)).map(([, item]) => item);
    // A row and its separate total go together: a repeat would not see that only one of them was written.
    const withTotal = (row: Item) => [row, toSeriesItem(next.date, row)].filter((item) => item !== undefined);
    return [
      ...changed.map((row) => ({
        actions: withTotal(row).map((Item) => ({ Put: { TableName, Item } })),
        bytes: bytesOf(row),
      })),
      ...gone.map((row) => ({
        actions: withTotal(row).map((item) => ({ Delete: { TableName, Key: keysOf(item) } })),
        bytes: 0,
      })),
    ];
  }
}

/** At least one batch, even if nothing changed: a save always moves the guard. */
function inBatches(changes: readonly Change[]): readonly (readonly TransactWriteItem[])[] {
  const batches: TransactWriteItem[][] = [[]];
  let bytes = 0;
  for (const change of changes) {
    const last = batches.at(-1) ?? [];
    const isFull = last.length + change.actions.length > MAX_ROWS || bytes + change.bytes > MAX_BYTES;
    if (isFull) batches.push([...change.actions]);
    else last.push(...change.actions);
    bytes = isFull ? change.bytes : bytes + change.bytes;
  }
  return batches;
}
