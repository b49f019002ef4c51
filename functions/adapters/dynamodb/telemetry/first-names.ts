import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { FirstNames } from '../../../../domain/telemetry/first-names.ts';
import { ifNew } from '../shared/conditions.ts';
import { getOne, type GetItem } from '../shared/gather.ts';
import { writeTogether } from '../shared/write-together.ts';
import { NAME_SK, namePk, NameItem } from './telemetry.items.ts';
import { fromItem, toItem } from '../shared/format.ts';

/** `getItem` may read many items together. */
export function dynamoFirstNames(
  client: DynamoDBClient,
  TableName: string,
  getItem: GetItem = getOne(client, TableName),
): FirstNames {
  const keyOf = (name: string) => marshall({ pk: namePk(name), sk: NAME_SK });
  return {
    async find(name) {
      const item = await getItem(keyOf(name));
      return item === undefined ? undefined : NameItem.parse(fromItem('first-name', item)).first;
    },

    keep: (names) =>
      writeTogether(
        client,
        [...names].map(([name, first]) => ({
          Put: { TableName, Item: { ...keyOf(name), ...toItem('first-name', { first }) }, ...ifNew },
        })),
      ),
  };
}
