import { paginateScan, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import type { Item } from './item-size.ts';

const Key = z.object({ pk: z.object({ S: z.string() }), sk: z.object({ S: z.string() }) });

/** Returns the items of a table that have certain keys. */
export async function storedItems(
  client: DynamoDBClient,
  tableName: string,
  isWanted: (key: { readonly pk: string; readonly sk: string }) => boolean,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of paginateScan({ client }, { TableName: tableName, ConsistentRead: true })) {
    for (const item of page.Items ?? []) {
      const { pk, sk } = Key.parse(item);
      if (isWanted({ pk: pk.S, sk: sk.S })) items.push(item);
    }
  }
  return items;
}
