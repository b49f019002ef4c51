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

const Choice = z.object({ chosenAt: z.optional(z.iso.datetime()) });
/** When the account last chose whether boards show it; undefined if it never did, or before that was stored. */
export const chosenAtOf = (item: Item | undefined): string | undefined =>
  item === undefined ? undefined : Choice.parse(fromItem('profile', item)).chosenAt;

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

/** The choice, if the account has not chosen again since `before`. */
export function updateOfChoice(account: AccountId, isHidden: boolean, chosenAt: string, before?: string) {
  const { ExpressionAttributeValues, ...update } = profileUpdate(account, { isHidden, chosenAt });
  return {
    ...update,
    ConditionExpression: before === undefined ? 'attribute_not_exists(chosenAt)' : 'chosenAt = :before',
    ExpressionAttributeValues: { ...ExpressionAttributeValues, ...(before && marshall({ ':before': before })) },
  };
}

/** Who is shown as part of whom, for refreshes. */
export const updateOfMerge = ({ id, merged, mergedInto, mergedBefore }: Account) =>
  profileUpdate(id, { merged, mergedInto, mergedBefore });

/** That an account was erased: refreshes leave it alone. Nothing of a profile remains but this. */
export const updateOfErasure = ({ id, erasedAt }: Account) =>
  profileUpdate(id, {
    erasedAt,
    isHidden: undefined,
    chosenAt: undefined,
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
