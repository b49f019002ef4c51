import { GetItemCommand, paginateQuery, type DynamoDBClient, type TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import type { RollupStore } from '../../../../domain/metrics/rollup-store.port.ts';
import { communityMetrics } from '../../../../domain/metrics/catalog.ts';
import { totalsOf, type RolledUpDay } from '../../../../domain/metrics/rolled-up-day.ts';
import type { Clock, Random, Sleep } from '../../../../domain/shared/environment.ts';
import type { NewSorter } from '../../../../domain/shared/sorter.port.ts';
import { idOfSeries } from '../../../../domain/metrics/tally.ts';
import {
  dayPk,
  eventCountOf,
  EXTENSIONS_PK,
  leafSk,
  LIST_ROOT_SK,
  listPk,
  METRIC_PREFIX,
  namesIn,
  parseDay,
  parseLeafItem,
  parseListItem,
  parseSummaryItem,
  parseTotalsItem,
  parseWeekItem,
  pullsSeries,
  revisionOf,
  ROLLUP_SK,
  seriesPk,
  toLeafItem,
  toListItem,
  toSeriesItem,
  toSetItems,
  toSummaryItem,
  toGuardItem,
  toWeekItem,
  toRows,
  toTotalsItem,
  TOTALS_PK,
  WEEKS_PK,
} from './rollup.items.ts';
import { bytesOf, inBatches, pacedWrites, unitsOf, type Change } from './paced-writes.ts';
import { distinctOf, setFingerprintOf, readSets, type StoredSets } from './stored-sets.ts';
import { diskSorter } from '../../disk/external-sorter.ts';
import { getAll } from '../shared/get-all.ts';
import { writeTogether } from '../shared/write-together.ts';
import type { Item } from '../shared/item.ts';
import { ifAt } from '../shared/conditions.ts';
import { putIf } from '../shared/put-if.ts';

/** A leaf of a list with the longest names. */
const LEAF_BYTES = 30_000;

const keysOf = ({ pk = { S: '' }, sk = { S: '' } }: Item): Item => ({ pk, sk });
const keyOf = ({ sk }: Item): string => sk?.S ?? '';

/** A day as it was read: its guard first, then its rows, then its sets if somebody needs them. */
type ReadDay = ReturnType<typeof parseDay> & { readonly rows: readonly Item[]; sets?: StoredSets };

export function dynamoRollupStore(
  client: DynamoDBClient,
  TableName: string,
  {
    newSorter = diskSorter(),
    random = () => 1, // the longest pause
    ...surroundings
  }: { readonly clock: Clock; readonly random?: Random; readonly sleep: Sleep; readonly newSorter?: NewSorter },
): RollupStore {
  const itemAt = async (pk: string, sk: string): Promise<Item | undefined> =>
    (await client.send(new GetItemCommand({ TableName, Key: marshall({ pk, sk }), ConsistentRead: true }))).Item;

  const paced = pacedWrites(surroundings);

  return {
    async load(date) {
      const guard = await itemAt(dayPk(date), ROLLUP_SK); // first: who saves meanwhile makes this run stale
      const rows: Item[] = [];
      const query = {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :day AND begins_with(sk, :metric)',
        ExpressionAttributeValues: marshall({ ':day': dayPk(date), ':metric': METRIC_PREFIX }),
      };
      for await (const page of paginateQuery({ client }, query)) rows.push(...(page.Items ?? []));
      const read: ReadDay = { ...parseDay(date, guard === undefined ? rows : [guard, ...rows]), rows };
      return {
        day: read.day,
        async withSets() {
          read.sets ??= await readSets(client, { TableName, ConsistentRead: true }, { date, newSorter });
          return { ...read.day, sets: read.sets.sets };
        },
        save: (next, whenDone = () => next) => save(read, next, whenDone),
        close: () => read.sets?.close(),
      };
    },

    async loadSummary(extension) {
      const read = revisionOf(await itemAt(EXTENSIONS_PK, extension));
      return {
        async save(next) {
          const Item = toSummaryItem(next, read + 1);
          return (await putIf(client, { TableName, Item, ...ifAt(read) })).isWritten ? 'saved' : 'stale';
        },
      };
    },

    async loadWeek(end) {
      const stored = await itemAt(WEEKS_PK, end);
      const counted = stored === undefined ? 0 : parseWeekItem(stored).revision;
      return {
        isCounted: counted > 0,
        async save(counts) {
          const Item = toWeekItem(end, counts, counted + 1);
          return (await putIf(client, { TableName, Item, ...ifAt(counted) })).isWritten ? 'saved' : 'stale';
        },
      };
    },

    distinctOf: (metric, from, to) =>
      distinctOf(client, { TableName, ConsistentRead: true }, { metric, from, to, newSorter }),

    async loadList(sort) {
      const root = parseListItem(await itemAt(listPk(sort), LIST_ROOT_SK));
      const { leaves: before, namesAt, revision } = root;
      return {
        namesAt,
        async read() {
          const keys = before.map(({ ref }) => ({ pk: listPk(sort), sk: leafSk(ref) }));
          const items = await getAll(client, TableName, keys, { random, ...surroundings });
          const leaves = items.map(parseLeafItem);
          return { rows: leaves.flatMap(({ rows }) => rows), names: namesIn(root, leaves) };
        },
        async save(rows, names) {
          const made = rows.map((each) => toLeafItem(sort, each, names.names));
          const next = made.map(([leaf]) => leaf);
          const [there, kept] = [before, next].map((leaves) => new Set(leaves.map(({ ref }) => ref)));
          const puts = made.flatMap(([{ ref }, Item]) => (there?.has(ref) ? [] : [{ Put: { TableName, Item } }]));
          const deletes = before.flatMap(({ ref }) => {
            const gone = { TableName, Key: marshall({ pk: listPk(sort), sk: leafSk(ref) }) };
            return kept?.has(ref) ? [] : [{ Delete: gone }];
          });
          const changes = [...puts, ...deletes].map((action) => ({ actions: [action], units: unitsOf(LEAF_BYTES) }));
          return inTurns(listPk(sort), changes, revision, (isLast, rev) =>
            toListItem(sort, isLast ? { leaves: next, namesAt: names.at } : root, rev),
          );
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

  async function save(read: ReadDay, next: RolledUpDay, whenDone: () => RolledUpDay): Promise<'saved' | 'stale'> {
    const { day: before, revision, sets } = read;
    if (sets === undefined && next.sets.size > 0) throw new Error(`the sets of ${next.date} were not read`);
    const totals = new Map(totalsOf(next));
    if (sets === undefined) {
      const stored = await itemAt(TOTALS_PK, next.date);
      const known = stored === undefined ? [] : parseTotalsItem(stored).totals;
      for (const [metric, tally] of known) if (isDistinct(metric)) totals.set(metric, tally);
    }
    const last = [{ Put: { TableName, Item: toTotalsItem(next.date, totals) } }];
    return inTurns(
      dayPk(next.date),
      changesOf(read, next),
      revision,
      (isLast, rev) => toGuardItem(isLast ? whenDone() : before, rev),
      last,
    );
  }

  /**
   * All rows share one guard. If they are too many for one transaction, each of several transactions moves the guard, so
   * that no other run's rows come between. What the guard tells readers changes with the last one.
   */
  async function inTurns(
    pk: string,
    changes: Iterable<Change>,
    revision: number,
    guardOf: (isLast: boolean, revision: number) => Item,
    withLast: readonly TransactWriteItem[] = [],
  ): Promise<'saved' | 'stale'> {
    const batches = inBatches(changes);
    let read = revision;
    for (let batch = batches.next(); batch.done !== true; read += 1) {
      const { actions, units } = batch.value;
      batch = batches.next();
      const isLast = batch.done === true;
      const rest = isLast ? [...actions, ...withLast] : actions;
      const isWritten = await paced(pk, units, () => {
        const guard = { TableName, Item: guardOf(isLast, read + 1), ...ifAt(read) };
        return writeTogether(client, [{ Put: guard }, ...rest]);
      });
      if (!isWritten) return 'stale';
    }
    return 'saved';
  }

  /** The writes that turn what was read into the rows and the sets of `next`. Sets that were not read stay. */
  function* changesOf({ rows: before, sets }: ReadDay, next: RolledUpDay): Generator<Change> {
    const stored = new Map(before.map((item) => [keyOf(item), item]));
    const rows = toRows(next);
    const kept = new Set(rows.map(keyOf));
    const gone = [...stored].filter(([sk]) => !kept.has(sk)).map(([, item]) => item);
    // A row and its separate total go together: a repeat would not see that only one of them was written.
    const withTotal = (row: Item) => [row, toSeriesItem(next.date, row)].filter((item) => item !== undefined);
    const sizeOf = (row: Item | undefined) => (row === undefined ? 0 : bytesOf(row));
    for (const row of rows) {
      const old = stored.get(keyOf(row));
      if (isDeepStrictEqual(old, row)) continue;
      const actions = withTotal(row).map((Item) => ({ Put: { TableName, Item } }));
      yield { actions, units: unitsOf(Math.max(sizeOf(old), sizeOf(row))) };
    }
    for (const row of gone) {
      const actions = withTotal(row).map((item) => ({ Delete: { TableName, Key: keysOf(item) } }));
      yield { actions, units: unitsOf(sizeOf(row)) };
    }
    if (sets === undefined) return;

    const made = new Set<string>();
    for (const [metric, set] of next.sets) {
      for (const Item of toSetItems(next.date, metric, set)) {
        const old = sets.parts.get(keyOf(Item));
        made.add(keyOf(Item));
        if (old?.fingerprint === setFingerprintOf(Item)) continue;
        yield { actions: [{ Put: { TableName, Item } }], units: unitsOf(Math.max(old?.bytes ?? 0, bytesOf(Item))) };
      }
    }
    for (const [sk, { bytes }] of sets.parts) {
      const Key = marshall({ pk: dayPk(next.date), sk });
      if (!made.has(sk)) yield { actions: [{ Delete: { TableName, Key } }], units: unitsOf(bytes) };
    }
  }
}

const isDistinct = (metric: string): boolean =>
  communityMetrics.some(({ name, kind }) => name === metric && kind === 'distinct');
