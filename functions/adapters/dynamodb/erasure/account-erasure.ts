import {
  DeleteItemCommand,
  GetItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import { Credential } from '../../../../domain/identity/credential.ts';
import type { Username } from '../../../../domain/identity/username.ts';
import { PLACES } from '../../../../domain/identity/logins.port.ts';
import type { ErasureDeps, ErasureStep } from '../../../../domain/identity/run-erasure.ts';
import { setMembers, type SetMembersDeps } from '../../../../domain/identity/set-members.ts';
import { BOARDS } from '../../../../domain/leaderboards/board.ts';
import { eraseFromLists } from '../../../../domain/metrics/extension-summary.ts';
import type { Sha256 } from '../../../../domain/shared/environment.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { PROFILE_SK } from '../../../runtime/names.ts';
import { accountKey, changedKey, nameKey, parseAccount, parseName } from '../identity/accounts.ts';
import { dynamoCollectives } from '../identity/collectives.ts';
import { dynamoRollupStore } from '../metrics/rollup-store.ts';
import { dynamoLogins } from '../telemetry/logins.ts';
import { ifItHolds, type Condition } from '../shared/conditions.ts';
import { fromItem } from '../shared/format.ts';
import { type Item, userPk } from '../shared/item.ts';
import { DEVICE_SK, DeviceItem, devicePk, LINKS_SK } from '../telemetry/telemetry.items.ts';
import { lineEraser } from './erase-lines.ts';
import { eraseRows } from './erase-rows.ts';

type Tables = Readonly<
  Record<
    'accounts' | 'credentials' | 'telemetry' | 'registry' | 'grants' | 'scores' | 'leaderboards' | 'rollups',
    string
  >
>;

/** Holds while the name is that account's, or nobody's. */
const ifNameOf = (account: AccountId): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR account = :account',
  ExpressionAttributeValues: marshall({ ':account': account }),
});

const ROWS_A_PAGE = 200;
const WRITES_AT_A_TIME = 8;

/** What of an account is removed, and where: docs/export.md lists all that is stored of one. */
export function dynamoErasure(
  client: DynamoDBClient,
  tables: Tables,
  deps: Omit<SetMembersDeps, 'collectives'> & { readonly sha256: Sha256 },
): Omit<ErasureDeps, 'goOn'> {
  const get = async (TableName: string, key: object): Promise<Item | undefined> =>
    (await client.send(new GetItemCommand({ TableName, Key: marshall(key), ConsistentRead: true }))).Item;

  const remove = async (TableName: string, key: object, condition: Partial<Condition> = {}): Promise<void> => {
    await ifItHolds(client.send(new DeleteItemCommand({ TableName, Key: marshall(key), ...condition })));
  };

  /** Handles the rows of a partition, page by page. */
  const ofPartition =
    (name: string, TableName: string, handle: (sk: string, account: AccountId, row: Item) => Promise<unknown>) =>
    (prefix = ''): ErasureStep => ({
      name,
      async page({ account }, after) {
        const { Items = [], LastEvaluatedKey } = await client.send(
          new QueryCommand({
            TableName,
            ConsistentRead: true,
            KeyConditionExpression: `pk = :user AND ${after === '' ? 'begins_with(sk, :from)' : 'sk > :from'}`,
            ExpressionAttributeValues: marshall({ ':user': userPk(account), ':from': after === '' ? prefix : after }),
            Limit: ROWS_A_PAGE,
          }),
        );
        const rows = Items.filter(({ sk }) => sk?.S?.startsWith(prefix));
        await settleAll(rows, WRITES_AT_A_TIME, (row) => handle(row.sk?.S ?? '', account, row));
        return rows.length < Items.length ? null : (LastEvaluatedKey?.sk?.S ?? null);
      },
    });

  const names: ErasureStep = {
    name: 'names',
    async page({ account, names: had }) {
      await settleAll(had, WRITES_AT_A_TIME, (each) => remove(tables.accounts, nameKey(each), ifNameOf(account)));
      const item = await get(tables.accounts, accountKey(account));
      const changedAt = item === undefined ? undefined : parseAccount(item)[1].changedAt;
      if (changedAt !== undefined) await remove(tables.accounts, changedKey(changedAt, account));
      return null;
    },
  };

  /** Keys are few beside everything else, and only a scan finds those of an account. */
  const keys: ErasureStep = {
    name: 'keys',
    async page({ account }, after) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new ScanCommand({
          TableName: tables.credentials,
          ConsistentRead: true,
          FilterExpression: '#account = :account OR contains(members, :account)',
          ExpressionAttributeNames: { '#account': 'account' },
          ExpressionAttributeValues: marshall({ ':account': account }),
          ...(after === '' ? {} : { ExclusiveStartKey: marshall({ pk: after, sk: 'KEY' }) }),
        }),
      );
      for (const item of Items) await removeKey(Credential.parse(fromItem('key', item)), account);
      return LastEvaluatedKey?.pk?.S ?? null;
    },
  };

  async function removeKey(key: Credential, account: AccountId): Promise<void> {
    const Key = { pk: key.id, sk: 'KEY' };
    if (key.kind !== 'collective') return remove(tables.credentials, Key);
    const members = key.members.filter((member) => member !== account);
    await client.send(
      new UpdateItemCommand({
        TableName: tables.credentials,
        Key: marshall(Key),
        UpdateExpression: 'SET members = :members',
        ExpressionAttributeValues: marshall({ ':members': members }),
      }),
    );
  }

  const scores = ofPartition('scores', tables.scores, async (sk, account) => {
    // The profile tells that the account was erased.
    if (sk !== PROFILE_SK) await remove(tables.scores, { pk: userPk(account), sk });
  });

  const logins: ErasureStep = {
    name: 'logins',
    async page({ account }) {
      const held = dynamoLogins(client, tables.telemetry);
      for (const place of PLACES) {
        if ((await held.unlink(account, place)) === 'stale') return '';
      }
      return null;
    },
  };

  /** The events stay with the device, which is nobody's then. The link is last: it leads to the device. */
  const devices = ofPartition('devices', tables.telemetry, async (sk, account) => {
    await disown(sk, account);
    await remove(tables.telemetry, { pk: userPk(account), sk });
  });

  async function disown(device: string, account: AccountId): Promise<void> {
    const Key = { pk: device, sk: DEVICE_SK };
    const item = await get(tables.telemetry, Key);
    if (item === undefined) return;
    const { owner, lastOwner, barred } = DeviceItem.parse(fromItem('device', item));
    const [isOwner, isBarred] = [owner === account, barred?.has(account) === true];
    const gone = [...(isOwner ? ['#owner', 'boundAt'] : []), ...(lastOwner === account ? ['lastOwner'] : [])];
    if (gone.length === 0 && !isBarred) return;
    const update = new UpdateItemCommand({
      TableName: tables.telemetry,
      Key: marshall(Key),
      UpdateExpression: [
        ...(gone.length === 0 ? [] : [`REMOVE ${gone.join(', ')}`]),
        ...(isBarred ? ['DELETE barred :barred'] : []),
      ].join(' '),
      // Somebody may have given it to another account meanwhile.
      ConditionExpression: owner === undefined ? 'attribute_not_exists(#owner)' : '#owner = :owner',
      ExpressionAttributeNames: { '#owner': 'owner' },
      ...(owner === undefined && !isBarred
        ? {}
        : {
            ExpressionAttributeValues: marshall({
              ...(owner === undefined ? {} : { ':owner': owner }),
              ...(isBarred ? { ':barred': new Set([account]) } : {}),
            }),
          }),
    });
    if (!(await ifItHolds(client.send(update)))) await disown(device, account);
  }

  const linkCount: ErasureStep = {
    name: 'link-count',
    async page({ account }) {
      await remove(tables.telemetry, { pk: userPk(account), sk: LINKS_SK });
      return null;
    },
  };

  const collectives: ErasureStep = {
    name: 'collectives',
    async page({ account }) {
      const store = dynamoCollectives(client, tables.registry);
      for (const slug of await store.collectivesOf(account)) {
        const members = (await store.find(slug))?.members ?? [];
        await setMembers(
          { ...deps, collectives: store },
          { slug, members: members.filter((member) => member !== account) },
        );
      }
      return null;
    },
  };

  const extensionLists: ErasureStep = {
    name: 'extension-lists',
    async page({ account }) {
      const rollups = dynamoRollupStore(client, tables.rollups, deps);
      return (await eraseFromLists({ rollups, sha256: deps.sha256 }, account)) ? null : '';
    },
  };

  const lines = lineEraser(client, tables.grants);
  const board = (name: string) => eraseRows(client, { TableName: tables.leaderboards, sha256: deps.sha256 }, name);

  return {
    async find(account) {
      const item = await get(tables.accounts, accountKey(account));
      const found = item === undefined ? undefined : parseAccount(item)[1];
      if (found?.erasedAt === undefined) return undefined;
      const had: Username[] = [];
      for (const { name, heldUntil } of found.formerNames) {
        // A name that was given up long ago may be somebody else's by now.
        const isTheirs = heldUntil < found.erasedAt && (await isOfAnother(name, account));
        if (!isTheirs) had.push(name);
      }
      return { account, names: had };
    },
    steps: [
      keys,
      scores(),
      logins,
      devices(devicePk('')),
      linkCount,
      collectives,
      lines.own,
      names,
      lines.others,
      extensionLists,
      ...BOARDS.map(board),
    ],
    async forgetNames(account) {
      await client.send(
        new UpdateItemCommand({
          TableName: tables.accounts,
          Key: marshall(accountKey(account)),
          UpdateExpression: 'SET formerNames = :none',
          ExpressionAttributeValues: marshall({ ':none': [] }),
        }),
      );
    },
  };

  async function isOfAnother(name: Username, account: AccountId): Promise<boolean> {
    const item = await get(tables.accounts, nameKey(name));
    return item !== undefined && parseName(item)[1].account !== account;
  }
}
