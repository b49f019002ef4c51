import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import type { RulesHistory } from '../../../../domain/rules/rules-history.port.ts';
import { RULES_KEY } from './leaderboard.items.ts';
import { fromItem, toItem } from '../shared/format.ts';

const RulesItem = z.object({ version: z.string(), since: z.record(z.string(), z.iso.datetime()) });

/** It is stored in the boards' table: the builder of boards writes it, and their readers may read it. */
export function dynamoRulesHistory(client: DynamoDBClient, TableName: string): RulesHistory {
  const read = async (isConsistent: boolean) => {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: RULES_KEY, ConsistentRead: isConsistent }));
    return Item === undefined ? undefined : RulesItem.parse(fromItem('rules', Item));
  };
  return {
    since: async () => new Map(Object.entries((await read(false))?.since ?? {})),

    async note(version, at) {
      const before = await read(true);
      if (before?.version === version) return;
      const item = { version, since: { ...before?.since, [version]: at } };
      // Two builds at once note the same; one of a release before is corrected by the next.
      await client.send(new PutItemCommand({ TableName, Item: { ...RULES_KEY, ...toItem('rules', item) } }));
    },
  };
}
