import { GetItemCommand, paginateQuery, QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { Username } from '../../../../domain/identity/username.ts';
import type { Collectives } from '../../../../domain/identity/collective.ts';
import {
  COLLECTIVE_PREFIX,
  COLLECTIVE_SK,
  collectivePk,
  HISTORY_PREFIX,
  historyUpTo,
  memberPk,
  membershipKey,
  parseCollectiveItem,
  parseHistoryItem,
  toCollectiveItem,
  toHistoryItem,
} from '../registry/registry.items.ts';
import { writeTogether } from '../shared/write-together.ts';
import { ifAt } from '../shared/conditions.ts';
import { fromItem, withFormat } from '../shared/format.ts';

const Membership = z.object({ sk: z.string().check(z.startsWith(COLLECTIVE_PREFIX)) });

/** Collectives and their members in the `registry` table. */
export function dynamoCollectives(client: DynamoDBClient, TableName: string): Collectives {
  /** The first or the last line of a part of the history. */
  async function membersBetween(slug: Username, from: string, to: string, which: 'first' | 'last') {
    const query = {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :collective AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: marshall({ ':collective': collectivePk(slug), ':from': from, ':to': to }),
      ScanIndexForward: which === 'first',
      Limit: 1,
    };
    const { Items: [item] = [] } = await client.send(new QueryCommand(query));
    return item === undefined ? undefined : parseHistoryItem(item).members;
  }

  return {
    async membersAt(slug, at) {
      const then = historyUpTo(at);
      return (
        (await membersBetween(slug, HISTORY_PREFIX, then, 'last')) ??
        (await membersBetween(slug, then, historyUpTo('9'), 'first'))
      );
    },

    async find(slug) {
      const Key = marshall({ pk: collectivePk(slug), sk: COLLECTIVE_SK });
      const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      return Item === undefined ? undefined : parseCollectiveItem(Item);
    },

    async collectivesOf(member) {
      const pages = paginateQuery(
        { client },
        {
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :member AND begins_with(sk, :collective)',
          ExpressionAttributeValues: marshall({ ':member': memberPk(member), ':collective': COLLECTIVE_PREFIX }),
        },
      );
      const slugs: Username[] = [];
      for await (const { Items = [] } of pages) {
        const rows = Items.map((item) => Membership.parse(fromItem('membership', item)));
        slugs.push(...rows.map(({ sk }) => Username.parse(sk.slice(COLLECTIVE_PREFIX.length))));
      }
      return slugs;
    },

    async save(before, after) {
      const { slug } = after;
      const [were, are] = [new Set(before?.members), new Set(after.members)];
      const isWritten = await writeTogether(client, [
        { Put: { TableName, Item: toCollectiveItem(after), ...ifAt(before?.revision ?? 0) } },
        { Put: { TableName, Item: toHistoryItem(after) } },
        ...[...are.difference(were)].map((member) => ({
          Put: { TableName, Item: withFormat('membership', membershipKey(member, slug)) },
        })),
        ...[...were.difference(are)].map((member) => ({ Delete: { TableName, Key: membershipKey(member, slug) } })),
      ]);
      return isWritten ? 'saved' : 'stale';
    },
  };
}
