import type { DynamoDBClient, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import type { GrantAppend, GrantLedger, GrantsTogether } from '../../../../domain/grants/grant-ledger.port.ts';
import { balanceKey, grantKey, parseBalanceItem, parseGrantItem, toBalanceItem, toGrantItem } from './grant.items.ts';
import { ifAt, ifNew } from '../shared/conditions.ts';
import { getOne, getTogether, type GetItem } from '../shared/gather.ts';
import type { MoveDeps } from '../../../../domain/grants/move-totals.ts';
import { ifMerge, profileKey } from '../scoring/profile.items.ts';
import { writeTogether } from '../shared/write-together.ts';

/**
 * The ledger in the `score_grants` table. It only puts lines and balances, and a line only if its id is new. No role
 * that writes here may update or delete.
 */
export function dynamoGrantLedger(
  client: DynamoDBClient,
  tableName: string,
  get: GetItem = getOne(client, tableName),
): GrantLedger & GrantsTogether {
  return {
    async balanceOf(account) {
      return parseBalanceItem(await get(balanceKey(account)));
    },

    async balancesOf(usernames) {
      const found = await getTogether(client, tableName, usernames.map(balanceKey));
      return new Map(usernames.map((account) => [account, parseBalanceItem(found(balanceKey(account)))]));
    },

    async thoseGiven(grantIds) {
      const found = await getTogether(client, tableName, grantIds.map(grantKey));
      return new Set(grantIds.filter((grantId) => found(grantKey(grantId)) !== undefined));
    },

    async find(grantId) {
      const item = await get(grantKey(grantId));
      return item === undefined ? undefined : parseGrantItem(item);
    },

    async append(append) {
      return (await writeTogether(client, appendActions(tableName, append))) ? 'appended' : 'stale';
    },
  };
}

/** Appends to the chains of two accounts, if the profile of the first still names the other. */
export const dynamoAppendBoth =
  (client: DynamoDBClient, tables: { readonly grants: string; readonly scores: string }): MoveDeps['appendBoth'] =>
  async (appends, account, merge) => {
    const isWritten = await writeTogether(client, [
      { ConditionCheck: { TableName: tables.scores, Key: profileKey(account), ...ifMerge(merge) } },
      ...appends.flatMap((append) => appendActions(tables.grants, append)),
    ]);
    return isWritten ? 'appended' : 'stale';
  };

/** The actions that add one user's lines and move the balance. They are part of a transaction, which may hold more. */
export function appendActions(
  tableName: string,
  { username, before, lines, after, writeId }: GrantAppend,
): readonly TransactWriteItem[] {
  if (lines.length === 0) return [];
  const putLines = lines.map((line) => ({
    TableName: tableName,
    Item: toGrantItem(line, writeId),
    ...ifNew,
  }));
  const moveBalance = {
    TableName: tableName,
    Item: toBalanceItem(username, after),
    ...ifAt(before.seq, 'seq'),
  };
  return [...putLines, moveBalance].map((Put) => ({ Put }));
}

/** Whether points of an account are in the chain of another one that it is, or was, part of. */
export async function hasMovedPoints(client: DynamoDBClient, tableName: string, account: AccountId): Promise<boolean> {
  const { moved } = await dynamoGrantLedger(client, tableName).balanceOf(account);
  return [...moved.values()].some((points) => points !== 0);
}
