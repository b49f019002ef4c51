import { paginateQuery, QueryCommand, type DynamoDBClient, type TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Registry } from '../../../../domain/registry/registry.port.ts';
import { appendActions } from '../grants/grant-ledger.ts';
import {
  COLLECTIVE_SK,
  collectivePk,
  EXTENSION_SK,
  extensionPk,
  liveKey,
  livePrefix,
  parseExtensionItem,
  parseLiveItem,
  parseVersionItem,
  toExtensionItem,
  toLiveItem,
  toPublisherItems,
  toVersionItem,
  VERSION_PREFIX,
  versionSk,
} from './registry.items.ts';
import { getOne, type GetItem } from '../shared/gather.ts';
import { writeTogether } from '../shared/write-together.ts';
import { ifAt, ifNew } from '../shared/conditions.ts';

/**
 * The registry in the `registry` table; a publish writes its grants into the ledger's table in the same transaction.
 */
export function dynamoRegistry(
  client: DynamoDBClient,
  tables: { readonly registry: string; readonly grants: string },
): Registry {
  const TableName = tables.registry;
  const getItem = getOne(client, TableName);
  const get = (pk: string, sk: string) => getItem(marshall({ pk, sk }));

  return {
    async findExtension(name) {
      const item = await get(extensionPk(name), EXTENSION_SK);
      return item === undefined ? undefined : parseExtensionItem(item);
    },

    findVersion: findVersionBy(getItem),

    async *versionsOf(name) {
      const pages = paginateQuery(
        { client },
        {
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :extension AND begins_with(sk, :version)',
          ExpressionAttributeValues: marshall({ ':extension': extensionPk(name), ':version': VERSION_PREFIX }),
          ScanIndexForward: false,
        },
      );
      for await (const { Items = [] } of pages) for (const item of Items) yield parseVersionItem(item);
    },

    async latestVersion(name, channel) {
      const newest = {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :extension AND begins_with(sk, :channel)',
        ExpressionAttributeValues: marshall({ ':extension': extensionPk(name), ':channel': livePrefix(channel) }),
        ScanIndexForward: false,
        Limit: 1,
      };
      const { Items: [item] = [] } = await client.send(new QueryCommand(newest));
      return item === undefined ? undefined : parseLiveItem(item);
    },

    async publish({ version, extension, collectiveRevision, grants, writeId }) {
      const { name, publisher, publishedAt } = version;
      const own: TransactWriteItem =
        extension === undefined
          ? {
              Put: {
                TableName,
                Item: toExtensionItem({ name, owner: publisher, createdAt: publishedAt, revision: 1 }),
                ...ifNew,
              },
            }
          : {
              ConditionCheck: {
                TableName,
                Key: marshall({ pk: extensionPk(name), sk: EXTENSION_SK }),
                ...ifAt(extension.revision),
              },
            };
      const asMembers: readonly TransactWriteItem[] =
        collectiveRevision === undefined
          ? []
          : [
              {
                ConditionCheck: {
                  TableName,
                  Key: marshall({ pk: collectivePk(publisher.name), sk: COLLECTIVE_SK }),
                  ...ifAt(collectiveRevision),
                },
              },
            ];
      const isWritten = await writeTogether(client, [
        own,
        ...asMembers,
        { Put: { TableName, Item: toVersionItem(version, writeId), ...ifNew } },
        { Put: { TableName, Item: toLiveItem(version) } },
        ...toPublisherItems(version).map((Item) => ({ Put: { TableName, Item } })),
        ...grants.flatMap((append) => appendActions(tables.grants, append)),
      ]);
      return isWritten ? 'published' : 'stale';
    },

    async saveYanks(versions, yank) {
      const actions = versions.flatMap(({ yank: _before, writeId, ...version }): TransactWriteItem[] => {
        const next = { ...version, ...(yank === undefined ? {} : { yank }), revision: version.revision + 1 };
        return [
          { Put: { TableName, Item: toVersionItem(next, writeId), ...ifAt(version.revision) } },
          yank === undefined
            ? { Put: { TableName, Item: toLiveItem(next) } }
            : { Delete: { TableName, Key: liveKey(next) } },
          ...toPublisherItems(next).map((Item) => ({ Put: { TableName, Item } })),
        ];
      });
      return (await writeTogether(client, actions)) ? 'saved' : 'stale';
    },

    async saveExtension(extension) {
      const next = { ...extension, revision: extension.revision + 1 };
      const isWritten = await writeTogether(client, [
        { Put: { TableName, Item: toExtensionItem(next), ...ifAt(extension.revision) } },
      ]);
      return isWritten ? 'saved' : 'stale';
    },
  };
}

export const findVersionBy =
  (get: GetItem): Registry['findVersion'] =>
  async (name, version) => {
    const item = await get(marshall({ pk: extensionPk(name), sk: versionSk(version) }));
    return item === undefined ? undefined : parseVersionItem(item);
  };
