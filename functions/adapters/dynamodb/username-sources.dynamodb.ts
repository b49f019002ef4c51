import { QueryCommand, ScanCommand, type AttributeValue, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { UsernameSource, UsernameSources } from '../../../domain/backfill/username-source.port.ts';
import { Username } from '../../../domain/identity/username.ts';
import { BY_SHARD_INDEX, SCORE_SHARDS, scoreShardOf } from './score-store.items.ts';

const USER_PREFIX = 'USER#';
const SCAN_SEGMENTS = 4;
/** Items looked at by one request: few enough that a page is planned within a second or two. */
const ITEMS_A_PAGE = 1_000;

type Key = Record<string, AttributeValue>;

const PartitionKey = z.object({ pk: z.object({ S: z.string() }) });
const usernamesIn = (items: readonly unknown[] | undefined, prefix = USER_PREFIX): readonly Username[] =>
  (items ?? []).map((item) => Username.parse(PartitionKey.parse(item).pk.S.slice(prefix.length)));

/** Keys hold text only, so a position is the text of each attribute. */
const Position = z.record(z.string(), z.string());
const positionOf = (key: Key | undefined): string | null =>
  key === undefined ? null : JSON.stringify(Object.fromEntries(Object.entries(key).map(([name, { S }]) => [name, S])));
const startAt = (position: string | null): { readonly ExclusiveStartKey?: Key } =>
  position === null ? {} : { ExclusiveStartKey: marshall(Position.parse(JSON.parse(position))) };

/** The users whose partitions a table has: those with the prefix. */
const tableScan = (
  client: DynamoDBClient,
  {
    name,
    tableName,
    prefix = USER_PREFIX,
  }: { readonly name: string; readonly tableName: string; readonly prefix?: string },
): UsernameSource => ({
  name,
  segments: SCAN_SEGMENTS,
  async page(segment, position) {
    const { Items, LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: tableName,
        ConsistentRead: true,
        Segment: segment,
        TotalSegments: SCAN_SEGMENTS,
        Limit: ITEMS_A_PAGE,
        FilterExpression: 'begins_with(pk, :prefix)',
        ExpressionAttributeValues: marshall({ ':prefix': prefix }),
        ProjectionExpression: 'pk',
        ...startAt(position),
      }),
    );
    return { usernames: usernamesIn(Items, prefix), next: positionOf(LastEvaluatedKey) };
  },
});

/**
 * The users who have a score. From the index, which has one small entry for each, while the table has one for each of
 * their days; a score that it does not show yet was saved a moment ago, from facts that the other sources show.
 */
const scored = (client: DynamoDBClient, tableName: string): UsernameSource => ({
  name: 'scores',
  segments: SCAN_SEGMENTS,
  async page(segment, position) {
    const { Items, LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: tableName,
        IndexName: BY_SHARD_INDEX,
        Segment: segment,
        TotalSegments: SCAN_SEGMENTS,
        Limit: ITEMS_A_PAGE,
        ProjectionExpression: 'pk',
        ...startAt(position),
      }),
    );
    return { usernames: usernamesIn(Items), next: positionOf(LastEvaluatedKey) };
  },
});

/** The users whose score is of other rules than `rulesVersion`, whichever, or whose date of change has come. */
const staleScores = (client: DynamoDBClient, tableName: string, rulesVersion: string): UsernameSource => ({
  name: 'stale-scores',
  segments: SCORE_SHARDS,
  async page(segment, position, date) {
    const { Items, LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: BY_SHARD_INDEX,
        KeyConditionExpression: 'scoreShard = :shard',
        FilterExpression: 'rulesVersion <> :rules OR nextChangeOn <= :date',
        ExpressionAttributeValues: marshall({ ':shard': scoreShardOf(segment), ':rules': rulesVersion, ':date': date }),
        Limit: ITEMS_A_PAGE,
        ProjectionExpression: 'pk',
        ...startAt(position),
      }),
    );
    return { usernames: usernamesIn(Items), next: positionOf(LastEvaluatedKey) };
  },
});

/**
 * Where backfills find usernames. A further table that names users is one line more. The registry needs none: whomever a
 * version or a pull counts for has a publish grant, and a scan would read every pull there ever was.
 */
export function dynamoUsernameSources(
  client: DynamoDBClient,
  tables: { readonly telemetry: string; readonly scores: string; readonly grants: string },
  rulesVersion: string,
): UsernameSources {
  return {
    all: [
      tableScan(client, { name: 'telemetry', tableName: tables.telemetry }),
      tableScan(client, { name: 'grants', tableName: tables.grants }),
      scored(client, tables.scores),
    ],
    stale: [staleScores(client, tables.scores, rulesVersion)],
  };
}
