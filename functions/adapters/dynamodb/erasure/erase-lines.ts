import { QueryCommand, ScanCommand, UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ErasureStep } from '../../../../domain/identity/run-erasure.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { BY_USER_INDEX } from '../../../runtime/names.ts';
import { GRANT_SK } from '../grants/grant.items.ts';
import type { Item } from '../shared/item.ts';
import { positionOf, startAt } from '../shared/scan-for-users.ts';

const LINES_A_PAGE = 200;
const ITEMS_A_PAGE = 1_000;
const WRITES_AT_A_TIME = 8;
const GIVER = ['grantedBy', 'grantedBySalt'] as const;
const TEXTS = ['reason', 'reasonSalt', ...GIVER] as const;

/** Removes texts of lines together with their salts. Their commitments stay, so every chain still proves. */
export function lineEraser(client: DynamoDBClient, TableName: string): Readonly<Record<'own' | 'others', ErasureStep>> {
  async function removeFrom(items: readonly Item[], attributes: readonly string[]): Promise<void> {
    const withTexts = items.filter((item) => attributes.some((name) => item[name] !== undefined));
    await settleAll(withTexts, WRITES_AT_A_TIME, async ({ pk }) => {
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: marshall({ pk: pk?.S, sk: GRANT_SK }),
          UpdateExpression: `REMOVE ${attributes.join(', ')}`,
        }),
      );
    });
  }

  return {
    own: {
      name: 'own-lines',
      async page({ account }, after) {
        const { Items = [], LastEvaluatedKey } = await client.send(
          new QueryCommand({
            TableName,
            IndexName: BY_USER_INDEX,
            KeyConditionExpression: 'username = :account AND seq > :after',
            ExpressionAttributeValues: marshall({ ':account': account, ':after': Number(after) }),
            Limit: LINES_A_PAGE,
          }),
        );
        await removeFrom(Items, TEXTS);
        return LastEvaluatedKey?.seq?.N ?? null;
      },
    },

    // No index has who gave a line: it would cost every line a write more, and accounts are hardly ever erased.
    others: {
      name: 'lines-of-others',
      async page({ names }, after) {
        if (names.length === 0) return null;
        const { Items = [], LastEvaluatedKey } = await client.send(
          new ScanCommand({
            TableName,
            ConsistentRead: true,
            Limit: ITEMS_A_PAGE,
            FilterExpression: 'sk = :grant AND attribute_exists(grantedBy)',
            ExpressionAttributeValues: marshall({ ':grant': GRANT_SK }),
            ProjectionExpression: 'pk, grantedBy',
            ...startAt(after === '' ? null : after),
          }),
        );
        const isTheirs = new Set<string>(names);
        const given = Items.filter(({ grantedBy }) => isTheirs.has(grantedBy?.S?.trim().toLowerCase() ?? ''));
        await removeFrom(given, GIVER);
        return positionOf(LastEvaluatedKey);
      },
    },
  };
}
