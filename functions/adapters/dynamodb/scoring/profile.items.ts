import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { AccountId, type Account } from '../../../../domain/identity/account.ts';
import type { Condition } from '../shared/conditions.ts';
import { formatValue, fromItem, SET_FORMAT } from '../shared/format.ts';
import { type Item, userPk } from '../shared/item.ts';
import { PROFILE_SK } from '../../../runtime/names.ts';

const ProfileItem = z.object({
  isHidden: z._default(z.boolean(), false),
  merged: z._default(z.array(AccountId), []),
  mergedInto: z.optional(AccountId),
  mergedBefore: z.optional(AccountId),
  erasedAt: z.optional(z.iso.datetime()),
});

/** The parts of a profile are set by different functions, each by itself. */
const profileUpdate = (account: AccountId, values: Readonly<Record<string, unknown>>) => {
  const names = Object.keys(values);
  const given = names.filter((name) => values[name] !== undefined);
  const gone = names.filter((name) => values[name] === undefined);
  const set = [SET_FORMAT, ...given.map((name) => `${name} = :${name}`)].join(', ');
  return {
    Key: marshall({ pk: userPk(account), sk: PROFILE_SK }),
    UpdateExpression: `SET ${set}${gone.length === 0 ? '' : ` REMOVE ${gone.join(', ')}`}`,
    ExpressionAttributeValues: marshall({
      ...formatValue('profile'),
      ...Object.fromEntries(given.map((name) => [`:${name}`, values[name]])),
    }),
  };
};

export const updateOfChoice = (account: AccountId, isHidden: boolean) => profileUpdate(account, { isHidden });

/** Who is shown as part of whom, for refreshes. */
export const updateOfMerge = ({ id, merged, mergedInto, mergedBefore }: Account) =>
  profileUpdate(id, { merged, mergedInto, mergedBefore });

/** That an account was erased: refreshes leave it alone. Nothing of a profile remains but this. */
export const updateOfErasure = ({ id, erasedAt }: Account) =>
  profileUpdate(id, {
    erasedAt,
    isHidden: undefined,
    merged: undefined,
    mergedInto: undefined,
    mergedBefore: undefined,
  });

/** Holds while an account is part of another one, or was last. */
export const ifMerge = (state: { readonly into: AccountId } | { readonly before: AccountId }): Condition =>
  'into' in state
    ? { ConditionExpression: 'mergedInto = :other', ExpressionAttributeValues: marshall({ ':other': state.into }) }
    : { ConditionExpression: 'mergedBefore = :other', ExpressionAttributeValues: marshall({ ':other': state.before }) };

export const profileKey = (account: AccountId): Item => marshall({ pk: userPk(account), sk: PROFILE_SK });
export const parseProfileItem = (item: Item) => ProfileItem.parse(fromItem('profile', item));
