import {
  ConditionalCheckFailedException,
  GetItemCommand,
  paginateQuery,
  PutItemCommand,
  TransactWriteItemsCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { hourPlaceOf } from '../../../../domain/metrics/hour-index.ts';
import type { Username } from '../../../../domain/identity/username.ts';
import type { Random, RandomToken, Sleep } from '../../../../domain/shared/environment.ts';
import { hourOf } from '../../../../domain/shared/utc.ts';
import type { DeviceStore } from '../../../../domain/telemetry/device-store.port.ts';
import { putOnce } from '../shared/put-once.ts';
import { sendBesideTransactions, sendTransaction } from '../shared/retry-transaction.ts';
import { chunkItem, DEVICE_SK, DeviceItem, devicePk, hourSkPrefix, parseChunk, userPk } from './telemetry.items.ts';

export function dynamoDeviceStore(
  client: DynamoDBClient,
  tableName: string,
  deps: { readonly random: Random; readonly sleep: Sleep; readonly randomToken: RandomToken },
): DeviceStore {
  const table = { client, tableName, randomToken: deps.randomToken };
  /** A bind may have a transaction on the same item under way. */
  const putBesideBinds = (item: Readonly<Record<string, unknown>>) =>
    sendBesideTransactions(deps, () => putOnce(table, item));

  return {
    async find(deviceId) {
      const Key = marshall({ pk: devicePk(deviceId), sk: DEVICE_SK });
      const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }));
      if (Item === undefined) return undefined;
      const { owner, lastOwner, barred } = DeviceItem.parse(unmarshall(Item));
      return {
        deviceId,
        ...(owner === undefined ? {} : { owner }),
        ...(lastOwner === undefined ? {} : { lastOwner }),
        ...(barred === undefined ? {} : { barred: [...barred] }),
      };
    },

    async register(deviceId, createdAt) {
      const place = hourPlaceOf(hourOf(Date.parse(createdAt)), deviceId);
      await putBesideBinds({ pk: devicePk(deviceId), sk: DEVICE_SK, createdAt, ...place });
    },

    async bind(deviceId, username, at) {
      const { dayShard, hour } = hourPlaceOf(hourOf(Date.parse(at)), deviceId);
      const own = {
        TableName: tableName,
        Key: marshall({ pk: devicePk(deviceId), sk: DEVICE_SK }),
        UpdateExpression:
          'SET #owner = :owner, boundAt = :at, createdAt = if_not_exists(createdAt, :at), ' +
          'dayShard = if_not_exists(dayShard, :dayShard), #hour = if_not_exists(#hour, :hour)',
        ConditionExpression: 'attribute_not_exists(#owner) AND NOT contains(barred, :owner)',
        ExpressionAttributeNames: { '#owner': 'owner', '#hour': 'hour' },
        ExpressionAttributeValues: marshall({ ':owner': username, ':at': at, ':dayShard': dayShard, ':hour': hour }),
      };
      const link = {
        TableName: tableName,
        Item: marshall({ pk: userPk(username), sk: devicePk(deviceId), owned: true }),
      };
      const command = new TransactWriteItemsCommand({ TransactItems: [{ Update: own }, { Put: link }] });
      const outcome = await sendTransaction(deps, () => client.send(command));
      return outcome.kind === 'committed' ? 'bound' : 'already-owned';
    },

    async unbind(deviceId, owner, { to, bar } = {}) {
      const isTaken = owner !== undefined && owner !== to?.username;
      const sets = [
        ...(isTaken ? ['lastOwner = :owner'] : []),
        ...(to === undefined ? [] : ['#owner = :to, boundAt = :at']),
      ].join(', ');
      const disown = {
        TableName: tableName,
        Key: marshall({ pk: devicePk(deviceId), sk: DEVICE_SK }),
        UpdateExpression: [
          ...(sets === '' ? [] : [`SET ${sets}`]),
          ...(to === undefined ? ['REMOVE #owner, boundAt'] : []),
          ...(bar === undefined ? [] : ['ADD barred :bar']),
        ].join(' '),
        ConditionExpression:
          owner === undefined ? 'attribute_not_exists(#owner) AND attribute_exists(pk)' : '#owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: marshall(
          {
            ':owner': owner,
            ':to': to?.username,
            ':at': to?.at,
            ':bar': bar === undefined ? undefined : new Set([bar]),
          },
          { removeUndefinedValues: true },
        ),
      };
      const owned = (username: Username, isOwned: boolean) => ({
        Update: {
          TableName: tableName,
          Key: marshall({ pk: userPk(username), sk: devicePk(deviceId) }),
          UpdateExpression: 'SET owned = :owned',
          ExpressionAttributeValues: marshall({ ':owned': isOwned }),
        },
      });
      const command = new TransactWriteItemsCommand({
        TransactItems: [
          { Update: disown },
          ...(isTaken ? [owned(owner, false)] : []),
          ...(to === undefined ? [] : [owned(to.username, true)]),
        ],
      });
      const outcome = await sendTransaction(deps, () => client.send(command));
      return outcome.kind === 'committed' ? 'unbound' : 'not-theirs';
    },

    async link(deviceId, username) {
      await putBesideBinds({ pk: userPk(username), sk: devicePk(deviceId), owned: false });
    },

    async isLinked(deviceId, username) {
      const Key = marshall({ pk: userPk(username), sk: devicePk(deviceId) });
      const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }));
      return Item !== undefined;
    },

    async chunksOf(deviceId, hour) {
      const query = {
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :device AND begins_with(sk, :hour)',
        ExpressionAttributeValues: marshall({ ':device': devicePk(deviceId), ':hour': hourSkPrefix(hour) }),
      };
      const chunks = [];
      for await (const page of paginateQuery({ client }, query)) {
        chunks.push(...(page.Items ?? []).map((item) => parseChunk(item).chunk));
      }
      return chunks;
    },

    async saveChunk(deviceId, hour, chunk) {
      const writeId = deps.randomToken(6);
      const isFirstWrite = chunk.revision === 0;
      const command = new PutItemCommand({
        TableName: tableName,
        Item: chunkItem(deviceId, hour, chunk, writeId),
        ConditionExpression: isFirstWrite ? 'attribute_not_exists(pk)' : 'rev = :read',
        ...(isFirstWrite ? {} : { ExpressionAttributeValues: marshall({ ':read': chunk.revision }) }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      try {
        await client.send(command);
        return 'saved';
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // The SDK sends again after a lost answer; then it is our own write that stands in the way.
        const isOurs = error.Item !== undefined && parseChunk(error.Item).writeId === writeId;
        return isOurs ? 'saved' : 'stale';
      }
    },
  };
}
