import { paginateScan, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import type { StoredUser } from '../../../../domain/scoring/score-store.port.ts';
import { usernameOf, type Item } from '../shared/item.ts';
import { storedUserOf } from './score.items.ts';

/**
 * All users with stored items, in one read of the table at half the price of single reads. The items of an account
 * follow each other, so one account is held at a time.
 */
export async function* dynamoStoredUsers(
  client: DynamoDBClient,
  tableName: string,
): AsyncGenerator<{ readonly username: AccountId; readonly stored: StoredUser }, void> {
  let held: Item[] = [];
  const whole = () => held.slice(0, 1).map((item) => ({ username: usernameOf(item), stored: storedUserOf(held) }));
  for await (const { Items = [] } of paginateScan({ client }, { TableName: tableName })) {
    for (const item of Items) {
      if (held[0]?.pk?.S !== item.pk?.S) {
        yield* whole();
        held = [];
      }
      held.push(item);
    }
  }
  yield* whole();
}
