import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { AccountId } from '../../../../domain/identity/account.ts';

/** An item of a table, or the keys of one, as DynamoDB has them. */
export type Item = Record<string, AttributeValue>;
export type Key = { readonly pk: string; readonly sk: string };

/** The partition of an account in every table that has one for each: `USER#<account>`. */
export const USER_PREFIX = 'USER#';
export const userPk = (account: AccountId): string => USER_PREFIX + account;

/** The account whose partition an item is in. Throws if it is in no account's. */
export function usernameOf({ pk }: Item): AccountId {
  const text = pk?.S ?? '';
  if (!text.startsWith(USER_PREFIX)) throw new Error(`the partition ${text} belongs to no account`);
  return AccountId.parse(text.slice(USER_PREFIX.length));
}
