import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { UserPlace } from '../../../../domain/consistency-check/user-places.port.ts';
import { scanForUsers } from '../shared/scan-for-users.ts';
import { BY_SHARD_INDEX } from '../../../runtime/names.ts';

/** For each of them, a user's facts are folded from nothing. */
const SCORES_AN_HOUR = 1_000;
/** Most of them belong to no user, and are skipped. */
const ITEMS_AN_HOUR = 20_000;
/** DynamoDB divides no further. */
const MAX_PARTS = 1_000_000;

/**
 * Where the check finds users: in the scores, then in facts and grants for users whom no refresh has ever reached. A
 * table is divided by its number of items. That number can be six hours old, which does no harm.
 */
export function dynamoUserPlaces(
  client: DynamoDBClient,
  tables: { readonly telemetry: string; readonly scores: string; readonly grants: string },
): readonly UserPlace[] {
  const partsOf = (items: number | undefined, anHour: number): number =>
    Math.min(MAX_PARTS, Math.max(1, Math.ceil((items ?? 0) / anHour)));
  const describe = async (tableName: string) =>
    (await client.send(new DescribeTableCommand({ TableName: tableName }))).Table;

  const ofTable = (name: string, tableName: string): UserPlace => ({
    name,
    isOfScores: false,
    parts: async () => partsOf((await describe(tableName))?.ItemCount, ITEMS_AN_HOUR),
    page: (part, position) => scanForUsers(client, { tableName, part, position }),
  });
  return [
    {
      name: 'scores',
      isOfScores: true,
      async parts() {
        const indexes = (await describe(tables.scores))?.GlobalSecondaryIndexes ?? [];
        return partsOf(indexes.find(({ IndexName }) => IndexName === BY_SHARD_INDEX)?.ItemCount, SCORES_AN_HOUR);
      },
      page: (part, position) =>
        scanForUsers(client, { tableName: tables.scores, indexName: BY_SHARD_INDEX, part, position }),
    },
    ofTable('telemetry', tables.telemetry),
    ofTable('grants', tables.grants),
  ];
}
