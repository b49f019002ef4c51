import {
  paginateQuery,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import { hourOf, type UtcHour } from '../../../../domain/shared/utc.ts';
import type { Chunk } from '../../../../domain/telemetry/device-hour-set.ts';
import { isStandIn, MAX_DEVICES } from '../../../../domain/telemetry/device-id.ts';
import type { DatedDevice, DeviceStore } from '../../../../domain/telemetry/device-store.port.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import {
  A_MOMENT_AGO,
  gather,
  getGathered,
  getOne,
  getTogether,
  type Freshness,
  type GetItem,
} from '../shared/gather.ts';
import { ifAt, ifItHolds, ifNew } from '../shared/conditions.ts';
import { hourPlaceOf } from '../shared/hour-index.ts';
import { userPk, type Item } from '../shared/item.ts';
import { putsGathered, type PutDeps } from '../shared/put-once.ts';
import { sendTransaction } from '../shared/retry-transaction.ts';
import {
  chunkItem,
  chunkSk,
  DEVICE_SK,
  DeviceItem,
  devicePk,
  hourSkPrefix,
  LINKS_SK,
  parseChunk,
} from './telemetry.items.ts';
import { putOwn } from '../shared/put-if.ts';
import { formatValue, fromItem, SET_FORMAT, toItem } from '../shared/format.ts';

const PARALLEL_QUERIES = 8;

type HourAsked = { readonly deviceId: string; readonly hour: UtcHour; readonly from: number };
const NOW: Freshness = { ConsistentRead: true };

export function dynamoDeviceStore(
  client: DynamoDBClient,
  tableName: string,
  deps: PutDeps,
  get: GetItem = getOne(client, tableName),
  getSeen: GetItem = getGathered(client, tableName, A_MOMENT_AGO),
): DeviceStore {
  const put = putsGathered({ client, tableName, ...deps });

  const isLinked = async (deviceId: string, account: AccountId) =>
    (await get(marshall({ pk: userPk(account), sk: devicePk(deviceId) }))) !== undefined;

  /** Counts devices that an account's fold has to follow from now on, in the transaction that links them. */
  const more = (account: AccountId, devices: number) => ({
    Update: {
      TableName: tableName,
      Key: marshall({ pk: userPk(account), sk: LINKS_SK }),
      UpdateExpression: `SET ${SET_FORMAT} ADD devices :more`,
      ConditionExpression: 'attribute_not_exists(devices) OR devices <= :room',
      ExpressionAttributeValues: marshall({
        ...formatValue('link-count'),
        ':more': devices,
        ':room': MAX_DEVICES - devices,
      }),
    },
  });

  function bindActions(deviceId: string, account: AccountId, at: string) {
    const { dayShard, hour } = hourPlaceOf(hourOf(Date.parse(at)), deviceId);
    const own = {
      TableName: tableName,
      Key: marshall({ pk: devicePk(deviceId), sk: DEVICE_SK }),
      UpdateExpression:
        'SET #owner = :owner, boundAt = :at, createdAt = if_not_exists(createdAt, :at), ' +
        `dayShard = if_not_exists(dayShard, :dayShard), #hour = if_not_exists(#hour, :hour), ${SET_FORMAT}`,
      ConditionExpression: 'attribute_not_exists(#owner) AND NOT contains(barred, :owner)',
      ExpressionAttributeNames: { '#owner': 'owner', '#hour': 'hour' },
      ExpressionAttributeValues: marshall({
        ...formatValue('device'),
        ...{ ':owner': account, ':at': at, ':dayShard': dayShard, ':hour': hour },
      }),
    };
    const link = {
      TableName: tableName,
      Item: toItem('link', { pk: userPk(account), sk: devicePk(deviceId), owned: true }),
    };
    return [{ Update: own }, { Put: link }];
  }

  async function chunksByQuery(
    { deviceId, hour, from }: HourAsked,
    { ConsistentRead }: Freshness,
  ): Promise<readonly Chunk[]> {
    const query = {
      TableName: tableName,
      ConsistentRead,
      KeyConditionExpression: 'pk = :device AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: marshall({
        ':device': devicePk(deviceId),
        ':from': chunkSk(hour, from),
        ':to': `${hourSkPrefix(hour)}~`, // `~` sorts after every digit
      }),
    };
    const chunks = [];
    for await (const page of paginateQuery({ client }, query)) {
      chunks.push(...(page.Items ?? []).map((item) => parseChunk(item).chunk));
    }
    return chunks;
  }

  /** Of several hours the first asked chunks come together: only a closed one has others after it. */
  const chunksGathered = (freshness: Freshness) =>
    gather<HourAsked, readonly Chunk[]>(async (group) => {
      const keyOf = ({ deviceId, hour, from }: HourAsked) =>
        marshall({ pk: devicePk(deviceId), sk: chunkSk(hour, from) });
      const keys = group.map(({ ask }) => keyOf(ask));
      const found = group.length === 1 ? undefined : await getTogether(client, tableName, keys, freshness);
      await settleAll(group, PARALLEL_QUERIES, async ({ ask, answer }) => {
        const item = found?.(keyOf(ask));
        const first = item === undefined ? undefined : parseChunk(item).chunk;
        if (found === undefined || first?.closed === true) answer(await chunksByQuery(ask, freshness));
        else answer(first === undefined ? [] : [first]);
      });
    });
  const [chunksNow, chunksSeen] = [chunksGathered(NOW), chunksGathered(A_MOMENT_AGO)];

  const deviceOf = (deviceId: string, item: Item | undefined): DatedDevice | undefined => {
    if (item === undefined) return undefined;
    const { createdAt, owner, lastOwner, barred } = DeviceItem.parse(fromItem('device', item));
    return {
      deviceId,
      createdAt,
      ...(owner === undefined ? {} : { owner }),
      ...(lastOwner === undefined ? {} : { lastOwner }),
      ...(barred === undefined ? {} : { barred: [...barred] }),
    };
  };
  const deviceKey = (deviceId: string) => marshall({ pk: devicePk(deviceId), sk: DEVICE_SK });

  return {
    find: async (deviceId) => deviceOf(deviceId, await get(deviceKey(deviceId))),
    lastSeen: async (deviceId) => deviceOf(deviceId, await getSeen(deviceKey(deviceId))),

    async register(deviceId, createdAt) {
      const place = hourPlaceOf(hourOf(Date.parse(createdAt)), deviceId);
      await put(toItem('device', { pk: devicePk(deviceId), sk: DEVICE_SK, createdAt, ...place }));
    },

    async seenBefore(deviceId, at) {
      const { dayShard, hour } = hourPlaceOf(hourOf(Date.parse(at)), deviceId);
      const update = new UpdateItemCommand({
        TableName: tableName,
        Key: deviceKey(deviceId),
        UpdateExpression: 'SET createdAt = :at, dayShard = :dayShard, #hour = :hour',
        ConditionExpression: 'createdAt > :at',
        ExpressionAttributeNames: { '#hour': 'hour' },
        ExpressionAttributeValues: marshall({ ':at': at, ':dayShard': dayShard, ':hour': hour }),
      });
      await ifItHolds(client.send(update));
    },

    async bind(deviceId, account, at) {
      const count = (await isLinked(deviceId, account)) ? [] : [more(account, 1)];
      const TransactItems = [...bindActions(deviceId, account, at), ...count];
      const outcome = await sendTransaction(deps, () => client.send(new TransactWriteItemsCommand({ TransactItems })));
      if (outcome.kind === 'committed') return 'bound';
      return outcome.failed.includes(0) ? 'already-owned' : 'full';
    },

    async bindTogether(devices, account) {
      const linked = await settleAll(devices, devices.length, ({ deviceId }) => isLinked(deviceId, account));
      const added = linked.filter((isThere) => !isThere).length;
      const TransactItems = [
        ...devices.flatMap(({ deviceId, at }) => bindActions(deviceId, account, at)),
        ...(added === 0 ? [] : [more(account, added)]),
      ];
      const outcome = await sendTransaction(deps, () => client.send(new TransactWriteItemsCommand({ TransactItems })));
      return outcome.kind === 'committed';
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
      const owned = (account: AccountId, isOwned: boolean) => ({
        Update: {
          TableName: tableName,
          Key: marshall({ pk: userPk(account), sk: devicePk(deviceId) }),
          UpdateExpression: `SET owned = :owned, ${SET_FORMAT}`,
          ExpressionAttributeValues: marshall({ ...formatValue('link'), ':owned': isOwned }),
        },
      });
      const isNew = to !== undefined && !(await isLinked(deviceId, to.username));
      const command = new TransactWriteItemsCommand({
        TransactItems: [
          { Update: disown },
          ...(isTaken ? [owned(owner, false)] : []),
          ...(to === undefined ? [] : [owned(to.username, true)]),
          ...(isNew ? [more(to.username, 1)] : []),
        ],
      });
      const outcome = await sendTransaction(deps, () => client.send(command));
      if (outcome.kind === 'committed') return 'unbound';
      return outcome.failed.includes(0) ? 'not-theirs' : 'full';
    },

    async link(deviceId, account) {
      const item = toItem('link', { pk: userPk(account), sk: devicePk(deviceId), owned: false });
      if (isStandIn(deviceId)) {
        await put(item);
        return 'linked';
      }
      if (await isLinked(deviceId, account)) return 'linked';
      const link = { TableName: tableName, Item: item, ...ifNew };
      const command = new TransactWriteItemsCommand({ TransactItems: [{ Put: link }, more(account, 1)] });
      const outcome = await sendTransaction(deps, () => client.send(command));
      return outcome.kind === 'committed' || outcome.failed.includes(0) ? 'linked' : 'full';
    },

    isLinked,

    chunksOf: (deviceId, hour, from = 0) => chunksNow({ deviceId, hour, from }),
    chunksLastSeen: (deviceId, hour, from = 0) => chunksSeen({ deviceId, hour, from }),

    async saveChunk(deviceId, hour, chunk) {
      const writeId = deps.randomToken(6);
      const Item = chunkItem(deviceId, hour, chunk, writeId);
      const isOwn = await putOwn(client, { TableName: tableName, Item, ...ifAt(chunk.revision) });
      return isOwn ? 'saved' : 'stale';
    },
  };
}
