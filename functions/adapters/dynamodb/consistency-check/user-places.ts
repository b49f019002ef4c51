import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { UserPlace } from '../../../../domain/consistency-check/user-places.port.ts';
import { scanForUsers } from '../shared/scan-for-users.ts';
import { BY_SHARD_INDEX } from '../scoring/score.items.ts';

/** Each of them is a user whose facts are folded from nothing. */
const SCORES_AN_HOUR = 1_000;
/** Most of them are no users' and only passed over. */
const ITEMS_AN_HOUR = 20_000;
/** DynamoDB divides no further. */
const MAX_PARTS = 1_000_000;

/**
 * Where users are found to be checked: by their scores, then by facts and grants, for those whom no refresh has ever
 * reached. A table's number of items, by which it is divided, is up to six hours old; that does no harm.
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
