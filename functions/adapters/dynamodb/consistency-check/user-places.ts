import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { UserPlace } from '../../../../domain/consistency-check/user-places.port.ts';
import { BALANCE_SK } from '../grants/grant.items.ts';
import { scanForUsers } from '../shared/scan-for-users.ts';
import { BY_SHARD_INDEX } from '../../../runtime/names.ts';

/** For each of them, a user's facts are folded from nothing. */
const SCORES_AN_HOUR = 1_000;
/** Most of them belong to no user, and are skipped. */
const ITEMS_AN_HOUR = 20_000;
/** DynamoDB divides no further. */
const MAX_PARTS = 1_000_000;

const partsOf = (items: number | undefined, anHour: number): number =>
  Math.min(MAX_PARTS, Math.max(1, Math.ceil((items ?? 0) / anHour)));
const describe = async (client: DynamoDBClient, tableName: string) =>
  (await client.send(new DescribeTableCommand({ TableName: tableName }))).Table;

/** With `sk`, which each account has once, the place names an account once. Without it, once for each of its items. */
const ofTable = (client: DynamoDBClient, name: string, tableName: string, sk?: string): UserPlace => ({
  name,
  isOfScores: false,
  parts: async () => partsOf((await describe(client, tableName))?.ItemCount, ITEMS_AN_HOUR),
  page: (part, position) => scanForUsers(client, { tableName, sk, part, position }),
});

const ofScores = (client: DynamoDBClient, tableName: string): UserPlace => ({
  name: 'scores',
  isOfScores: true,
  async parts() {
    const indexes = (await describe(client, tableName))?.GlobalSecondaryIndexes ?? [];
    return partsOf(indexes.find(({ IndexName }) => IndexName === BY_SHARD_INDEX)?.ItemCount, SCORES_AN_HOUR);
  },
  page: (part, position) => scanForUsers(client, { tableName, indexName: BY_SHARD_INDEX, part, position }),
});

/**
 * Where the check finds users: in the scores, then in facts and grants for users whom no refresh has ever reached. A
 * table is divided by its number of items. That number can be six hours old, which does no harm.
 */
export const dynamoUserPlaces = (
  client: DynamoDBClient,
  tables: { readonly telemetry: string; readonly scores: string; readonly grants: string },
): readonly UserPlace[] => [
  ofScores(client, tables.scores),
  ofTable(client, 'telemetry', tables.telemetry),
  ofTable(client, 'grants', tables.grants),
];

/** Where the shadow report finds users, each once: in the scores, then in the balances. */
export const dynamoBalancePlaces = (
  client: DynamoDBClient,
  tables: { readonly scores: string; readonly grants: string },
): readonly UserPlace[] => [ofScores(client, tables.scores), ofTable(client, 'balances', tables.grants, BALANCE_SK)];
