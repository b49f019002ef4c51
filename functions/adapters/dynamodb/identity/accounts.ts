import { GetItemCommand, paginateQuery, QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import {
  AccountId,
  CHANGES_TOLD,
  type Account,
  type Accounts,
  type NamedAccount,
  type Told,
} from '../../../../domain/identity/account.ts';
import { accountNames, type AccountNames } from '../../../../domain/identity/account-names.ts';
import { KeptName, type Username } from '../../../../domain/identity/username.ts';
import type { Clock, Random, RandomToken, Sleep } from '../../../../domain/shared/environment.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { ifAt, type Condition } from '../shared/conditions.ts';
import { fromItem, toItem } from '../shared/format.ts';
import { getAll } from '../shared/get-all.ts';
import type { Item } from '../shared/item.ts';
import { writeTogether } from '../shared/write-together.ts';
import { updateOfErasure, updateOfMerge } from '../scoring/profile.items.ts';

/**
 * The items of the `accounts` table.
 *
 *   NAME#<character>    <username>    whose it is; in the order of names
 *   ACCOUNT#<account>   ACCOUNT        its name now, and the names that it gave up; of an erased one, that it was there
 *   CHANGED             <time>#<account>   since when readers call an account otherwise than before, and how
 *   CHANGED             <time>#<account>#BOARDS   since when boards hide an account, or show it again
 */

const ACCOUNT_SK = 'ACCOUNT';
const CHANGED_PK = 'CHANGED';
const FIRST_CHARACTERS = '0123456789abcdefghijklmnopqrstuvwxyz';
const namePk = (first: string) => `NAME#${first}`;
export const nameKey = (name: Username) => ({ pk: namePk(name.slice(0, 1)), sk: name });
export const ACCOUNT_PREFIX = 'ACCOUNT#';
export const accountKey = (id: string) => ({ pk: `${ACCOUNT_PREFIX}${id}`, sk: ACCOUNT_SK });
export const changedKey = (time: string, id: AccountId) => ({ pk: CHANGED_PK, sk: `${time}#${id}` });
const choiceKey = (time: string, id: AccountId) => ({ pk: CHANGED_PK, sk: `${time}#${id}#BOARDS` });

const accountOf = (pk: string | undefined): AccountId => AccountId.parse(pk?.slice(ACCOUNT_PREFIX.length));
export const accountOfItem = ({ pk }: Item): AccountId => accountOf(pk?.S);

// What is stored is read as it is: an earlier release may have given a name that nobody may take now.
const NameItem = z.object({
  sk: KeptName,
  account: AccountId,
  heldUntil: z.optional(z.iso.datetime()),
  isMerged: z.optional(z.boolean()),
});
const AccountItem = z.object({
  pk: z.string(),
  username: KeptName,
  formerNames: z._default(z.array(z.object({ name: KeptName, heldUntil: z.iso.datetime() })), []),
  merged: z._default(z.array(AccountId), []),
  mergedInto: z.optional(AccountId),
  mergedBefore: z.optional(AccountId),
  changedAt: z.optional(z.iso.datetime()),
  erasedAt: z.optional(z.iso.datetime()),
  rev: z.int(),
});

export function parseName(item: Item): readonly [Username, NamedAccount] {
  const { sk, account, heldUntil, isMerged } = NameItem.parse(fromItem('name', item));
  return [
    sk,
    { account, ...(heldUntil === undefined ? {} : { heldUntil }), ...(isMerged === undefined ? {} : { isMerged }) },
  ];
}

export const toNameItem = (name: Username, account: AccountId, heldUntil?: string): Item =>
  toItem('name', { ...nameKey(name), account, heldUntil });

export const toAccountItem = ({ id, revision, ...account }: Account): Item =>
  toItem('account', { ...accountKey(id), ...account, rev: revision });

export function parseAccount(item: Item): readonly [AccountId, Account] {
  const { pk, rev, mergedInto, mergedBefore, changedAt, erasedAt, ...rest } = AccountItem.parse(
    fromItem('account', item),
  );
  const id = accountOf(pk);
  const merge = {
    ...(mergedInto === undefined ? {} : { mergedInto }),
    ...(mergedBefore === undefined ? {} : { mergedBefore }),
    ...(changedAt === undefined ? {} : { changedAt }),
    ...(erasedAt === undefined ? {} : { erasedAt }),
  };
  return [id, { id, ...rest, ...merge, revision: rev }];
}

const ChangedItem = z.object({ sk: z.string(), name: z.optional(KeptName), isHidden: z.optional(z.boolean()) });
export const toChangedItem = (time: string, { id, username, mergedInto }: Account): Item =>
  toItem('changed-account', { ...changedKey(time, id), name: mergedInto === undefined ? username : undefined });
export const toChoiceItem = (time: string, id: AccountId, isHidden: boolean): Item =>
  toItem('changed-account', { ...choiceKey(time, id), isHidden });

export function parseChanged(item: Item): readonly [AccountId, Told] {
  const { sk, name = null, isHidden } = ChangedItem.parse(fromItem('changed-account', item));
  return [AccountId.parse(sk.split('#', 2)[1]), isHidden === undefined ? { name } : { isHidden }];
}

/**
 * Stores the last change of an account for readers, in place of an older one: a thousand renames cost them no more than
 * one.
 */
function toldOf(TableName: string, { changedAt }: Account, after: Account, time: string) {
  const told = { Put: { TableName, Item: toChangedItem(time, after) } };
  const isFirst = changedAt === undefined || changedAt === time;
  return isFirst ? [told] : [told, { Delete: { TableName, Key: marshall(changedKey(changedAt, after.id)) } }];
}

/** Tells readers that boards hide an account, or show it again, since a time. `before`: when it last chose. */
export function toldOfChoice(TableName: string, id: AccountId, isHidden: boolean, at: string, before?: string) {
  const told = { Put: { TableName, Item: toChoiceItem(at, id, isHidden) } };
  const isFirst = before === undefined || before === at;
  return isFirst ? [told] : [told, { Delete: { TableName, Key: marshall(choiceKey(before, id)) } }];
}

/** Holds while nobody has the name, or while it is no longer reserved. */
const ifFree = (at: string): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR heldUntil <= :at',
  ExpressionAttributeValues: marshall({ ':at': at }),
});

/** The same, or while it is a name of the account itself, present or given up. */
const ifMayTake = (account: AccountId, at: string): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR heldUntil <= :at OR account = :account',
  ExpressionAttributeValues: marshall({ ':at': at, ':account': account }),
});

/** DynamoDB writes 100 items at once, and an account has two. */
const WRITTEN_AT_ONCE = 100;
const CREATED_AT_ONCE = 50;
/** Two read units, and more than anybody asks for. */
const NAMES_A_PAGE = 100;
const MAX_TRIES = 20;

type Pauses = { readonly random: Random; readonly sleep: Sleep };

/** `scoresTable`: where refreshes find who is shown as part of whom; only who merges accounts needs it. */
export function dynamoAccounts(
  client: DynamoDBClient,
  TableName: string,
  pauses: Pauses,
  scoresTable?: string,
): Accounts {
  async function named(names: readonly Username[], isConsistent: boolean) {
    const items = await getAll(client, TableName, names.map(nameKey), { ...pauses, isConsistent });
    return new Map(items.map(parseName));
  }

  const putsOf = ([name, id]: readonly [Username, AccountId], at: string) => [
    { Put: { TableName, Item: toNameItem(name, id), ...ifFree(at) } },
    {
      Put: {
        TableName,
        Item: toAccountItem({ id, username: name, formerNames: [], merged: [], revision: 1 }),
      },
    },
  ];

  /** One by itself: somebody else may make it at the same time. */
  async function createOne(entry: readonly [Username, AccountId], at: string): Promise<readonly [Username, AccountId]> {
    const [name] = entry;
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      if (await writeTogether(client, putsOf(entry, at))) return entry;
      const there = (await named([name], true)).get(name);
      if (there !== undefined && (there.heldUntil ?? at) >= at) return [name, there.account];
    }
    throw new Error(`an account could not be made in ${MAX_TRIES} tries`);
  }

  return {
    named: (names) => named(names, false),

    async withIds(ids) {
      const items = await getAll(client, TableName, ids.map(accountKey), { ...pauses, isConsistent: false });
      return new Map(items.map(parseAccount));
    },

    async load(id) {
      const Key = marshall(accountKey(id));
      const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      return Item === undefined ? undefined : parseAccount(Item)[1];
    },

    holderOf: async (name) => (await named([name], true)).get(name),

    async rename(before, after, now) {
      const given = after.formerNames.find(({ name }) => name === before.username);
      const isWritten = await writeTogether(client, [
        {
          Put: {
            TableName,
            Item: toNameItem(after.username, after.id),
            ...ifMayTake(after.id, now),
          },
        },
        {
          Put: {
            TableName,
            Item: toNameItem(before.username, before.id, given?.heldUntil ?? now),
          },
        },
        { Put: { TableName, Item: toAccountItem(after), ...ifAt(before.revision, 'rev') } },
        ...toldOf(TableName, before, after, now),
      ]);
      return isWritten ? 'saved' : 'stale';
    },

    async saveMerge(changes) {
      if (scoresTable === undefined) throw new Error('accounts are merged without the table of scores');
      const isWritten = await writeTogether(
        client,
        changes.flatMap(({ before, after }) => {
          const isMerged = after.mergedInto !== undefined;
          const name = toItem('name', {
            ...nameKey(after.username),
            account: after.id,
            ...(isMerged ? { isMerged } : {}),
          });
          return [
            { Put: { TableName, Item: toAccountItem(after), ...ifAt(before.revision) } },
            { Put: { TableName, Item: name } },
            { Update: { TableName: scoresTable, ...updateOfMerge(after) } },
            ...(after.changedAt === undefined || after.changedAt === before.changedAt
              ? []
              : toldOf(TableName, before, after, after.changedAt)),
          ];
        }),
      );
      return isWritten ? 'saved' : 'stale';
    },

    async erase(changes) {
      if (scoresTable === undefined) throw new Error('accounts are erased without the table of scores');
      const actions = changes.flatMap(({ before, after }) => [
        { Put: { TableName, Item: toAccountItem(after), ...ifAt(before.revision) } },
        { Delete: { TableName, Key: marshall(nameKey(before.username)) } },
        { Update: { TableName: scoresTable, ...updateOfErasure(after) } },
        { Put: { TableName, Item: toChangedItem(after.erasedAt ?? '', after) } },
      ]);
      // A name that is no longer reserved may be somebody else's: the job looks at those one by one.
      const reserved = changes.flatMap(({ before: { formerNames }, after: { erasedAt = '' } }) =>
        formerNames.filter(({ heldUntil }) => heldUntil > erasedAt),
      );
      const gone = reserved
        .slice(0, WRITTEN_AT_ONCE - actions.length)
        .map(({ name }) => ({ Delete: { TableName, Key: marshall(nameKey(name)) } }));
      const isWritten = await writeTogether(client, [...actions, ...gone]);
      return isWritten ? 'saved' : 'stale';
    },

    async changedSince(time, most = CHANGES_TOLD) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'pk = :changed AND sk > :time',
          ExpressionAttributeValues: marshall({ ':changed': CHANGED_PK, ':time': time }),
          Limit: most + 1,
        }),
      );
      if (LastEvaluatedKey !== undefined) return null;
      const told = new Map<AccountId, Told>();
      for (const [id, each] of Items.map(parseChanged)) told.set(id, { ...told.get(id), ...each });
      return told;
    },

    async *beginningWith(prefix) {
      for (const first of prefix === '' ? FIRST_CHARACTERS : prefix.slice(0, 1)) {
        const pages = paginateQuery(
          { client, pageSize: NAMES_A_PAGE },
          {
            TableName,
            KeyConditionExpression: 'pk = :first AND begins_with(sk, :prefix)',
            ExpressionAttributeValues: marshall({ ':first': namePk(first), ':prefix': prefix === '' ? first : prefix }),
          },
        );
        for await (const { Items = [] } of pages) yield Items.map(parseName);
      }
    },

    async create(ids, at) {
      const entries = [...ids];
      const created: (readonly [Username, AccountId])[] = [];
      for (let from = 0; from < entries.length; from += CREATED_AT_ONCE) {
        const some = entries.slice(from, from + CREATED_AT_ONCE);
        const isWritten =
          some.length > 1 &&
          (await writeTogether(
            client,
            some.flatMap((entry) => putsOf(entry, at)),
          ));
        created.push(...(isWritten ? some : await settleAll(some, 8, (entry) => createOne(entry, at))));
      }
      return new Map(created);
    },
  };
}

/** How every function gets from names to accounts and back. */
export const dynamoAccountNames = (
  client: DynamoDBClient,
  tableName: string,
  deps: Pauses & { readonly clock: Clock; readonly randomToken: RandomToken },
): AccountNames => accountNames({ accounts: dynamoAccounts(client, tableName, deps), ...deps });
