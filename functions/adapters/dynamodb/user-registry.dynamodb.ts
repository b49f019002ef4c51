import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { UserRegistry } from '../../../domain/registry/user-registry.port.ts';
import {
  authorPk,
  isYankedItem,
  PULL_PREFIX,
  pullerOfItem,
  publisherPk,
  VERSION_PREFIX,
  type Item,
} from './registry-items.ts';

/** Counts a user's rows, page by page, until there are as many as anybody asks for. */
export function dynamoUserRegistry(client: DynamoDBClient, tableName: string): UserRegistry {
  async function count(pk: string, skPrefix: string, counts: (item: Item) => boolean, most: number): Promise<number> {
    const pages = paginateQuery(
      { client, pageSize: most }, // a page is billed for what it looks at
      {
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :user AND begins_with(sk, :kind)',
        ExpressionAttributeValues: marshall({ ':user': pk, ':kind': skPrefix }),
      },
    );
    let counted = 0;
    for await (const { Items = [] } of pages) {
      counted += Items.filter(counts).length;
      if (counted >= most) return most;
    }
    return counted;
  }

  return {
    countPublishes: (username, most) => count(publisherPk(username), VERSION_PREFIX, (row) => !isYankedItem(row), most),
    countPulls: (author, isOwn, most) => count(authorPk(author), PULL_PREFIX, (row) => !isOwn(pullerOfItem(row)), most),
  };
}
