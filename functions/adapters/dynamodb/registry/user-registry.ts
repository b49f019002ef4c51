import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { UserRegistry } from '../../../../domain/registry/user-registry.port.ts';
import {
  authorPk,
  parsePublisherItem,
  parsePullItem,
  PULL_PREFIX,
  publisherPk,
  VERSION_PREFIX,
} from './registry.items.ts';
import type { Item } from '../shared/item.ts';

/** A page is billed for the rows it reads. This is about as many as the caps reward. */
const ROWS_A_PAGE = 100;

export function dynamoUserRegistry(client: DynamoDBClient, tableName: string): UserRegistry {
  async function* rowsOf(pk: string, skPrefix: string): AsyncGenerator<readonly Item[], void> {
    const pages = paginateQuery(
      { client, pageSize: ROWS_A_PAGE },
      {
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :user AND begins_with(sk, :kind)',
        ExpressionAttributeValues: marshall({ ':user': pk, ':kind': skPrefix }),
      },
    );
    for await (const { Items = [] } of pages) yield Items;
  }

  /** The rows of several accounts, each sort key once: it is the identity of the row's fact. */
  async function* rowsOfAll(pks: readonly string[], skPrefix: string): AsyncGenerator<readonly Item[], void> {
    const seen = new Set<string | undefined>();
    for (const pk of pks) {
      for await (const rows of rowsOf(pk, skPrefix)) {
        const others = rows.filter(({ sk }) => !seen.has(sk?.S));
        if (pks.length > 1) for (const { sk } of rows) seen.add(sk?.S);
        yield others;
      }
    }
  }

  return {
    async *versionsOf(account, merged = []) {
      const pks = [account, ...merged].map(publisherPk);
      for await (const rows of rowsOfAll(pks, VERSION_PREFIX)) yield rows.map(parsePublisherItem);
    },
    async *pullsOf(author, merged = []) {
      const pks = [author, ...merged].map(authorPk);
      for await (const rows of rowsOfAll(pks, PULL_PREFIX)) yield rows.map(parsePullItem);
    },
  };
}
