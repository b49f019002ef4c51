import { QueryCommand, ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { UsernameSource, UsernameSources } from '../../../../domain/backfill/username-source.port.ts';
import { ACCOUNT_PREFIX, accountOfItem } from '../identity/accounts.ts';
import { computedBy, SCORE_SHARDS, scoreShardOf, type ComputedBy } from '../scoring/score.items.ts';
import { ITEMS_A_PAGE, positionOf, scanForUsers, startAt, usernamesIn } from '../shared/scan-for-users.ts';
import { BY_SHARD_INDEX } from '../../../runtime/names.ts';

const SCAN_SEGMENTS = 4;

/**
 * All accounts. Each is there before the first fact that names it, and until it is erased. The table has two small items
 * for each, while the tables of facts have all that they ever did. Read eventually consistent, for half the price: an
 * account that was made a moment ago announces itself.
 */
const everybody = (client: DynamoDBClient, tableName: string): UsernameSource => ({
  name: 'accounts',
  segments: SCAN_SEGMENTS,
  async page(segment, position) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: tableName,
        FilterExpression: 'begins_with(pk, :account) AND attribute_not_exists(erasedAt)',
        ExpressionAttributeValues: marshall({ ':account': ACCOUNT_PREFIX }),
        Segment: segment,
        TotalSegments: SCAN_SEGMENTS,
        Limit: ITEMS_A_PAGE,
        ProjectionExpression: 'pk',
        ...startAt(position),
      }),
    );
    return { usernames: Items.map(accountOfItem), next: positionOf(LastEvaluatedKey) };
  },
});

/**
 * The users who have a score. The index has one small entry for each, while the table has one for each of their days. A
 * score that the index does not show yet was saved a moment ago, for an account that the other source shows.
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

/** Where backfills find usernames. Scores are looked at as well: they are there if an account was lost by hand. */
export function dynamoUsernameSources(
  client: DynamoDBClient,
  tables: { readonly accounts: string; readonly scores: string },
  by: ComputedBy,
): UsernameSources {
  return {
    all: [everybody(client, tables.accounts), scored(client, tables.scores)],
    stale: [staleScores(client, tables.scores, by)],
  };
}
