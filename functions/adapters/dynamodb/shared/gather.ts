import { BatchGetItemCommand, GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import type { Item } from './item.ts';

/** Reads one item by its key, strongly consistent unless its maker was told otherwise. */
export type GetItem = (key: Item) => Promise<Item | undefined>;

/** DynamoDB gives 100 items at once, and writes as many in one transaction. */
const MAX_AT_ONCE = 100;
/** With one group after the other, the last of many groups would be answered too late. */
const PARALLEL_GROUPS = 4;

/** What was asked, and how to answer it. */
export type Asked<Ask, Answer> = { readonly ask: Ask; readonly answer: (answer: Answer) => void };

/**
 * Collects the asks of one turn of the event loop and hands them to `together` in groups of up to 100. A request of
 * 2,000 events makes about a hundred calls in this way instead of thousands. `together` answers every ask of its group.
 * If it throws, every ask of the group fails.
 */
export function gather<Ask, Answer>(
  together: (group: readonly Asked<Ask, Answer>[]) => Promise<void>,
): (ask: Ask) => Promise<Answer> {
  let waiting: (Asked<Ask, Answer> & { readonly fail: (error: unknown) => void })[] = [];
  const start = () => {
    const all = waiting;
    waiting = [];
    const groups = Array.from({ length: Math.ceil(all.length / MAX_AT_ONCE) }, (_, n) =>
      all.slice(n * MAX_AT_ONCE, (n + 1) * MAX_AT_ONCE),
    );
    void settleAll(groups, PARALLEL_GROUPS, (group) =>
      together(group).catch((error: unknown) => group.forEach(({ fail }) => fail(error))),
    );
  };
  return (ask) =>
    new Promise((answer, fail) => {
      if (waiting.length === 0) setImmediate(start);
      waiting.push({ ask, answer, fail });
    });
}

/** An item by its table and its key. */
type Place = { readonly tableName: string; readonly key: Item };

const textOf = (tableName: string, { pk, sk }: Item): string => JSON.stringify([tableName, pk?.S, sk?.S]);

/**
 * Whether a read must see all that was written before. One that need not costs half, and gives what was stored a moment
 * ago.
 */
export type Freshness = { readonly ConsistentRead: boolean };
const STRONG: Freshness = { ConsistentRead: true };
export const A_MOMENT_AGO: Freshness = { ConsistentRead: false };

/**
 * Reads up to 100 items by their keys, each key once. Items that the store was too busy for come
 * with the next read: each read gives some items, or throws.
 */
export async function getTogether(
  client: DynamoDBClient,
  tableName: string,
  keys: readonly Item[],
  freshness: Freshness = STRONG,
): Promise<(key: Item) => Item | undefined> {
  const found = await getPlaces(
    client,
    keys.map((key) => ({ tableName, key })),
    freshness,
  );
  return (key) => found({ tableName, key });
}

async function getPlaces(
  client: DynamoDBClient,
  places: readonly Place[],
  { ConsistentRead }: Freshness,
): Promise<(place: Place) => Item | undefined> {
  const found = new Map<string, Item>();
  const each = new Map(places.map((place) => [textOf(place.tableName, place.key), place]));
  let asked: [string, { Keys: Item[] | undefined; ConsistentRead: boolean }][] = [
    ...Map.groupBy(each.values(), ({ tableName }) => tableName),
  ].map(([tableName, ofTable]) => [tableName, { Keys: ofTable.map(({ key }) => key), ConsistentRead }]);
  while (asked.length > 0) {
    const command = new BatchGetItemCommand({ RequestItems: Object.fromEntries(asked) });
    const { Responses = {}, UnprocessedKeys = {} } = await client.send(command);
    for (const [tableName, items] of Object.entries(Responses)) {
      for (const item of items) found.set(textOf(tableName, item), item);
    }
    asked = Object.entries(UnprocessedKeys).map(([tableName, { Keys }]) => [tableName, { Keys, ConsistentRead }]);
  }
  return ({ tableName, key }) => found.get(textOf(tableName, key));
}

export const getOne =
  (client: DynamoDBClient, tableName: string, { ConsistentRead }: Freshness = STRONG): GetItem =>
  async (Key) =>
    (await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead }))).Item;

/** The same for many keys at a time. The function needs the permission for `BatchGetItem`. */
export function getGathered(client: DynamoDBClient, tableName: string, freshness: Freshness = STRONG): GetItem {
  const one = getOne(client, tableName, freshness);
  return gather<Item, Item | undefined>(async (group) => {
    const [first] = group;
    if (first !== undefined && group.length === 1) {
      first.answer(await one(first.ask));
      return;
    }
    const found = await getTogether(
      client,
      tableName,
      group.map(({ ask }) => ask),
      freshness,
    );
    for (const { ask, answer } of group) answer(found(ask));
  });
}

/** The same from several tables: what is asked of any of them in one turn of the event loop comes with one call. */
export function getFromTables(client: DynamoDBClient, freshness: Freshness): (tableName: string) => GetItem {
  const get = gather<Place, Item | undefined>(async (group) => {
    const places = group.map(({ ask }) => ask);
    const found = await getPlaces(client, places, freshness);
    for (const { ask, answer } of group) answer(found(ask));
  });
  return (tableName) => (key) => get({ tableName, key });
}
