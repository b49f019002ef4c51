import { BatchWriteItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, expect, it } from 'vitest';
import type { UserPlace } from '../../domain/consistency-check/user-places.port.ts';
import {
  dynamoBalancePlaces,
  dynamoUserPlaces,
} from '../../functions/adapters/dynamodb/consistency-check/user-places.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const USERS = Array.from({ length: 40 }, (_, index) => `user-${String(index).padStart(2, '0')}`);

onBothEngines('where users are found to be checked', (engine) => {
  let client: DynamoDBClient;
  let grants: string;
  let places: readonly UserPlace[];
  let balances: readonly UserPlace[];
  beforeAll(async () => {
    client = engine().client();
    const names = await engine().createTables(['telemetry', 'user_scores', 'score_grants']);
    const tables = { telemetry: names.telemetry, scores: names.user_scores, grants: names.score_grants };
    ({ grants } = tables);
    places = dynamoUserPlaces(client, tables);
    balances = dynamoBalancePlaces(client, tables);
    const itemsOf = (pk: string) => ({
      [tables.telemetry]: [{ pk, sk: 'DEVICE#d' }],
      [tables.scores]: [
        { pk, sk: 'SCORE', scoreShard: 'SHARD#0' },
        { pk, sk: 'DAY#2026-08-20' },
      ],
      [tables.grants]: [{ pk, sk: 'BALANCE' }],
    });
    for (const table of [tables.telemetry, tables.grants]) {
      const Item = marshall({ pk: 'DEVICE#d', sk: 'DEVICE' }); // not an account
      await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: [{ PutRequest: { Item } }] } }));
    }
    for (const user of USERS) {
      for (const [table, items] of Object.entries(itemsOf(`USER#${user}`))) {
        const RequestItems = { [table]: items.map((item) => ({ PutRequest: { Item: marshall(item) } })) };
        await client.send(new BatchWriteItemCommand({ RequestItems }));
      }
    }
  });

  const usersIn = async (place: UserPlace, of: number): Promise<readonly string[]> => {
    const users: string[] = [];
    for (let index = 0; index < of; index += 1) {
      for (let position: string | null = null, isFirst = true; isFirst || position !== null; isFirst = false) {
        const page = await place.page({ index, of }, position);
        users.push(...page.usernames);
        position = page.next;
      }
    }
    return users.sort();
  };

  it.each([[1], [3], [100]])('each is in one of %i parts of each place, once', async (of) => {
    for (const place of places) await expect.poll(() => usersIn(place, of), { timeout: 600_000 }).toEqual(USERS);
  });

  it('each has one balance, however many lines', async () => {
    const Item = marshall({ pk: `USER#${USERS[7]}`, sk: 'GRANT#a' });
    await client.send(new PutItemCommand({ TableName: grants, Item }));
    for (const place of balances) expect(await usersIn(place, 1)).toEqual(USERS);
  });

  it('a small place is one part, so that each account is checked every hour', async () => {
    expect(await Promise.all(places.map((place) => place.parts()))).toEqual([1, 1, 1]);
  });
});

it.each([
  [0, 0, 1, 1],
  [1_000, 20_000, 1, 1],
  [1_001, 20_001, 2, 2],
  [1_000_000, 700_000_000, 1_000, 35_000],
  [10 ** 10, 10 ** 12, 1_000_000, 1_000_000], // the maximum number of segments in DynamoDB
])(
  'a larger place has more parts, but not more work per hour: %i scores, %i items',
  async (scores, items, ofScores, ofItems) => {
    const Table = { ItemCount: items, GlobalSecondaryIndexes: [{ IndexName: 'byShard', ItemCount: scores }] };
    const client = { send: async () => ({ Table }) } as unknown as DynamoDBClient;
    const places = dynamoUserPlaces(client, { telemetry: 't', scores: 's', grants: 'g' });

    expect(await Promise.all(places.map((place) => place.parts()))).toEqual([ofScores, ofItems, ofItems]);
  },
);
