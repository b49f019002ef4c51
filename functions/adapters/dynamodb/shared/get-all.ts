import { BatchGetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Random, Sleep } from '../../../../domain/shared/environment.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import type { Item, Key } from './item.ts';

const GETS_AT_A_TIME = 4;
/** DynamoDB gives 100 items at once. */
const BATCH_SIZE = 100;
const MAX_TRIES = 8;

/** Reads items by their keys, strongly consistent unless told otherwise. One that is gone is left out. */
export async function getAll(
  client: DynamoDBClient,
  TableName: string,
  keys: readonly Key[],
  {
    random,
    sleep,
    isConsistent = true,
  }: { readonly random: Random; readonly sleep: Sleep; readonly isConsistent?: boolean },
): Promise<readonly Item[]> {
  const batches: Item[][] = [];
  for (let from = 0; from < keys.length; from += BATCH_SIZE) {
    batches.push(keys.slice(from, from + BATCH_SIZE).map(({ pk, sk }) => marshall({ pk, sk })));
  }
  const found = await settleAll(batches, GETS_AT_A_TIME, async (batch) => {
    const items: Item[] = [];
    let wanted = batch;
    for (let attempt = 1; ; attempt += 1) {
      const request = { RequestItems: { [TableName]: { Keys: wanted, ConsistentRead: isConsistent } } };
      const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand(request));
      items.push(...(Responses?.[TableName] ?? []));
      wanted = UnprocessedKeys?.[TableName]?.Keys ?? [];
      if (wanted.length === 0) return items;
      if (attempt === MAX_TRIES)
        throw new Error(`${TableName}: ${wanted.length} items were not read in ${MAX_TRIES} tries`);
      await sleep(random() * 25 * 2 ** attempt);
    }
  });
  return found.flat();
}
