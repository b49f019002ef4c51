import { QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { UsernameSource, UsernameSources } from '../../../../domain/backfill/username-source.port.ts';
import { computedBy, SCORE_SHARDS, scoreShardOf, type ComputedBy } from '../scoring/score.items.ts';
import { ITEMS_A_PAGE, positionOf, scanForUsers, startAt, usernamesIn } from '../shared/scan-for-users.ts';
import { BY_SHARD_INDEX } from '../../../runtime/names.ts';

const SCAN_SEGMENTS = 4;

/** The accounts that have a partition in a table. */
const tableScan = (
  client: DynamoDBClient,
  { name, tableName }: { readonly name: string; readonly tableName: string },
): UsernameSource => ({
  name,
  segments: SCAN_SEGMENTS,
  page: (segment, position) =>
    scanForUsers(client, { tableName, part: { index: segment, of: SCAN_SEGMENTS }, position }),
});

/**
 * The users who have a score. The index has one small entry for each, while the table has one for each of their days. A
 * score that the index does not show yet was saved a moment ago, from facts that the other sources show.
 */
const scored = (client: DynamoDBClient, tableName: string): UsernameSource => ({
  name: 'scores',
  segments: SCAN_SEGMENTS,
  page: (segment, position) =>
    scanForUsers(client, {
      tableName,
      indexName: BY_SHARD_INDEX,
      part: { index: segment, of: SCAN_SEGMENTS },
      position,
    }),
});

/** The users whose score follows other rules or another fold, or is due to change. */
const staleScores = (client: DynamoDBClient, tableName: string, by: ComputedBy): UsernameSource => ({
  name: 'stale-scores',
  segments: SCORE_SHARDS,
  async page(segment, position, date) {
    const { Items, LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: BY_SHARD_INDEX,
        KeyConditionExpression: 'scoreShard = :shard',
        FilterExpression: 'rulesVersion <> :rules OR nextChangeOn <= :date',
        ExpressionAttributeValues: marshall({
          ':shard': scoreShardOf(segment),
          ':rules': computedBy(by),
          ':date': date,
        }),
        Limit: ITEMS_A_PAGE,
        ProjectionExpression: 'pk',
        ...startAt(position),
      }),
    );
    return { usernames: usernamesIn(Items), next: positionOf(LastEvaluatedKey) };
  },
});

/**
 * Where backfills find usernames. Another table that names users is one more line. The registry needs none: every user
 * with a version or a pull has a publish grant, and a scan would read all pulls.
 */
export function dynamoUsernameSources(
  client: DynamoDBClient,
  tables: { readonly telemetry: string; readonly scores: string; readonly grants: string },
  by: ComputedBy,
): UsernameSources {
  return {
    all: [
      tableScan(client, { name: 'telemetry', tableName: tables.telemetry }),
      tableScan(client, { name: 'grants', tableName: tables.grants }),
      scored(client, tables.scores),
    ],
    stale: [staleScores(client, tables.scores, by)],
  };
}
