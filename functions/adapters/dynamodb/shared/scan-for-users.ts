import { ScanCommand, type AttributeValue, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { UsernamePage } from '../../../../domain/backfill/username-source.port.ts';
import type { Part } from '../../../../domain/consistency-check/user-places.port.ts';
import { Username } from '../../../../domain/identity/username.ts';

const USER_PREFIX = 'USER#';
/** Items looked at by one request: few enough that a page is planned within a second or two. */
export const ITEMS_A_PAGE = 1_000;

type Key = Record<string, AttributeValue>;

const PartitionKey = z.object({ pk: z.object({ S: z.string() }) });
export const usernamesIn = (items: readonly unknown[] | undefined, prefix = USER_PREFIX): readonly Username[] =>
  (items ?? []).map((item) => Username.parse(PartitionKey.parse(item).pk.S.slice(prefix.length)));

/** Keys hold text only, so a position is the text of each attribute. */
const Position = z.record(z.string(), z.string());
export const positionOf = (key: Key | undefined): string | null =>
  key === undefined ? null : JSON.stringify(Object.fromEntries(Object.entries(key).map(([name, { S }]) => [name, S])));
export const startAt = (position: string | null): { readonly ExclusiveStartKey?: Key } =>
  position === null ? {} : { ExclusiveStartKey: marshall(Position.parse(JSON.parse(position))) };

/**
 * A page of the users whose partitions a part of a table has, those with the prefix; or of those whom an index has, all
 * of whose items are users'. A table is read strongly consistent.
 */
export async function scanForUsers(
  client: DynamoDBClient,
  {
    tableName,
    indexName,
    prefix = USER_PREFIX,
    part,
    position,
  }: {
    readonly tableName: string;
    readonly indexName?: string;
    readonly prefix?: string | undefined;
    readonly part: Part;
    readonly position: string | null;
  },
): Promise<UsernamePage> {
  const ofTable = {
    ConsistentRead: true,
    FilterExpression: 'begins_with(pk, :prefix)',
    ExpressionAttributeValues: marshall({ ':prefix': prefix }),
  };
  const { Items, LastEvaluatedKey } = await client.send(
    new ScanCommand({
      TableName: tableName,
      ...(indexName === undefined ? ofTable : { IndexName: indexName }),
      Segment: part.index,
      TotalSegments: part.of,
      Limit: ITEMS_A_PAGE,
      ProjectionExpression: 'pk',
      ...startAt(position),
    }),
  );
  return { usernames: usernamesIn(Items, prefix), next: positionOf(LastEvaluatedKey) };
}
