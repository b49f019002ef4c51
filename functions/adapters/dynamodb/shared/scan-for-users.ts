import { ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { UsernamePage } from '../../../../domain/backfill/username-source.port.ts';
import type { Part } from '../../../../domain/consistency-check/user-places.port.ts';
import type { AccountId } from '../../../../domain/identity/account.ts';
import { type Item, USER_PREFIX, usernameOf } from './item.ts';

/** Items looked at by one request: few enough that a page is planned within a second or two. */
export const ITEMS_A_PAGE = 1_000;

export const usernamesIn = (items: readonly Item[] | undefined): readonly AccountId[] => (items ?? []).map(usernameOf);

/** Keys hold text only, so a position is the text of each attribute. */
const Position = z.record(z.string(), z.string());
export const positionOf = (key: Item | undefined): string | null =>
  key === undefined ? null : JSON.stringify(Object.fromEntries(Object.entries(key).map(([name, { S }]) => [name, S])));
export const startAt = (position: string | null): { readonly ExclusiveStartKey?: Item } =>
  position === null ? {} : { ExclusiveStartKey: marshall(Position.parse(JSON.parse(position))) };

/**
 * A page of the accounts that a part of a table or of an index names, once for each of their items, or only for items
 * with the sort key `sk`. Every item of the index belongs to an account. A table is read eventually consistent, for
 * half the price: changes of the last moment have announcements of their own.
 */
export async function scanForUsers(
  client: DynamoDBClient,
  {
    tableName,
    indexName,
    sk,
    part,
    position,
  }: {
    readonly tableName: string;
    readonly indexName?: string;
    readonly sk?: string | undefined;
    readonly part: Part;
    readonly position: string | null;
  },
): Promise<UsernamePage> {
  const ofTable = {
    FilterExpression: sk === undefined ? 'begins_with(pk, :prefix)' : 'begins_with(pk, :prefix) AND sk = :sk',
    ExpressionAttributeValues: marshall({ ':prefix': USER_PREFIX, ...(sk === undefined ? {} : { ':sk': sk }) }),
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
  return { usernames: usernamesIn(Items), next: positionOf(LastEvaluatedKey) };
}
