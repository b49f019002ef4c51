import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Login, Logins } from '../../../../domain/identity/logins.port.ts';
import type { AccountId } from '../../../../domain/identity/account.ts';
import type { Condition } from '../shared/conditions.ts';
import { getOne } from '../shared/gather.ts';
import { userPk } from '../shared/item.ts';
import { writeTogether } from '../shared/write-together.ts';
import { LOGIN_SK, LoginItem, loginPk, OwnLoginItem, ownLoginSk } from './telemetry.items.ts';
import { fromItem, toItem } from '../shared/format.ts';

/** Holds while the login is nobody's, or this account's. */
const ifFreeFor = (account: AccountId): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR username = :username',
  ExpressionAttributeValues: marshall({ ':username': account }),
});

/** Holds while the account has this login, or none. */
const ifStill = (id: number): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR id = :id',
  ExpressionAttributeValues: marshall({ ':id': id }),
});

/** Links of logins in the `telemetry` table: one item by the login, and one by the account. */
export function dynamoLogins(client: DynamoDBClient, TableName: string): Logins {
  const get = getOne(client, TableName);
  const keyOf = ({ place, id }: Pick<Login, 'place' | 'id'>) => marshall({ pk: loginPk(place, id), sk: LOGIN_SK });
  const ownKeyOf = (account: AccountId, place: Login['place']) =>
    marshall({ pk: userPk(account), sk: ownLoginSk(place) });
  const ofAccount: Logins['ofAccount'] = async (account, place) => {
    const item = await get(ownKeyOf(account, place));
    if (item === undefined) return undefined;
    const { id, login } = OwnLoginItem.parse(fromItem('own-login', item));
    return { place, id, login };
  };
  const find: Logins['find'] = async (login) => {
    const item = await get(keyOf(login));
    if (item === undefined) return undefined;
    const { username: account, login: calledThen } = LoginItem.parse(fromItem('login', item));
    return { account, login: calledThen };
  };

  return {
    find,
    ofAccount,

    async link(account, { place, id, login }) {
      const holder = (await find({ place, id }))?.account;
      if (holder !== undefined && holder !== account) return 'taken';
      const before = (await ofAccount(account, place))?.id;
      const Item = { ...keyOf({ place, id }), ...toItem('login', { username: account, login }) };
      const own = { ...ownKeyOf(account, place), ...toItem('own-login', { id, login }) };
      const isWritten = await writeTogether(client, [
        { Put: { TableName, Item, ...ifFreeFor(account) } },
        { Put: { TableName, Item: own, ...ifStill(before ?? id) } },
        ...(before === undefined || before === id
          ? []
          : [{ Delete: { TableName, Key: keyOf({ place, id: before }) } }]),
      ]);
      return isWritten ? 'linked' : 'stale';
    },

    async unlink(account, place) {
      const before = (await ofAccount(account, place))?.id;
      if (before === undefined) return 'unlinked';
      const isWritten = await writeTogether(client, [
        { Delete: { TableName, Key: keyOf({ place, id: before }) } },
        { Delete: { TableName, Key: ownKeyOf(account, place), ...ifStill(before) } },
      ]);
      return isWritten ? 'unlinked' : 'stale';
    },
  };
}
