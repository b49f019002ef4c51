import { type DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { CheckNotes } from '../../../../domain/consistency-check/check-notes.port.ts';
import { AccountId } from '../../../../domain/identity/account.ts';
import type { Item } from '../shared/item.ts';
import { formatValue, fromItem, type ItemKind, SET_FORMAT, toItem } from '../shared/format.ts';

/**
 * The consistency check's items of the `backfill_runs` table. They do not expire.
 *
 *   CHECK  STREAMS    when changes were last read late, or could not be announced
 *   CHECK  DIFFERENT  the accounts that differ
 */
const STREAMS = marshall({ pk: 'CHECK', sk: 'STREAMS' });
const DIFFERENT = marshall({ pk: 'CHECK', sk: 'DIFFERENT' });

const Late = z.object({ lateAt: z.iso.datetime() });
const Different = z.object({ usernames: z.optional(z.set(AccountId)) });

/** Notes when changes were read late: the latest note replaces the one before. */
export const noteLateStreams =
  (client: DynamoDBClient, tableName: string) =>
  async (lateAt: string): Promise<void> => {
    await client.send(
      new PutItemCommand({ TableName: tableName, Item: { ...STREAMS, ...toItem('late-streams', { lateAt }) } }),
    );
  };

export function dynamoCheckNotes(client: DynamoDBClient, tableName: string): CheckNotes {
  async function find(kind: ItemKind, Key: Item) {
    const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }));
    return Item === undefined ? undefined : fromItem(kind, Item);
  }

  /** A set that is emptied is gone. */
  async function update(verb: 'ADD' | 'DELETE', usernames: readonly AccountId[]): Promise<number> {
    const { Attributes = {} } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: DIFFERENT,
        UpdateExpression: `SET ${SET_FORMAT} ${verb} usernames :usernames`,
        ExpressionAttributeValues: marshall({ ...formatValue('differing-accounts'), ':usernames': new Set(usernames) }),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Different.parse(fromItem('differing-accounts', Attributes)).usernames?.size ?? 0;
  }

  const differing = async (): Promise<readonly AccountId[]> =>
    [...(Different.parse((await find('differing-accounts', DIFFERENT)) ?? {}).usernames ?? [])].sort();

  return {
    differing,

    async lastLate() {
      const late = await find('late-streams', STREAMS);
      return late === undefined ? null : Date.parse(Late.parse(late).lateAt);
    },

    async remember({ found, right }) {
      // `found` comes last: an account in both lists differs.
      const left = right.length > 0 ? await update('DELETE', right) : null;
      if (found.length > 0) return update('ADD', found);
      return left ?? (await differing()).length;
    },
  };
}
